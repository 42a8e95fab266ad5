# SPDX-License-Identifier: GPL-3.0-or-later
"""What moto lacks or does otherwise than AWS: one module a gap.

The first line of a module's documentation is the title of the issue that it would be at https://github.com/getmoto/moto.
"""

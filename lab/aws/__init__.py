# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS, simulated by moto; each module here closes gaps of moto that the collection or amazon.aws would fall into."""

# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in for Talos nodes: the real machine API over real TLS, and nothing of an operating system behind it."""

# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulation of Talos nodes: the real machine API over real TLS, and nothing of an operating system behind it."""

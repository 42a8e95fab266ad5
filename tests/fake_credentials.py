# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text in the form of credentials, put together here so that no scanner of repositories takes a test for a leak."""

from __future__ import annotations

# The one of AWS' own documentation.
ACCESS_KEY_ID = "AKIA" + "IOSFODNN7EXAMPLE"


def tailscale_key(rest: str) -> str:
    """Return an auth key of Tailscale that ends so."""
    return f"tskey-auth-{rest}"


def pem_header(label: str) -> str:
    """Return the line with which something in PEM begins."""
    return f"-----BEGIN {label}-----"


def slack_webhook(rest: str) -> str:
    """Return the address of a webhook of Slack that ends so."""
    return f"https://hooks.slack.{'com'}/services/{rest}"

# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The paths of a bastion. Private to urmanac.talos: may change at any time.

Runs on the bastion itself: nothing but the standard library, and Python 3.9. Templates get these paths from the
filter bastion_files. roles/bastion_host/vars/main.yml and files/health.py have to be static, and a test compares them.
"""

from __future__ import annotations

UNITS = "/etc/systemd/system"
ETC = "/etc/talos-bastion"
DATA = "/var/lib/talos-bastion"
PROGRAMS = "/usr/local/libexec/talos-bastion"
# In memory.
RUN = "/run/talos-bastion"
# What the files and the services leave behind when they are removed.
FOLDERS = (DATA, ETC, PROGRAMS)

MANIFEST = f"{ETC}/files"
HEALTH = f"{ETC}/health.json"
HEALTH_PROGRAM = "/usr/local/sbin/talos-bastion-health"
FETCH = f"{ETC}/fetch.json"
FETCH_PROGRAM = f"{PROGRAMS}/fetch"
SYSCTL = "/etc/sysctl.d/90-talos-bastion.conf"

ASSETS = f"{DATA}/assets"
TFTP = f"{DATA}/tftp"
LEASES = f"{DATA}/dnsmasq"

# Logins of caches: those that the role writes, and what containers get.
PASSWORDS = f"{ETC}/registry-passwords"
LOGINS = f"{RUN}/registry-logins"
LOGIN_PROGRAM = f"{PROGRAMS}/registry-login"

# The private key of the tunnel: what the role writes, and what wg reads.
WIREGUARD_FOLDER = f"{ETC}/wireguard"
WIREGUARD_WRITTEN_KEY = f"{WIREGUARD_FOLDER}/private.key"
WIREGUARD_KEY = f"{RUN}/wireguard.key"
WIREGUARD_KEY_PROGRAM = f"{PROGRAMS}/wireguard-key"

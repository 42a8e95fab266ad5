#!/bin/sh
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Makes what the DHCP client learned the interface's settings.
case $1 in
bound | renew)
    ip address replace "${ip:?}/${mask:?}" dev "${interface:?}"
    [ -z "${router:-}" ] || ip route replace default via "${router%% *}"
    ;;
esac

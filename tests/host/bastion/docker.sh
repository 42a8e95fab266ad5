#!/bin/sh
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# A simulation of `docker inspect` (its last argument is the container): asks the question that the unit would have docker ask.
for name; do :; done
health=$(sed -n 's/.*--health-cmd "\([^"]*\)".*/\1/p' "/etc/systemd/system/$name.service")
if sh -c "$health" > /dev/null 2>&1; then echo healthy; else echo unhealthy; fi

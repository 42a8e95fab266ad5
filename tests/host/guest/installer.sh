#!/bin/busybox sh
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# A simulation of the Talos installer in an installer image: takes the command line that boot-to-talos gives it, reads the
# configuration from its standard input, and writes a finished disk to the loop device.
set -eu
[ "${1:-}" = install ] || { echo "the simulation of the installer knows install, not ${1:-nothing}" >&2; exit 2; }
shift
disk='' platform=''
while [ $# -gt 0 ]; do
    case $1 in
    --disk) disk=$2 && shift 2 ;;
    --platform) platform=$2 && shift 2 ;;
    --extra-kernel-arg) shift 2 ;;
    --force) shift ;;
    *) echo "the simulation of the installer does not know $1" >&2 && exit 2 ;;
    esac
done
[ "$platform" = metal ] || { echo "platform $platform instead of metal" >&2; exit 2; }
busybox grep -q '^version: v1alpha1' || { echo "no configuration on standard input" >&2; exit 2; }
echo "running Talos installer, a simulation, on $disk" >&2
busybox gzip -dc /usr/install/disk.raw.gz | busybox dd of="$disk" bs=1M
busybox sync
echo "installation of Talos, a simulation, complete" >&2

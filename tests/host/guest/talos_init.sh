#!/bin/busybox sh
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Process 1 of the simulation of Talos: an address by DHCP, then an answer on port 50000 that reports what was booted, and how.
busybox mkdir -p /proc /sys /dev /www
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs devtmpfs /dev
for module in failover net_failover virtio_net efivarfs; do
    busybox insmod "/modules/$module.ko"
done
variables=/sys/firmware/efi/efivars
busybox mount -t efivarfs efivarfs $variables
# A variable is four bytes of attributes, then for BootCurrent a number of two bytes, and for an entry, from the seventh
# byte, its name in UTF-16.
current=$(busybox tail -c 2 $variables/BootCurrent-* | busybox od -An -tx2 | busybox tr -d ' ' | busybox tr a-f A-F)
{
    echo "system: simulation of Talos"
    echo "kernel: $(busybox uname -rm)"
    echo "command line: $(busybox cat /proc/cmdline)"
    echo "boot entry: $current $(busybox tail -c +11 $variables/Boot"$current"-* | busybox tr -d '\0' | busybox tr -c ' -~' '\n' | busybox head -n 1)"
} > /www/index.html
busybox ip link set lo up
busybox ip link set eth0 up
busybox udhcpc -q -n -t 20 -i eth0 -s /udhcpc.sh
echo "simulation of Talos: answering on port 50000"
busybox cat /www/index.html
exec busybox httpd -f -p 50000 -h /www

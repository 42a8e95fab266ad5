#!/bin/sh
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Process 1 of the small Linux as which the machine starts. It does for user-data what systemd and cloud-init do on EC2:
# devices, an address by DHCP, the user-data from the metadata service (IMDSv2), unpacked, executed, its words on the console.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
metadata=http://169.254.169.254/latest

say() {
    echo "small Linux: $*"
}

halt() {
    say "FAILED: $*"
    exec sleep infinity
}

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mountpoint -q /dev || mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
for module in failover net_failover virtio_net loop efivarfs; do
    busybox insmod "/usr/lib/modules/$module.ko" || halt "no kernel module $module"
done
mount -t efivarfs efivarfs /sys/firmware/efi/efivars || halt "the firmware's variables are not available"
ip link set lo up
ip link set eth0 up
busybox udhcpc -q -n -t 20 -i eth0 -s /etc/udhcpc.sh || halt "no address by DHCP"
say "$(uname -srm), $(ip -4 -brief address show eth0)"

token=$(curl -sf -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' $metadata/api/token) || halt "no token of the metadata service"
mkdir -p /var/lib/cloud
cd /var/lib/cloud || halt "no place for the user-data"
curl -sf -H "X-aws-ec2-metadata-token: $token" -o given $metadata/user-data || halt "no user-data"
gzip -dc given > user-data 2> /dev/null || cp given user-data
[ "$(head -c 2 user-data)" = '#!' ] || halt "the user-data is not a script"
chmod 0700 user-data
say "executing $(wc -c < user-data) bytes of user-data, sent as $(wc -c < given)"
cd / || halt "no root"
/var/lib/cloud/user-data < /dev/null 2>&1
halt "the user-data ended with exit status $?, and this is still the small Linux"

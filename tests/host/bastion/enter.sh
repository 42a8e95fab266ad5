#!/bin/sh
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# In new mount and process namespaces: mount the host's programs into a blank root, read-only, and stay in it.
#   sh enter.sh ROOT
set -eu
root=$1
mount --make-rprivate /
mount --bind "$root" "$root"
cd "$root"
mkdir -p dev/net dev/pts etc proc root run sys tmp usr var/lib var/tmp usr-local/bin usr-local/sbin
chmod 1777 tmp var/tmp
mount --rbind /usr usr
mount -o remount,bind,ro usr
mount --bind usr-local usr/local
for name in bin sbin lib lib32 lib64 libx32; do
    if [ -L "/$name" ]; then ln -sfn "$(readlink "/$name")" "$name"; fi
done
for name in null zero full random urandom tty net/tun; do
    if [ -e "/dev/$name" ]; then touch "dev/$name"; mount --bind "/dev/$name" "dev/$name"; fi
done
mount -t devpts devpts dev/pts
ln -sfn pts/ptmx dev/ptmx
ln -sfn /proc/self/fd dev/fd
ln -sfn /run var/run
mount -t tmpfs tmpfs run
mkdir run/sshd run/simulated
mount -t proc proc proc
mount --rbind /sys sys
# Not chroot: who makes containers wants a root that is one.
mkdir -p outside
pivot_root . outside
umount --lazy /outside
rmdir /outside
exec /usr/bin/python3 -c 'import signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
while True: signal.pause()'

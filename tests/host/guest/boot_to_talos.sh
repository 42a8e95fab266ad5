#!/bin/sh
# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# A simulation of boot-to-talos v0.7.1 in install mode, for hosts without the real one. It does what that one
# does with curl and dd: the same questions, the same progress lines, the same image from the same registry (or a disk image
# in a file, packed by gzip), the disk erased. For an emulated machine only.
set -eu
image='' disk='' mode=''

log() {
    echo "$(date '+%Y/%m/%d %H:%M:%S') $*" >&2
}

fatal() {
    log "$*"
    exit 1
}

misuse() {
    echo "$*" >&2
    exit 2
}

answer() {
    printf '%s: ' "$1"
    read -r answered || answered=''
    echo "$answered"
}

get() {
    curl --fail --silent --show-error --max-time 300 "$@"
}

while [ $# -gt 0 ]; do
    case ${1#-} in
    -image | image) image=$2 && shift 2 ;;
    -disk | disk) disk=$2 && shift 2 ;;
    -mode | mode) mode=$2 && shift 2 ;;
    *) misuse "flag provided but not defined: $1" ;;
    esac
done
grep -q -s 'urmanac.emulated' /proc/cmdline || fatal "this is not an emulated machine"
[ "$mode" = install ] && [ -n "$image" ] && [ -n "$disk" ] || misuse "the simulation needs -mode install, -image and -disk"
answer "Add networking configuration? [yes]"
answer "Add networking configuration? [yes]"
answer "Configure serial console? (or 'no') [ttyS0]"
printf '\nSummary:\n  Image: %s\n  Disk:  %s\n  Extra kernel args: (none)\n\nWARNING: ALL DATA ON %s WILL BE ERASED!\n\n'     "$image" "$disk" "$disk"
answer "Continue? [yes]"
[ "$answered" = yes ] || fatal "aborted by user"

folder=$(mktemp -d /tmp/installer-XXXXXX)
log "created temporary directory $folder"
if [ -f "$image" ]; then
    log "installing from disk image to $disk"
    gzip -dc "$image" | dd of="$disk" bs=4M conv=fsync 2> /dev/null
    log "disk image copied to $disk"
    log "rebooting system"
    echo b > /proc/sysrq-trigger
    sleep 60
fi

mount -t tmpfs tmpfs "$folder"
name=${image%@*} digest=${image#*@}
registry=http://${name%%/*}/v2/${name#*/}
get -H 'Accept: application/vnd.oci.image.manifest.v1+json' -o "$folder/manifest" "$registry/manifests/$digest" ||
    fatal "failed to get install assets from container source: pull image $image"
mkdir "$folder/root"
# One layer has one digest; the first one in a manifest is that of its configuration.
for layer in $(tr ',{}[]' '\n' < "$folder/manifest" | sed -n 's/.*"digest": *"\(sha256:[0-9a-f]*\)".*/\1/p' | tail -n +2); do
    get "$registry/blobs/$layer" | tar -xz -C "$folder/root"
done

raw=$folder/image.raw
log "creating raw disk $raw (3 GiB)"
truncate -s 3G "$raw"
loop=$(losetup --find --show "$raw")
log "attached $raw to $loop"
for kernel in proc sys dev; do
    mkdir -p "$folder/root/$kernel"
    mount --rbind "/$kernel" "$folder/root/$kernel"
done
log "starting Talos installer"
printf 'version: v1alpha1\n' |
    chroot "$folder/root" /usr/bin/installer install --platform metal --disk "$loop" --force || fatal "installer exited $?"
log "Talos installer finished successfully"
log "remounting all filesystems read-only"
echo u > /proc/sysrq-trigger
log "copy $raw → $disk"
dd if="$raw" of="$disk" bs=4M conv=fsync 2> /dev/null
log "installation image copied to $disk"
log "rebooting system"
echo b > /proc/sysrq-trigger
sleep 60

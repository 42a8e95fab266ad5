#!/bin/sh
# What udhcpc does with a lease: says what is in it, and takes the address.
# It hands everything over in the environment.
# shellcheck disable=SC2154
[ "$1" = bound ] || exit 0
ip address replace "$ip/$mask" dev "$interface"
echo "ip=$ip mask=$mask router=$router boot_file=${boot_file:-$bootfile} siaddr=$siaddr domain=$domain ntpsrv=$ntpsrv"

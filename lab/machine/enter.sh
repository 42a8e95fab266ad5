# SPDX-License-Identifier: GPL-3.0-or-later
# Runs first in the namespaces of a machine: furnish its root with the host's programs, read-only, and go in.
#   sh enter.sh ROOT PYTHON-PREFIX PYTHON SIMULATION...
set -eu
root=$1 prefix=$2 python=$3
shift 3
mount --bind "$root" "$root"
cd "$root"

read_only() { # HOST-DIRECTORY PLACE
  mkdir -p "$2"
  mount --rbind "$1" "$2"
  mount -o remount,bind,ro,nosuid,nodev "$2"
}
for name in usr bin sbin lib lib32 lib64 libx32; do
  if [ -L "/$name" ]; then
    ln -sfn "$(readlink "/$name")" "$name"
  elif [ -d "/$name" ]; then
    read_only "/$name" "$name"
  fi
done

lab_python=$python
case $prefix in
  /usr/local) # the host's Python is where the machine's own programs go: keep its libraries, move its program
    touch lab/python-program
    mount --bind "$python" lab/python-program
    lab_python=/lab/python-program
    [ ! -d usr/local/bin ] || mount --bind usr-local/bin usr/local/bin
    [ ! -d usr/local/sbin ] || mount --bind usr-local/sbin usr/local/sbin
    home=/usr/local
    ;;
  *)
    [ ! -d usr/local ] || mount --bind usr-local usr/local
    case $prefix in /usr | /usr/*) ;; *) read_only "$prefix" "$root$prefix" ;; esac
    home=
    ;;
esac

# The simulated services also take the places of the real programs, for scripts that set a PATH of their own.
for name in "$@"; do
  for place in usr/bin usr/sbin bin sbin; do
    if [ ! -L "$place" ] && [ -f "$place/$name" ] && [ ! -L "$place/$name" ]; then
      mount --bind "lab/bin/$name" "$place/$name"
    fi
  done
done

for name in null zero full random urandom tty; do
  touch "dev/$name"
  mount --bind "/dev/$name" "dev/$name"
done
ln -sfn /proc/self/fd dev/fd
ln -sfn /proc/self/fd/0 dev/stdin
ln -sfn /proc/self/fd/1 dev/stdout
ln -sfn /proc/self/fd/2 dev/stderr

# Root of the host is root in here for kernel files too: hide those that act on the whole host.
mount -t proc proc proc
for name in sys bus fs irq acpi scsi; do
  if [ -d "proc/$name" ]; then
    mount --bind "proc/$name" "proc/$name"
    mount -o remount,bind,ro "proc/$name"
  fi
done
for name in sysrq-trigger kcore kmsg timer_list keys; do
  if [ -e "proc/$name" ]; then
    mount --bind /dev/null "proc/$name"
  fi
done

set -- env -i PATH=/lab/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
  LAB_ROOT= LAB_PYTHON="$lab_python" ${home:+PYTHONHOME="$home"} "$lab_python" -S /lab/machine/init.py \
  /var/lib/cloud/instance/user-data
if command -v setpriv >/dev/null 2>&1; then
  set -- setpriv --bounding-set=-all --inh-caps=-all --no-new-privs "$@"
fi
exec chroot "$root" "$@"

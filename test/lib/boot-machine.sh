#!/bin/bash
# boot-machine.sh ROOT DIR ADDRESS/PREFIX GATEWAY SHARED: becomes systemd as process 1 of a machine made of namespaces. machine.ts
# starts it in new mount, pid, uts, ipc, net and cgroup namespaces. ROOT is an unpacked distribution, read only. DIR holds the files
# that the machine writes, and keeps them over a reboot. SHARED is mounted at /shared, read only.
set -eu
root=$1 dir=$2 address=$3 gateway=$4 shared=$5
mkdir -p "$dir"/upper "$dir"/work "$dir"/root "$dir"/docker "$dir"/containerd
mount -t overlay overlay -o "lowerdir=$root,upperdir=$dir/upper,workdir=$dir/work" "$dir/root"
machine=$dir/root
mount -t proc proc "$machine/proc"
mount -t sysfs sysfs "$machine/sys"
mount -t tmpfs -o mode=755 tmpfs "$machine/dev"
for device in 'null 1 3' 'zero 1 5' 'full 1 7' 'random 1 8' 'urandom 1 9' 'tty 5 0'; do
  read -r name major minor <<<"$device"
  mknod -m 666 "$machine/dev/$name" c "$major" "$minor"
done
mkdir -p "$machine/dev/pts" "$machine/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666 devpts "$machine/dev/pts"
ln -s pts/ptmx "$machine/dev/ptmx"
ln -s /proc/self/fd "$machine/dev/fd"
mount -t tmpfs tmpfs "$machine/dev/shm"
mount -t tmpfs -o mode=755 tmpfs "$machine/run"
mount -t tmpfs tmpfs "$machine/tmp"
# Docker cannot keep its layers on an overlay.
mkdir -p "$machine/var/lib/docker" "$machine/var/lib/containerd"
mount --bind "$dir/docker" "$machine/var/lib/docker"
mount --bind "$dir/containerd" "$machine/var/lib/containerd"
mkdir -p "$machine/shared"
mount --bind "$shared" "$machine/shared"
mount -o remount,bind,ro "$machine/shared"
# The cgroup hierarchies of the host, with this machine's own group as their root.
groups=$machine/sys/fs/cgroup
if [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]; then
  mount -t cgroup2 cgroup2 "$groups"
else
  mount -t tmpfs -o mode=755 tmpfs "$groups"
  for controller in cpu cpuacct cpuset memory devices freezer blkio pids; do
    mkdir "$groups/$controller"
    mount -t cgroup -o "$controller" "$controller" "$groups/$controller" 2>/dev/null || rmdir "$groups/$controller"
  done
  mkdir "$groups/systemd" "$groups/unified"
  mount -t cgroup -o none,name=systemd systemd "$groups/systemd"
  mount -t cgroup2 cgroup2 "$groups/unified"
fi
# The value at power-on; the host may have another value.
echo 0 >"$machine/proc/sys/net/ipv4/ip_forward"
# Each machine has its own machine-id: udev derives the MAC address of eth0 from it.
[ -e "$dir/upper/etc/machine-id" ] || tr -d - </proc/sys/kernel/random/uuid >"$machine/etc/machine-id"
hostname "$(basename "$dir")"
hostname >"$machine/etc/hostname"
ip link set lo up
until [ -e "$machine/sys/class/net/eth0" ]; do sleep 0.1; done
ip addr add "$address" dev eth0
ip link set eth0 up
ip route add default via "$gateway"
mkdir -p "$machine/.old"
cd "$machine"
pivot_root . .old
umount -l .old
# In a container systemd expects that its creator shares the mounts; without, systemd cannot pass credentials to its services.
mount --make-rshared /
exec env -i container=k8ts PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --log-target=null

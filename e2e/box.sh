# Boots an init system as PID 1 of a container made of this very host: see box.py, which calls it in
#   unshare --mount --pid --cgroup --uts --ipc --net --fork
# $1: a directory for the container's own files (kept from one boot to the next), $2: the repo,
# then the command that becomes PID 1.
set -e
mount --make-rprivate /
mkdir -p "$1/upper" "$1/work" "$1/root"
R=$1/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$R"
mount -t proc proc "$R/proc"
mount --bind "$R/proc/sys" "$R/proc/sys"
mount -o remount,bind,ro "$R/proc/sys"
mount -t sysfs -o ro sysfs "$R/sys"
mount -t tmpfs -o mode=755 tmpfs "$R/sys/fs/cgroup"
mount -t cgroup2 cgroup2 "$R/sys/fs/cgroup"
for place in run tmp dev; do mount -t tmpfs -o mode=755 tmpfs "$R/$place"; done
chmod 1777 "$R/tmp"
for name in null zero full random urandom tty; do
  touch "$R/dev/$name"
  mount --bind "/dev/$name" "$R/dev/$name"
done
mkdir "$R/dev/pts" "$R/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$R/dev/pts"
ln -s pts/ptmx "$R/dev/ptmx"
ln -s /proc/self/fd "$R/dev/fd"
mkdir -p "$R$2"
mount --rbind "$2" "$R$2"
mkdir -p "$R/.old"
if [ ! -e "$R/booted" ]; then
  # Nothing of the host's own services is started, only what a test enables.
  touch "$R/booted"
  rm -rf "$R"/etc/systemd/system/*.wants "$R"/lib/systemd/system/multi-user.target.wants
  rm -f "$R"/lib/systemd/system/*.target.wants/systemd-tmpfiles-*
  ln -sf /dev/null "$R/etc/systemd/system/getty.target"
fi
cd "$R"
pivot_root . .old
umount -l /.old
mount --make-rshared /  # as systemd does itself where it is not in a container
shift 2
exec env -i container=recon-test PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"

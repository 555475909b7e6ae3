# Runs inside the new root file system, once: what a plain Debian lacks for recon's tests.
# /tmp/provision holds this file, the wheels, and as much of the project as pip wants to see.
set -eu

# The tools of the tests, and recon itself as an editable install of /src, which is not there yet:
# each run brings its own worktree.
mkdir -p /src/reconciler
cp /tmp/provision/pyproject.toml /src
touch /src/README.md /src/LICENSE /src/reconciler/__init__.py
python3 -m venv /opt/venv
install="/opt/venv/bin/pip --isolated install --quiet --no-index --find-links /tmp/provision/wheels"
$install --upgrade setuptools wheel
$install --no-build-isolation --editable '/src[dev]'
rm -r /src

useradd --create-home --shell /bin/sh tester

# Every boot is a first one, and emulated: what serves neither recon nor its tests stays out.
systemctl set-default --quiet multi-user.target
systemctl mask --quiet getty.target \
  apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
  fstrim.timer systemd-tmpfiles-clean.timer systemd-timesyncd.service \
  dev-hugepages.mount sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount \
  sys-fs-fuse-connections.mount proc-sys-fs-binfmt_misc.automount systemd-binfmt.service \
  modprobe@configfs.service modprobe@dm_mod.service modprobe@drm.service modprobe@fuse.service \
  modprobe@loop.service systemd-modules-load.service kmod-static-nodes.service \
  systemd-update-utmp.service systemd-update-utmp-runlevel.service systemd-random-seed.service \
  systemd-pstore.service systemd-remount-fs.service
touch /etc/.updated /var/.updated # no update of either is pending

cat >/etc/systemd/system/recon-vm.service <<'UNIT'
[Unit]
Description=the command that this machine was booted for
After=systemd-user-sessions.service systemd-logind.service dbus.socket

[Service]
Type=exec
ExecStart=/bin/sh -c 'test -e /src || { mkdir /src && tar -xf /dev/nvme0n2 -C /src; }; exec sh /src/e2e/vm/guest.sh'

[Install]
WantedBy=multi-user.target
UNIT
systemctl enable --quiet recon-vm.service

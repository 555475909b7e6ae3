# Runs inside the machine at each of its boots: the command, as whom it was asked for.
# ttyS1 is the caller's standard output, ttyS2 takes the exit code; .vm/ is written by machine.py.
exec >/dev/ttyS1 2>&1 </dev/null
stty -F /dev/ttyS1 raw

boot=$(($(cat /var/lib/recon-vm-boots 2>/dev/null || echo 0) + 1))
echo $boot >/var/lib/recon-vm-boots

as=$(cat /src/.vm/as)
case $as in
root) user=root run="systemd-run --uid=root --property=PAMName=login" ;;
service) user=root run="systemd-run --property=Delegate=yes" ;;
user) user=tester run="systemd-run --uid=tester --property=PAMName=login" ;;
user-service)
  user=tester
  loginctl enable-linger tester
  systemctl start user@1000.service
  run="setpriv --reuid=tester --regid=tester --init-groups
    env XDG_RUNTIME_DIR=/run/user/1000 systemd-run --user --property=Delegate=yes"
  ;;
esac
chown -R $user: /src

$run --quiet --pipe --wait --unit=recon-vm-command --working-directory=/src \
  --setenv=PATH=/opt/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  --setenv=LANG=C.UTF-8 --setenv=RECON_VM=$as --setenv=RECON_VM_BOOT=$boot \
  sh /src/.vm/command
code=$?

# A command that reboots the machine has not ended: it goes on at the next boot.
test "$(systemctl is-system-running)" = stopping && exit
exec >/dev/null 2>&1 # waits until all of it has left
echo $code >/dev/ttyS2
systemctl poweroff --force --force

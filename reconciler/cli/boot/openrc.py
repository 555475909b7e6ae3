"""The OpenRC script of `recon startup`: kept up by supervise-daemon, which OpenRC brings along.

supervise-daemon signals the controller alone, so the apps run on over a stop or a restart of the
service. When the host goes down, or to a runlevel without recon, `recon down` follows the stop and
ends them in their order. supervise-daemon cannot know that an exit was intended: after a bare
`recon down` it starts recon, and with it the apps, again; so that is to be `rc-service recon stop`
first.
"""

from __future__ import annotations

from shlex import join, quote

from reconciler.cli.boot.boot import MARK, Boot

SCRIPT = "recon"


def script(boot: Boot) -> str:
    """The text of /etc/init.d/recon. OpenRC evaluates `command` and its arguments again."""
    program, *arguments = boot.run
    path = f'export PATH="$PATH":{quote(":".join(boot.folders))}\n' if boot.folders else ""
    return f"""\
#!/sbin/openrc-run
# {MARK}, which may overwrite it. Your own settings: /etc/conf.d/{SCRIPT}

description={quote(f"recon, which runs what {boot.place.manifests} declares")}
supervisor=supervise-daemon
command={quote(quote(program))}
command_args={quote(join(arguments))}
output_log=/var/log/recon.log
error_log=/var/log/recon.log
respawn_delay=1
respawn_max=0
retry=SIGTERM/30/SIGKILL/5
# It would end the apps with the controller.
rc_cgroup_cleanup=NO
extra_started_commands="reload"
{path}
depend() {{
	# Not `need`: Debian has no localmount, what it has instead is named below.
	use localmount net dns
	after netmount mountall mountnfs networking
}}

start_pre() {{
	# What `fromEnv` of a manifest reads.
	[ ! -r /etc/recon/env ] || {{ set -a; . /etc/recon/env; set +a; }}
}}

reload() {{
	ebegin "Having recon read its manifests again"
	supervise-daemon "$RC_SVCNAME" --signal HUP
	eend $?
}}

stop_post() {{
	# The apps run on, unless the host goes down: RC_GOINGDOWN, or, before that, Debian's
	# `openrc off`, which says so by a file as any change of runlevel does.
	if yesno "${{RC_GOINGDOWN:-no}}" || [ -e "${{RC_SVCDIR:-/run/openrc}}/rc.stopping" ]; then
		{join(boot.down)}
	fi
}}
"""

"""The program of a manifest, whatever the kind: what is run, as whom, with what and within what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic.json_schema import SkipJsonSchema

from reconciler.model.spec.base import Manifest
from reconciler.model.spec.dependency import DependsOn
from reconciler.model.spec.env import Env, EnvFrom
from reconciler.model.spec.lifecycle import Backoff, ExitCodes, Stop
from reconciler.model.spec.limits import Limits
from reconciler.model.spec.logs import Logs
from reconciler.model.spec.privileges import Capabilities, Groups, Paths
from reconciler.model.spec.probe import Probe, ProbeRole
from reconciler.model.spec.socket import Socket
from reconciler.model.spec.watch import Watch
from reconciler.model.state.observed import Exit
from reconciler.model.words.fields import in_place, own, template
from reconciler.model.words.values import Account, Command, Flag, Image, Seconds, Umask, Whole


class ProgramSpec(Manifest):
    """What an App and a Job have in common (as Kubernetes' PodTemplate, and a little more).

    Probes and sockets are an App's; the properties say so of any program.
    """

    command: Command = template(
        ...,
        "the program and its arguments; a string is split as a shell would, without a shell; "
        "`$(NAME)` is the app's own variable",
    )
    image: Image | None = in_place(
        None,
        "container image, for `recon export kubernetes`; no effect on this host",
        decides_readiness=False,
    )
    cwd: str = template(".", "working directory, relative to the manifest's file")
    env: Env = template(
        {},
        "environment variables: text, {perInstance: N}, {secretFile: F}, "
        "{fromEnv: V} or {credential: F}",
    )
    env_from: EnvFrom = template(
        (), "dotenv files; a later file overrides earlier ones, `env` overrides all"
    )
    user: Account | None = template(None, "run as this user (recon must be root)")
    group: Account | None = template(None, "run as this group (recon must be root)")
    umask: Umask | None = template(None, "file mode creation mask, octal")
    supplementary_groups: Groups = template(
        (), "groups beside the user's own, names or numbers (recon must be root)"
    )
    no_new_privileges: bool = template(
        False, "disable privilege gain through exec (setuid, file capabilities)"
    )
    capabilities: Capabilities | None = template(
        None, "Linux capabilities to drop (recon must be root)"
    )
    read_only_paths: Paths = template((), "paths that the app cannot write to (recon must be root)")
    private_tmp: bool = template(False, "a /tmp and /var/tmp of its own (recon must be root)")
    revision_history_limit: Whole = in_place(
        10, "how many revisions recon remembers", ge=1, decides_readiness=False
    )
    backoff: Backoff = in_place(
        Backoff(), "waits between restarts after crashes", decides_readiness=False
    )
    success_exit_codes: ExitCodes = in_place(
        (),
        "exit codes that count as success beside 0, for restartPolicy and for Jobs",
        decides_readiness=True,
    )
    stop: Stop = in_place(Stop(), "how to stop a process", decides_readiness=False)
    termination_grace_period_seconds: Seconds = in_place(
        30, "time from the stop signal to SIGKILL", decides_readiness=False
    )
    limits: Limits = in_place(
        Limits(), "limits of an instance, including its child processes", decides_readiness=True
    )
    logs: Logs = in_place(Logs(), "capture of standard output and error", decides_readiness=False)
    depends_on: DependsOn = in_place(
        (),
        "apps that start before this one and stop after it",
        decides_readiness=False,
    )
    suspend: Flag = in_place(False, "declared, but not running", decides_readiness=False)
    watch: Watch | None = in_place(
        None, "files and folders; a change in them replaces the processes", decides_readiness=False
    )
    watched: SkipJsonSchema[dict[str, str]] = own({}, "what `watch` found: a digest of each path")

    @property
    def wanted(self) -> int:
        """How many processes should run now; of a Job, of a run."""
        return 0 if self.suspend else 1

    @property
    def probes(self) -> Mapping[ProbeRole, Probe]:
        """Those that are declared."""
        return {}

    @property
    def readiness(self) -> Probe | None:
        """The probe that a process waits for at first until it counts as ready."""
        return self.probes.get(ProbeRole.STARTUP) or self.probes.get(ProbeRole.READINESS)

    def probe_commands(self) -> Iterator[tuple[tuple[str, ...], Command]]:
        """The commands that probes run, each behind its path below ``spec``."""
        for role, probe in self.probes.items():
            if command := probe.kind.runs:
                yield (f"{role}Probe", probe.field, "command"), command

    @property
    def shared_sockets(self) -> tuple[Socket, ...]:
        """The listening sockets as they are declared."""
        return ()

    @property
    def owned_sockets(self) -> tuple[Socket, ...]:
        """The sockets; the file of a unix socket is the app's user's, where no owner is named."""
        if self.user is None:
            return self.shared_sockets
        return tuple(
            one.model_copy(update={"owner": self.user}) if one.path and not one.owner else one
            for one in self.shared_sockets
        )

    def probed_socket(self, probe: Probe | None) -> Socket | None:
        """The shared socket that a probe asks for: such a check goes to the instance's own."""
        target = probe.kind.target if probe else None
        port = target.port if target else None
        return next((one for one in self.shared_sockets if one.port and one.port == port), None)

    def probed_sockets(self) -> tuple[Socket, ...]:
        """All shared sockets that some probe asks for."""
        probed = map(self.probed_socket, self.probes.values())
        return tuple({one.name: one for one in probed if one is not None}.values())

    def is_success(self, exit: Exit) -> bool:
        """Whether a process that ended so ended well (systemd: SuccessExitStatus=)."""
        return exit.success or exit.code in self.success_exit_codes

"""Manifests: what a user may write. Names and defaults are Kubernetes' where it has the concept.

Every field of :class:`AppSpec` is declared ``template`` or ``in_place`` (see ``fields``).
A field stands here only once recon does what it says; anything else is an unknown-field error.
"""

from __future__ import annotations

import ipaddress
import re
import shlex
import signal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from reconciler.model.address import Address
from reconciler.model.fields import in_place, template
from reconciler.model.quantity import parse_share, parse_size

API_VERSION = "recon/v1"
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_UMASK = re.compile(r"0?[0-7]{1,3}")
RESERVED = {
    "RECON_ID": "is how recon knows its processes",
    "RECON_SOCKETS": "tells a program of its sockets",
    "LISTEN_FDS": "tells a program of its sockets",
    "LISTEN_PID": "tells a program of its sockets",
    "LISTEN_FDNAMES": "tells a program of its sockets",
}
"""Variables that are recon's to set, and why."""
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110: token
_EXPLOSIVE = re.compile(r"[+*}]\)[+*{]")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


class Manifest(BaseModel):
    """Base of all manifest objects: camelCase names, unknown fields are errors, immutable."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, hide_input_in_errors=True
    )


def _name(value: str) -> str:
    if len(value) > 63 or not _NAME.fullmatch(value):
        raise ValueError(
            f"{value!r} is not a name: use at most 63 of a-z, 0-9 and '-', not at either end"
        )
    return value


def _words(value: Any) -> Any:
    """A list is exec'd; a string is split as a shell would, without a shell."""
    if isinstance(value, str):
        value = shlex.split(value)
    if isinstance(value, list):
        if not value or not value[0]:
            raise ValueError("a command needs at least the name of a program")
        if any("\0" in str(word) for word in value):
            raise ValueError("a command cannot hold a NUL byte")
    return value


def _signal(value: Any) -> Any:
    names = {name for name in signal.Signals.__members__ if name not in ("SIGKILL", "SIGSTOP")}
    name = value if str(value).startswith("SIG") else f"SIG{value}"
    if name not in names:
        raise ValueError(f"{value!r} is not a signal that can stop a program; write e.g. SIGTERM")
    return name


def _umask(value: Any) -> str:
    text = str(value)
    if not _UMASK.fullmatch(text):
        raise ValueError(f"{value!r} is not a umask; write it in octal, as '022'")
    return text[-3:].rjust(3, "0")


def _mode(value: Any) -> str:
    text = str(value)
    if not _UMASK.fullmatch(text):
        raise ValueError(f"{value!r} is not a file mode; write it in octal, as '0660'")
    return text[-3:].rjust(3, "0")


def _host(value: str) -> str:
    """The canonical form, so that two ways to write an address are one address."""
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        near = {"localhost": "127.0.0.1", "*": "0.0.0.0, or :: for IPv6 as well"}.get(value)
        hint = near or "127.0.0.1, ::1, or 0.0.0.0 or :: for all"
        raise ValueError(f"{value!r} is not an IP address; write {hint}") from None


Name = Annotated[str, AfterValidator(_name)]
# `json_schema_input_type` is what people may write, for `recon schema`.
Command = Annotated[
    tuple[str, ...], BeforeValidator(_words, json_schema_input_type=str | list[str])
]
Signal = Annotated[str, BeforeValidator(_signal)]
Size = Annotated[int, BeforeValidator(parse_size, json_schema_input_type=int | str)]
Share = Annotated[str | int, BeforeValidator(parse_share, json_schema_input_type=str | int)]
Umask = Annotated[str, BeforeValidator(_umask, json_schema_input_type=int | str)]
Mode = Annotated[str, BeforeValidator(_mode, json_schema_input_type=int | str)]
Host = Annotated[str, AfterValidator(_host)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Port = Annotated[int, Field(ge=1, le=65535)]


class PerInstance(Manifest):
    """A number that differs by instance: base + instance number."""

    per_instance: int = Field(ge=0)


class SecretFile(Manifest):
    """The content of a file, less one final newline; shown nowhere."""

    secret_file: str


class FromEnv(Manifest):
    """A variable of the controller's own environment; treated as secret."""

    from_env: str


class EnvFile(Manifest):
    """A dotenv file. Its values are treated as secret."""

    file: str
    optional: bool = False


def _env_names(value: dict[str, Any]) -> dict[str, Any]:
    for name, text in value.items():
        if not _VARIABLE.fullmatch(name):
            raise ValueError(f"{name!r} cannot be the name of an environment variable")
        if name in RESERVED:
            raise ValueError(f"{name} {RESERVED[name]}; it cannot be set")
        if isinstance(text, str) and "\0" in text:
            raise ValueError(f"{name} holds a NUL byte, which no environment can")
    return value


EnvValue = str | PerInstance | SecretFile | FromEnv
Env = Annotated[dict[str, EnvValue], AfterValidator(_env_names)]


def _env_from(value: Any) -> Any:
    if isinstance(value, list):
        return [{"file": item} if isinstance(item, str) else item for item in value]
    return value


EnvFrom = Annotated[
    tuple[EnvFile, ...],
    BeforeValidator(_env_from, json_schema_input_type=list[str | EnvFile]),
]


class Socket(Manifest):
    """A listening socket that recon binds, keeps open, and hands to every instance."""

    name: Name = Field(description="by which the program knows it (LISTEN_FDNAMES)")
    port: Port | None = Field(None, description="of TCP")
    host: Host = Field("127.0.0.1", description="IP address; 0.0.0.0 or :: for all")
    path: str | None = Field(None, description="of a unix socket, instead of a port")
    mode: Mode = Field("660", description="of a unix socket's file, octal")
    owner: str | None = Field(None, description="user that owns a unix socket's file")
    group: str | None = Field(None, description="group that owns a unix socket's file")

    @model_validator(mode="after")
    def _one_kind(self) -> Socket:
        if (self.port is None) == (self.path is None):
            raise ValueError("a socket needs exactly one of port and path")
        strange = {"mode", "owner", "group"} if self.path is None else {"host"}
        for name in sorted(strange & self.model_fields_set):
            kind = "a unix socket (path)" if self.path is None else "a port"
            raise ValueError(f"{name} is for {kind} only; remove it")
        return self

    @property
    def address(self) -> Address:
        """Where it listens; of a spec whose paths are absolute."""
        return Address(path=self.path) if self.path else Address(self.host, self.port or 0)


def _sockets(value: tuple[Socket, ...]) -> tuple[Socket, ...]:
    for index, socket in enumerate(value):
        for earlier in value[:index]:
            if earlier.name == socket.name:
                raise ValueError(f"two sockets are named {socket.name}; rename one")
            if earlier.address.overlaps(socket.address):
                both = f"{earlier.name} and {socket.name}"
                raise ValueError(f"{both} both listen on {socket.address}; remove one")
    return value


Sockets = Annotated[tuple[Socket, ...], AfterValidator(_sockets)]


class StrategyType(StrEnum):
    ROLLING_UPDATE = "RollingUpdate"
    RECREATE = "Recreate"


class Canary(Manifest):
    """A few instances that a new revision has to prove itself on before the others follow."""

    instances: Share = Field(
        1, description="how many run the new revision at first; a percentage is rounded up"
    )
    seconds: Seconds = Field(60, description="how long each must stay available")

    @model_validator(mode="after")
    def _some(self) -> Canary:
        if self.instances in (0, "0%"):
            raise ValueError("a canary of no instances proves nothing; write 1, or leave it out")
        return self


class Strategy(Manifest):
    """How old processes give way to new ones (Kubernetes: DeploymentStrategy)."""

    type: StrategyType = Field(
        StrategyType.ROLLING_UPDATE, description="RollingUpdate, or Recreate (stop, then start)"
    )
    max_surge: Share = Field("25%", description="how many above `instances` may run, rounded up")
    max_unavailable: Share = Field("25%", description="how many may be down, rounded down")
    canary: Canary | None = Field(
        None, description="hold the update after so many instances until they have proven good"
    )

    @model_validator(mode="after")
    def _canary_rolls(self) -> Strategy:
        if self.canary is not None and self.type is StrategyType.RECREATE:
            raise ValueError("a canary needs type RollingUpdate: Recreate stops all at once")
        return self


ProbePort = Port | PerInstance


def _pattern(value: str) -> str:
    try:
        re.compile(value.encode())
    except re.error as error:
        raise ValueError(f"{value!r} is not a regular expression: {error}") from None
    if _EXPLOSIVE.search(value):
        raise ValueError(f"{value!r} repeats a repetition, which may take for ever; simplify it")
    return value


LogPattern = Annotated[str, Field(min_length=1), AfterValidator(_pattern)]


class HttpHeader(Manifest):
    """One header of a request."""

    name: str
    value: str

    @model_validator(mode="after")
    def _fits_on_a_line(self) -> HttpHeader:
        if not _HEADER.fullmatch(self.name):
            raise ValueError(f"{self.name!r} cannot be the name of a header")
        if not self.value.isprintable():
            raise ValueError(f"the value of {self.name} holds a character that no header can")
        return self


class HttpGet(Manifest):
    """GET; 200 to 399 is success. HTTPS is not verified, as in Kubernetes."""

    port: ProbePort
    path: str = "/"
    host: str = "127.0.0.1"
    scheme: Literal["HTTP", "HTTPS"] = "HTTP"
    http_headers: tuple[HttpHeader, ...] = ()


class TcpSocket(Manifest):
    """Success is that a connection can be opened."""

    port: ProbePort
    host: str = "127.0.0.1"


class Exec(Manifest):
    """A command, in the app's directory, as its user, with its environment; 0 is success."""

    command: Command


class Probe(Manifest):
    """Exactly one kind of check, and its rhythm (Kubernetes: Probe, same defaults)."""

    http_get: HttpGet | None = None
    tcp_socket: TcpSocket | None = None
    exec: Exec | None = None
    log: LogPattern | None = Field(None, description="a regular expression, in a line of output")
    notify: Literal[True] | None = Field(None, description="sd_notify: READY=1, or WATCHDOG=1")
    initial_delay_seconds: Seconds = 0
    period_seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 10
    timeout_seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1
    success_threshold: int = Field(1, ge=1)
    failure_threshold: int = Field(3, ge=1)

    @model_validator(mode="after")
    def _one_kind(self) -> Probe:
        kinds = (self.http_get, self.tcp_socket, self.exec, self.log, self.notify)
        if sum(kind is not None for kind in kinds) != 1:
            raise ValueError("a probe needs exactly one of httpGet, tcpSocket, exec, log, notify")
        return self

    @property
    def is_asked(self) -> bool:
        """Whether a check asks the program; else its own word is waited for."""
        return self.log is None and self.notify is None


class ProbeRole(StrEnum):
    """What a probe is for."""

    STARTUP = "startup"
    READINESS = "readiness"
    LIVENESS = "liveness"


class RestartPolicy(StrEnum):
    ALWAYS = "Always"
    ON_FAILURE = "OnFailure"
    NEVER = "Never"


class Backoff(Manifest):
    """How long to wait before a program that crashed is started again."""

    initial_seconds: Seconds = Field(1, description="the wait after the second crash; doubles")
    max_seconds: Seconds = Field(60, description="the wait never exceeds this")
    reset_seconds: Seconds = Field(600, description="up for so long, all is forgiven")


class Stop(Manifest):
    """How a process is asked to end."""

    signal: Signal = Field("SIGTERM", description="sent to the main process")
    pre_stop: Command | None = Field(
        None, description="a command run before the signal, within the grace period"
    )


class Rotate(Manifest):
    """When a log file is put aside, and how many are kept."""

    size: Size = Field(10 * 2**20, description="rotate when a file reaches this size")
    keep: int = Field(7, ge=0, description="rotated files kept beside the current one")
    compress: bool = Field(True, description="gzip what was rotated")


class Logs(Manifest):
    """Where the output goes: <state>/logs/<app>/<instance>.out.log and .err.log."""

    timestamps: bool = Field(True, description="write the time (UTC) before each line")
    rotate: Rotate = Rotate()


class DependencyCondition(StrEnum):
    STARTED = "Started"
    READY = "Ready"
    COMPLETED = "Completed"


class Dependency(Manifest):
    """An app that has to be there before this one is started from nothing."""

    app: Name = Field(description="the name of an app of this directory")
    condition: DependencyCondition = Field(
        DependencyCondition.READY,
        description="Started (all its instances run), Ready (enough of them are available) or"
        " Completed (all ended with success)",
    )
    restart: bool = Field(
        False, description="replace this app's processes after those of the dependency were"
    )


def _depends_on(value: Any) -> Any:
    if isinstance(value, list):
        return [{"app": item} if isinstance(item, str) else item for item in value]
    return value


def _each_once(value: tuple[Dependency, ...]) -> tuple[Dependency, ...]:
    names = [dependency.app for dependency in value]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"{twice} is named twice; keep one of them")
    return value


DependsOn = Annotated[
    tuple[Dependency, ...],
    BeforeValidator(_depends_on, json_schema_input_type=list[str | Dependency]),
    AfterValidator(_each_once),
]


class AppSpec(Manifest):
    """Everything about an app but its name."""

    command: Command = template(
        ..., "the program and its arguments; a string is split as a shell would"
    )
    cwd: str = template(".", "working directory, relative to the manifest's file")
    env: Env = template({}, "variables: text, {perInstance: N}, {secretFile: F} or {fromEnv: V}")
    env_from: EnvFrom = template((), "dotenv files; later ones win, `env` wins over all")
    user: str | None = template(None, "run as this user (recon must be root)")
    group: str | None = template(None, "run as this group (recon must be root)")
    umask: Umask | None = template(None, "file mode creation mask, octal")
    sockets: Sockets = template((), "listening sockets that all instances share")
    instances: int = in_place(1, "how many processes", ge=0, le=100_000)
    strategy: Strategy = in_place(Strategy(), "how an update replaces processes")
    startup_probe: Probe | None = in_place(None, "until it succeeds, no other probe is asked")
    readiness_probe: Probe | None = in_place(None, "when an instance counts as ready")
    liveness_probe: Probe | None = in_place(None, "an instance that fails it is replaced")
    min_ready_seconds: Seconds | None = in_place(
        None, "how long ready before available; 0 with a probe, else 1 second up"
    )
    progress_deadline_seconds: Seconds = in_place(
        600, "a new revision that makes no progress for so long is given up"
    )
    revision_history_limit: int = in_place(10, "revisions remembered", ge=1)
    restart_policy: RestartPolicy = in_place(RestartPolicy.ALWAYS, "Always, OnFailure or Never")
    backoff: Backoff = in_place(Backoff(), "waits between restarts after crashes")
    stop: Stop = in_place(Stop(), "how a process is asked to end")
    termination_grace_period_seconds: Seconds = in_place(30, "from the start of a stop to SIGKILL")
    logs: Logs = in_place(Logs(), "capture of standard output and error")
    depends_on: DependsOn = in_place(
        (), "apps that are to be there before this one starts, and stop after it"
    )
    suspend: bool = in_place(False, "declared, but not running")

    @model_validator(mode="after")
    def _deadline_can_be_met(self) -> AppSpec:
        # Kubernetes: ValidateDeploymentSpec; here each update would be given up.
        if self.progress_deadline_seconds <= self.min_ready:
            raise ValueError(
                f"progressDeadlineSeconds is {self.progress_deadline_seconds:g}; it must be more"
                f" than minReadySeconds ({self.min_ready:g}), or no update could succeed"
            )
        return self

    @model_validator(mode="after")
    def _probes_fit_their_roles(self) -> AppSpec:
        # Kubernetes: validateLivenessProbe, validateStartupProbe.
        for role in (ProbeRole.STARTUP, ProbeRole.LIVENESS):
            probe = self.probes.get(role)
            if probe is not None and probe.success_threshold != 1:
                raise ValueError(f"{role}Probe.successThreshold must be 1")
        if self.liveness_probe is not None and self.liveness_probe.log is not None:
            raise ValueError("livenessProbe: a line of output says nothing of later; use another")
        return self

    @property
    def min_ready(self) -> float:
        """Seconds an instance must have been ready to be available.

        Kubernetes' default of 0 is kept where a probe speaks for the program. Without one, a
        program that dies at its first line would be 'available' for an instant, and a rolling
        update would replace every good process by it; so it must stay up for a second.
        """
        if self.min_ready_seconds is not None:
            return self.min_ready_seconds
        return 0.0 if self.readiness_probe or self.startup_probe else 1.0

    @property
    def probes(self) -> dict[ProbeRole, Probe]:
        """Those that are declared."""
        every = {
            ProbeRole.STARTUP: self.startup_probe,
            ProbeRole.READINESS: self.readiness_probe,
            ProbeRole.LIVENESS: self.liveness_probe,
        }
        return {role: probe for role, probe in every.items() if probe is not None}

    def probed_socket(self, probe: Probe | None) -> Socket | None:
        """The shared socket that a probe asks for: such a check goes to the instance's own."""
        target = (probe.http_get or probe.tcp_socket) if probe else None
        port = target.port if target else None
        return next((one for one in self.sockets if one.port and one.port == port), None)

    def probed_sockets(self) -> tuple[Socket, ...]:
        """All shared sockets that some probe asks for."""
        asked = map(self.probed_socket, self.probes.values())
        return tuple({one.name: one for one in asked if one is not None}.values())

    @property
    def wanted(self) -> int:
        """How many instances shall run now."""
        return 0 if self.suspend else self.instances


Profiles = dict[Name, dict[str, Any]]


class AppManifestSpec(AppSpec):
    """A spec as written in a file: with the profiles that may be merged over it."""

    profiles: Profiles = Field({}, description="by `--profile NAME`, merged over the spec")


class Metadata(Manifest):
    name: Name = Field(description="[a-z0-9-], unique over the whole directory")
    labels: dict[str, str] = in_place({}, "free labels, for --selector")


class App(Manifest):
    """A long-running program."""

    api_version: Literal["recon/v1"]
    kind: Literal["App"]
    metadata: Metadata
    spec: AppManifestSpec


class SettingsSpec(Manifest):
    defaults: dict[str, Any] = Field({}, description="merged under the spec of every app")
    max_prune: int | None = Field(
        None, ge=0, description="more deletions at once wait for `recon apply --confirm-prune`"
    )
    allow_empty: bool = Field(False, description="an empty directory may stop everything")
    profile: Name | None = Field(None, description="the profile, unless --profile says another")


class Settings(Manifest):
    """``recon.yaml`` at the root of the manifests' directory."""

    api_version: Literal["recon/v1"]
    kind: Literal["Settings"]
    metadata: dict[str, Any] | None = None
    spec: SettingsSpec = SettingsSpec()

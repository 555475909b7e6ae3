"""One app on its way to units: what was said, what is written, and what is lost."""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.convert.fields import Fields

Lines = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Target:
    """The systemd that the units are for."""

    version: int
    user: bool = False
    """A user's manager, not the system's."""
    account: str = "root"
    """Who apps without a `user` run as in a system's manager."""
    prefix: str = ""
    """Prefix of each unit's name."""
    path: str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    """Where programs are looked for besides, now."""
    zone: str = "UTC"
    """The time zone of this host."""

    @property
    def boot(self) -> str:
        """What wants all that is to run after a boot."""
        return "default.target" if self.user else "multi-user.target"


@dataclass(slots=True)
class Draft(Fields):
    """One app, and the lines of its units."""

    target: Target
    is_job: bool = False
    revision: str = ""
    """Of its template: what it has to have run once of."""
    by_cores: str = ""
    """As of ``Workload``."""
    unit: Lines = field(default_factory=list)
    service: Lines = field(default_factory=list)
    per_instance: dict[int, Lines] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    """Further units, by name."""
    prelude: str = ""
    """Shell that runs before each of its programs, in the same process."""

    @property
    def base(self) -> str:
        return self.target.prefix + self.name

    @property
    def instances(self) -> int:
        return int(self.fields.get("instances", 1))

    @property
    def is_template(self) -> bool:
        """Whether it is one unit an instance; one that runs once is a plain unit."""
        return self.instances != 1

    @property
    def entry(self) -> str:
        """The unit that stands for the whole app."""
        return f"{self.base}.target" if self.is_template else f"{self.base}.service"

    @property
    def by_clock(self) -> bool:
        """Whether it is a Job that its timer starts, and nothing else."""
        return self.is_job and self.peek("schedule") is not None

    @property
    def enabled(self) -> list[str]:
        """The units that make it run, after a boot as well."""
        others = [name for name in self.files if name.endswith((".socket", ".timer"))]
        return others if self.by_clock else [self.entry, *others]

    def member(self, instance: int) -> str:
        """The unit of one instance."""
        return f"{self.base}@{instance}.service" if self.is_template else f"{self.base}.service"

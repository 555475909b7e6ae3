"""What Nomad answers, as far as recon reads it. Every field is one of its API's.

A field that is missing or null has its default, since a server of another release may not know it;
one of another kind is an EngineError.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.alias_generators import to_pascal

from reconciler.model.words.printable import plain
from reconciler.targets.engine import EngineError

T = TypeVar("T")
V = TypeVar("V")

Text = Annotated[str, BeforeValidator(lambda value: value or "")]
Flag = Annotated[bool, BeforeValidator(lambda value: value or False)]
Number = Annotated[int, Field(ge=-(2**63), lt=2**64), BeforeValidator(lambda value: value or 0)]
"""As large as one of Go's."""
List = Annotated[list[V], BeforeValidator(lambda value: value or [])]
Map = Annotated[dict[str, V], BeforeValidator(lambda value: value or {})]


_NAMES = {
    "id": "ID",
    "parent_id": "ParentID",
    "job_id": "JobID",
    "node_id": "NodeID",
    "failed_tg_allocs": "FailedTGAllocs",
    "desired_updates": "DesiredTGUpdates",
    "fields_": "Fields",
    "items_": "Items",
}


class _Answer(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=lambda name: _NAMES.get(name) or to_pascal(name),
    )


class Member(_Answer):
    tags: Map[Text] = {}


class Server(_Answer):
    """``/v1/agent/self``."""

    member: Member = Field(default_factory=Member, alias="member")


class JobStub(_Answer):
    """One of ``/v1/jobs``."""

    id: str = ""
    parent_id: Text = ""
    stop: Flag = False
    status: Text = ""
    submit_time: Number = 0
    meta: Map[Text] | None = None
    """None: the server does not list it."""


class Group(_Answer):
    name: Text = ""
    count: Number = 1
    tasks: List[dict[str, Any]] = []


class Periodic(_Answer):
    enabled: Flag = False


class Job(_Answer):
    """A job, or one version of it."""

    id: str = ""
    type: Text = "service"
    status: Text = ""
    stop: Flag = False
    stable: Flag = False
    version: Number = 0
    job_modify_index: Number = 0
    submit_time: Number = 0
    """Nanoseconds since 1970."""
    meta: Map[Text] = {}
    periodic: Periodic | None = None
    task_groups: List[Group] = []

    @property
    def count(self) -> int:
        return sum(group.count for group in self.task_groups)


class TaskEvent(_Answer):
    type: Text = ""
    time: Number = 0
    display_message: Text = ""
    exit_code: Number = 0
    signal: Number = 0
    details: Map[Text] = {}


class TaskState(_Answer):
    state: Text = ""
    failed: Flag = False
    restarts: Number = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    events: List[TaskEvent] = []


class AllocationHealth(_Answer):
    healthy: bool | None = None
    canary: Flag = False


class Allocation(_Answer):
    id: str
    name: Text = ""
    job_id: Text = ""
    node_id: Text = ""
    node_name: Text = ""
    task_group: Text = ""
    job_version: Number = 0
    desired_status: Text = ""
    client_status: Text = ""
    client_description: Text = ""
    task_states: Map[TaskState] = {}
    deployment_status: AllocationHealth | None = None
    next_allocation: Text = ""
    create_index: Number = 0
    create_time: Number = 0

    @property
    def is_alive(self) -> bool:
        return self.client_status in ("pending", "running", "unknown")


class GroupDeployment(_Answer):
    auto_revert: Flag = False
    promoted: Flag = False
    desired_canaries: Number = 0
    desired_total: Number = 0
    healthy_allocs: Number = 0
    unhealthy_allocs: Number = 0


class Deployment(_Answer):
    id: str
    job_id: Text = ""
    job_version: Number = 0
    status: Text = ""
    status_description: Text = ""
    task_groups: Map[GroupDeployment] = {}
    create_index: Number = 0


class Placement(_Answer):
    """Why there was no place for an instance (AllocationMetric)."""

    nodes_evaluated: Number = 0
    nodes_filtered: Number = 0
    nodes_exhausted: Number = 0
    nodes_available: Map[Number] = {}
    constraint_filtered: Map[Number] = {}
    class_filtered: Map[Number] = {}
    dimension_exhausted: Map[Number] = {}
    quota_exhausted: List[Text] = []
    coalesced_failures: Number = 0


class Evaluation(_Answer):
    id: str
    job_id: Text = ""
    status: Text = ""
    status_description: Text = ""
    blocked_eval: Text = ""
    previous_eval: Text = ""
    failed_tg_allocs: Map[Placement] = {}
    create_index: Number = 0


class FieldDiff(_Answer):
    type: Text = ""
    name: Text = ""
    old: Text = ""
    new: Text = ""
    annotations: List[Text] = []


class ObjectDiff(_Answer):
    type: Text = ""
    name: Text = ""
    fields_: List[FieldDiff] = []
    objects: List[ObjectDiff] = []


class TaskDiff(ObjectDiff):
    annotations: List[Text] = []


class GroupDiff(ObjectDiff):
    tasks: List[TaskDiff] = []


class JobDiff(ObjectDiff):
    task_groups: List[GroupDiff] = []


class Updates(_Answer):
    """What would become of the instances of a group (DesiredUpdates)."""

    ignore: Number = 0
    place: Number = 0
    migrate: Number = 0
    stop: Number = 0
    in_place_update: Number = 0
    destructive_update: Number = 0
    canary: Number = 0


class Annotations(_Answer):
    desired_updates: Map[Updates] = {}


class JobPlan(_Answer):
    """The answer to ``/v1/job/ID/plan``."""

    job_modify_index: Number = 0
    diff: JobDiff | None = None
    annotations: Annotations | None = None
    failed_tg_allocs: Map[Placement] = {}
    warnings: Text = ""

    @property
    def updates(self) -> dict[str, Updates]:
        """By group what would become of its instances."""
        return self.annotations.desired_updates if self.annotations is not None else {}


class Registered(_Answer):
    """The answer to a change of a job."""

    job_modify_index: Number = 0
    warnings: Text = ""


class Versions(_Answer):
    """The newest first."""

    versions: List[Job] = []


class VersionsInFull(_Answer):
    """The same, as the server has them."""

    versions: List[dict[str, Any]] = []


class File(_Answer):
    name: Text = ""
    size: Number = 0


class Variable(_Answer):
    items_: Map[Text] = {}
    modify_index: Number = 0


@cache
def _reader(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def read(kind: Any, body: bytes, what: str) -> Any:
    """The answer as ``kind``. ``what``: what was asked for, for the sentence."""
    try:
        return _reader(kind).validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        cause = f"{place}: {first['msg']}" if place else first["msg"]
    text = f"Nomad's answer is damaged: {what}: {plain(cause)[:200]}; try again, or check a proxy"
    raise EngineError(text) from None

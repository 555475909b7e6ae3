"""The builder of an app: a Job of recon's own, declared by `build`, that runs before its rollouts.

So a build has all that a Job has: it runs once for each content of its inputs, is remembered, has
its logs, its limits and its deadline, outlives the controller, and never runs twice at a time.
What it is made of is part of the app's template, so another content of the inputs is another
revision of the app, which waits until it is built.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from reconciler.model.spec.build import Build
from reconciler.model.spec.job import ConcurrencyPolicy, JobSpec
from reconciler.model.spec.logs import Logs
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.spec.watch import Watch
from reconciler.model.state.desired import DesiredApp, DesiredJob, Workload, with_problem
from reconciler.model.state.revision import hash_of, template_of

_SHARED = {
    *("cwd", "user", "group", "umask", "supplementary_groups", "no_new_privileges"),
    *("capabilities", "read_only_paths", "private_tmp"),
}
"""Fields that hold for the app and for what builds it: who they are, and what they may touch."""


def builder_of(spec: AppSpec, build: Build) -> JobSpec:
    """What an app's builder runs, and how often it is tried."""
    fields = {name: getattr(spec, name) for name in _SHARED & spec.model_fields_set}
    watch = Watch(paths=build.inputs, ignore=build.ignore)
    fields |= {"command": build.command, "env": build.env, "env_from": build.env_from}
    fields |= {
        "suspend": spec.suspend,
        "limits": build.limits,
        "watch": watch,
        "logs": _logs(spec),
        "concurrency_policy": ConcurrencyPolicy.FORBID,
        "backoff_limit": 0,
        "active_deadline_seconds": build.timeout_seconds,
        "successful_jobs_history_limit": 3,
        "failed_jobs_history_limit": 3,
    }
    return JobSpec.model_construct(set(fields), **fields)


def _logs(spec: AppSpec) -> Logs:
    """As the app's, but for where: the files that it names are its own."""
    return Logs(timestamps=spec.logs.timestamps)


def with_builder(app: Workload, with_content: Callable[[Workload], Workload]) -> Iterator[Workload]:
    """What an app declares, as it is with the content of its files: its builder, if any, then
    the app itself. ``with_content`` looks at what one of them watches."""
    if isinstance(app, DesiredApp) and app.builder is not None:
        builder = with_content(with_problem(app.builder, app.problem))
        assert isinstance(builder, DesiredJob)
        yield builder
        spec = app.spec.model_copy(update={"built": builder.hash.partition(".")[0]})
        marks = _marks(app, builder)
        hash = hash_of(template_of(spec), marks)
        app = replace(app, spec=spec, hash=hash, marks=marks, builder=builder)
    yield with_content(app)


def _marks(app: DesiredApp, builder: DesiredJob) -> Mapping[str, str] | None:
    """Those of the app's secrets and, since they may be in what is built, of the build's: beside
    what is public of the build, so that a key that is lost is told from a secret that changed."""
    if app.marks is None or builder.marks is None:
        return None
    return {**app.marks, **{f"build.env.{name}": mark for name, mark in builder.marks.items()}}

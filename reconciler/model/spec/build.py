"""A build: what turns an app's sources into what its command runs."""

from __future__ import annotations

from pydantic import Field

from reconciler.model.spec.base import Manifest
from reconciler.model.spec.env import Env, EnvFrom
from reconciler.model.spec.limits import Limits
from reconciler.model.spec.watch import Paths, Texts
from reconciler.model.words.values import Command, Seconds


class Build(Manifest):
    """Run once, for all instances, before a rollout of inputs that it has not built yet.

    In the app's directory and as its user, with an environment of its own: what a service is
    told (NODE_ENV=production, its secrets) is not the business of its compiler.
    """

    command: Command = Field(description="the program and its arguments, as the app's `command`")
    inputs: Paths = Field(
        min_length=1, description="files and folders that the build reads, relative to `cwd`"
    )
    ignore: Texts = Field((), description="inputs to leave out, in .gitignore's syntax")
    env: Env = Field({}, description="variables of the build, in the forms of the app's `env`")
    env_from: EnvFrom = Field((), description="dotenv files for the build")
    timeout_seconds: Seconds = Field(600, gt=0, description="a build that takes longer fails")
    limits: Limits = Field(Limits(), description="what the build may use")

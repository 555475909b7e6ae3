"""Where output goes, and how it is rotated."""

from __future__ import annotations

from pydantic import Field

from reconciler.model.base import Manifest
from reconciler.model.values import Size


class Rotate(Manifest):
    """When a log file is put aside, and how many are kept."""

    size: Size = Field(10 * 2**20, description="rotate when a file reaches this size")
    keep: int = Field(7, ge=0, description="rotated files kept beside the current one")
    compress: bool = Field(True, description="gzip what was rotated")


class Logs(Manifest):
    """Where the output goes: <state>/logs/<app>/<instance>.out.log and .err.log."""

    timestamps: bool = Field(True, description="write the time (UTC) before each line")
    rotate: Rotate = Rotate()

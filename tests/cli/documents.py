"""Documents as the controller gives them, for the renderers."""

from __future__ import annotations

from typing import Any


def instance(name: str, **values: Any) -> dict[str, Any]:
    return {
        "name": name,
        "pid": 4120,
        "startTime": "2026-11-24T04:00:00.000+00:00",
        "state": "running",
        "ready": True,
        "revision": 4,
        "restarts": 0,
        "uptimeSeconds": 3725.0,
        "rssBytes": 125829120,
        "cpuPercent": 1.25,
        "exit": None,
        "status": None,
        **values,
    }


def app(name: str, **values: Any) -> dict[str, Any]:
    return {
        "name": name,
        "kind": "App",
        "sync": "Synced",
        "health": "Healthy",
        "desired": 1,
        "ready": 1,
        "updated": 1,
        "available": 1,
        "revision": 1,
        "restarts": 0,
        "message": "",
        "conditions": [],
        "drift": [],
        "instances": [instance(f"{name}-0")],
        **values,
    }


def status(*apps: dict[str, Any], errors: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {
        "formatVersion": 1,
        "controller": {"running": True, "pid": 7, "version": "0.1.0"},
        "apps": list(apps),
        "errors": errors or [],
    }


def error(file: str, line: int = 3, column: int = 5, **values: Any) -> dict[str, Any]:
    return {
        "file": file,
        "line": line,
        "column": column,
        "path": "spec.x",
        "message": "m",
        **values,
    }


def change(app: str, action: str, **values: Any) -> dict[str, Any]:
    return {
        "app": app,
        "kind": "App",
        "action": action,
        "revision": {"from": None, "to": 1},
        "fields": [],
        "instances": {"start": 0, "replace": 0, "stop": 0},
        "notes": [],
        **values,
    }


def field(path: str, before: Any, after: Any, effect: str, line: int | None = 11) -> dict[str, Any]:
    file = "manifests/backend.yaml" if line else None
    return {
        "path": path,
        "from": before,
        "to": after,
        "effect": effect,
        "file": file,
        "line": line,
    }


def plan(*changes: dict[str, Any], **summary: int) -> dict[str, Any]:
    return {
        "formatVersion": 1,
        "changes": list(changes),
        "summary": {"start": 0, "replace": 0, "stop": 0, "unchanged": 0, **summary},
        "errors": [],
    }

"""As whom a container runs, and what it may do."""

from __future__ import annotations

from typing import Any

from reconciler.convert.engines.draft import Draft
from reconciler.convert.fields import Fate
from reconciler.convert.kubernetes.container import CREDENTIALS, credentials
from reconciler.model.words.ids import is_id

_LAST_ID = 2**31 - 1
"""Kubernetes' ids are positive numbers of 32 bits."""
_GROUP_READS, _EVERYONE_READS = 0o440, 0o444


def security(draft: Draft, pod: dict[str, Any], container: dict[str, Any]) -> None:
    """The security contexts of Pod and container, and the volumes that go with them."""
    of_pod: dict[str, Any] = {}
    context: dict[str, Any] = {}
    user, group = _id(draft, "user"), _id(draft, "group")
    context |= {"runAsUser": user} if user is not None else {}
    context |= {"runAsGroup": group} if group is not None else {}
    groups = [_group(draft, text) for text in draft.take("supplementaryGroups", default=[])]
    numbers = [number for number in groups if number is not None]
    of_pod |= {"supplementalGroups": numbers} if numbers else {}
    no_new = draft.take("noNewPrivileges")
    if no_new is not None:
        context["allowPrivilegeEscalation"] = not no_new
    dropped = draft.take("capabilities", "drop")
    if dropped:
        context["capabilities"] = {"drop": dropped}
    if _read_only(draft):
        context["readOnlyRootFilesystem"] = True
    _private_tmp(draft, pod, container)
    if credentials(draft):
        reader = group if group is not None else user
        of_pod |= {"fsGroup": reader} if reader is not None else {}
        _credentials(draft, pod, container, _EVERYONE_READS if reader is None else _GROUP_READS)
    if of_pod:
        pod["securityContext"] = of_pod
    if context:
        container["securityContext"] = context


def _id(draft: Draft, field: str) -> int | None:
    text = draft.take(field)
    if text is None:
        return None
    number = _number(text)
    if number is None:
        reason = f"{text} is a name of this host; write the number that it has in the image"
        draft.note(Fate.TODO, reason, field)
    return number


def _group(draft: Draft, text: str) -> int | None:
    number = _number(text)
    if number is None:
        reason = f"{text} is a name of this host; write the number that it has in the image"
        draft.note(Fate.TODO, reason, "supplementaryGroups")
    return number


def _number(text: str) -> int | None:
    if text == "root":
        return 0
    return int(text) if is_id(text) and int(text) <= _LAST_ID else None


def _read_only(draft: Draft) -> bool:
    paths = draft.take("readOnlyPaths", default=[])
    for path in paths:
        if path != "/":
            text = f"{path}: only the whole file system of the image can be read-only (/)"
            draft.note(Fate.LOST, text, "readOnlyPaths")
    return "/" in paths


def _private_tmp(draft: Draft, pod: dict[str, Any], container: dict[str, Any]) -> None:
    """A container has a /tmp of its own at any rate; a volume can be written to, however read-only
    the rest is."""
    if draft.take("privateTmp") is None:
        return
    if not draft.peek("privateTmp"):
        draft.note(Fate.DIFFERS, "a container always has a /tmp of its own", "privateTmp")
        return
    for name, path in (("tmp", "/tmp"), ("var-tmp", "/var/tmp")):
        pod.setdefault("volumes", []).append({"name": name, "emptyDir": {}})
        container.setdefault("volumeMounts", []).append({"name": name, "mountPath": path})


def _credentials(draft: Draft, pod: dict[str, Any], container: dict[str, Any], mode: int) -> None:
    # `optional` is the default of Kubernetes; podman 4.3 crashes where it is left out.
    secret = {"secretName": f"{draft.name}-credentials", "defaultMode": mode, "optional": False}
    mount = {"name": "credentials", "mountPath": f"{CREDENTIALS}/{draft.name}", "readOnly": True}
    pod.setdefault("volumes", []).append({"name": "credentials", "secret": secret})
    container.setdefault("volumeMounts", []).append(mount)
    if mode == _EVERYONE_READS:
        text = "every process of the Pod can read the file; with a number as `user` only its group"
        for name in credentials(draft):
            draft.note(Fate.DIFFERS, text, "env", name)

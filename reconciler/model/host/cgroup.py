"""The name of an instance's cgroup: a witness of the identity of all that is in it.

``<base>/recon/<store>/<app>.<instance>.<hash>.<nonce>``. A process is in the cgroup of its parent,
whatever it does to its environment, session and descriptors; only root, or who owns
the whole subtree, can take it out. ``converge`` makes these directories, ``observed`` reads the
names in ``/proc/PID/cgroup``.
"""

from __future__ import annotations

from reconciler.model.state.observed import Tag

HOME = "recon"
"""The directory below ``CgroupFacts.base`` that holds everything of ours, of all stores."""
CONTROLLER = "controller"
"""Below ``HOME``: where a controller moves to whose own cgroup may hold no processes."""


def store_directory(base: str, store: str) -> str:
    """Where the cgroups of one store lie, below a directory or, as /proc names it, a cgroup."""
    return f"{base.rstrip('/')}/{HOME}/{store}"


def directory_of(base: str, tag: Tag) -> str:
    """The directory of one instance's cgroup."""
    name = f"{tag.app}.{tag.instance}.{tag.hash}.{tag.nonce}"
    return f"{store_directory(base, tag.store)}/{name}"


def tag_of(path: str, base: str, store: str) -> Tag | None:
    """The tag of a cgroup, or of the nearest one above it that has one: programs may make their
    own.

    ``path`` and ``base`` as ``/proc/PID/cgroup`` has them. None where no instance of ``store`` owns
    it.
    """
    home = store_directory(base, store) + "/"
    if not path.startswith(home):
        return None
    name = path[len(home) :].partition("/")[0]
    app, _, rest = name.partition(".")
    instance, _, rest = rest.partition(".")
    hash, _, nonce = rest.rpartition(".")  # only the hash may hold dots
    return Tag.parse(f"{store}/{app}/{instance}/{hash}/{nonce}")

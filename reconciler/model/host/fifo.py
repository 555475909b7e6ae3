"""The name of the FIFO that carries one stream of one process: a witness of its identity.

A process keeps its output FIFOs open for as long as it lives, whatever it does to its
environment, so the path in ``/proc/PID/fd`` tells whose it is: ``converge`` gives the names,
``observed`` reads them. Name and tag stand for each other one to one, but for the store, which
is told by the directory.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Stream = Literal["out", "err"]
STREAMS: tuple[Stream, Stream] = ("out", "err")


class FifoName(NamedTuple):
    """What a FIFO's name says: a tag less its store, and which stream it is."""

    app: str
    instance: int
    hash: str
    nonce: str
    stream: Stream

    def __str__(self) -> str:
        """The file name, ``<app>.<instance>.<hash>.<nonce>.<stream>``.

        ValueError where it could not be read back: only ``hash`` may hold a dot.
        """
        name = f"{self.app}.{self.instance}.{self.hash}.{self.nonce}.{self.stream}"
        whole = all((self.app, self.nonce, *self.hash.split("."))) and self.instance >= 0
        undotted = "." not in self.app and "." not in self.nonce
        if "/" in name or not whole or not undotted or self.stream not in STREAMS:
            raise ValueError(f"{name!r} cannot be the name of a FIFO: only the hash may hold dots")
        return name

    @classmethod
    def parse(cls, name: str) -> FifoName | None:
        """What the file name ``name`` says, or None where it is not a FIFO's of ours.

        The mark that ``/proc`` puts after a removed file, `` (deleted)``, is understood.
        """
        parts = name.removesuffix(" (deleted)").split(".")
        if len(parts) < 5 or not all(parts):
            return None
        app, instance, *hashed, nonce, stream = parts
        if not instance.isascii() or not instance.isdigit() or str(int(instance)) != instance:
            return None
        for known in STREAMS:
            if stream == known:
                return cls(app, int(instance), ".".join(hashed), nonce, known)
        return None

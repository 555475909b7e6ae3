"""What is told is known at once; what of it waits is one write for each thing."""

from __future__ import annotations

from reconciler.model.state.event import Event
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.observed import ProcessId, Tag
from reconciler.model.state.revision import Revision
from reconciler.state.journal.ledger import Ledger
from reconciler.state.journal.recollection import Recollection

TAG = Tag("store", "web", 0, "hash", "nonce")


def test_what_is_told_is_known_before_it_is_written() -> None:
    ledger = Ledger("boot")
    assert not ledger.dirty
    kept = ledger.remember("web", AppMemory(revisions=(Revision(1, "h", {}),)), "web.yaml")
    assert kept.boot_id == "boot" and kept.revisions[0].created_at > 0, "it is dated"
    ledger.started(ProcessId(1, 2), TAG)
    ledger.stopping(ProcessId(1, 2), 3.0)
    ledger.stopping(ProcessId(9, 9), 3.0)  # nobody knows it
    assert ledger.dirty and ledger.memories() == {"web": kept}
    assert ledger.sources() == {"web": "web.yaml"}
    assert ledger.processes() == {ProcessId(1, 2): (TAG, 3.0)}
    ledger.ended(ProcessId(1, 2))
    ledger.forget("web")
    assert not ledger.processes() and not ledger.memories() and not ledger.sources()


def test_what_happened_while_the_journal_could_not_be_read_is_kept() -> None:
    ledger = Ledger("boot")
    ledger.set_setting("root", "1:2")
    ledger.remember("web", AppMemory(restarts={0: 1}), "web.yaml")
    assert ledger.record(Event("web", "Started", "")).id == 1
    found = Recollection(
        memories={"web": AppMemory(), "db": AppMemory()}, settings={"key": "k"}, last_event=40
    )
    ledger._recall(found)
    assert ledger.memories()["web"].restarts == {0: 1} and "db" in ledger.memories()
    assert ledger.setting("root") == "1:2" and ledger.setting("key") == "k"
    assert ledger.record(Event("web", "Ended", "")).id == 42, "numbers go on after the file's"

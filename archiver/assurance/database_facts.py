"""What opened records say of themselves, against the columns derived from them."""

from collections.abc import Mapping, Sequence
from typing import Any

from archiver.assurance.content import OpenedSegment
from archiver.assurance.report import Findings
from archiver.db.events import COLUMNS
from archiver.db.records import FACTS
from archiver.preserve.sealing import FACT_CONTENT_KEY, FACT_IDEMPOTENCY_KEY


def compare_facts(
    opened: OpenedSegment,
    first_index: int,
    facts: Mapping[int, tuple[str | None, tuple[Any, ...]]],
    events: Mapping[str, tuple[Any, ...]],
    findings: Findings,
) -> None:
    """Compare what records say of themselves with what the database says of them."""
    for record in opened.records:
        row = facts.get(first_index + record.frame)
        if row is None:
            continue  # named as missing where places were compared
        duplicate_of, stored = row
        wanted = list(record.facts)
        if duplicate_of is not None:
            wanted[FACT_CONTENT_KEY] = wanted[FACT_IDEMPOTENCY_KEY] = None
        _note("record", _changed(FACTS, stored, wanted), record.record_id, findings)
        if record.event is not None:
            found = events.get(record.record_id)
            if found is None:
                findings.problem(
                    "the event has no row in the readable audit trail: it was deleted; restore "
                    "the database from its newest backup",
                    object_key="database:event",
                    record_id=record.record_id,
                )
            else:
                changed = _changed(COLUMNS, found, record.event)
                _note("event", changed, record.record_id, findings)


def _changed(names: Sequence[str], stored: Sequence[object], wanted: Sequence[object]) -> list[str]:
    return [name for name, left, right in zip(names, stored, wanted, strict=True) if left != right]


def _note(table: str, changed: Sequence[str], record_id: str, findings: Findings) -> None:
    if changed:  # only names of columns: the values are content, and reports travel
        findings.problem(
            f"the database's {', '.join(changed)} is not what the stored record says: the row was "
            "altered; restore the database from its newest backup",
            object_key=f"database:{table}",
            record_id=record_id,
        )

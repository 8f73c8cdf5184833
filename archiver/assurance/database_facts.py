"""What opened records say of themselves, against the columns derived from them.

A record says how it was filed when it was captured. Where its schedule was changed since, an event
was stated or somebody reclassified it, its row says otherwise, and lawfully so if the file plan
comes to the same end (decision 0040).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from archiver.assurance.content import OpenedSegment
from archiver.assurance.report import Findings
from archiver.db.events import COLUMNS
from archiver.db.records import FACTS
from archiver.db.refiled_classes import RECLASSIFIED
from archiver.db.verification import Filing
from archiver.preserve.sealing import FACT_CONTENT_KEY, FACT_IDEMPOTENCY_KEY

_REFILED = frozenset({"schedule_version", "retain_until"})
_RECLASSIFIED = _REFILED | {"class_code", "rule"}


def compare_facts(
    opened: OpenedSegment,
    first_index: int,
    facts: Mapping[int, tuple[str | None, tuple[Any, ...]]],
    events: Mapping[str, tuple[Any, ...]],
    *,
    filing: Filing,
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
        changed = _changed(FACTS, stored, wanted)
        if wrong := _not_by_plan(changed, stored, filing, first_index + record.frame):
            _note("record", wrong, record.record_id, findings)
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


def _not_by_plan(
    changed: Sequence[str], stored: Sequence[Any], filing: Filing, index: int
) -> list[str]:
    """Return the columns that neither the record nor the file plan makes what they are.

    A row that says what its record does may be wrong as well: it may have been put back to a
    shorter schedule. That a row was reclassified is compared with events (`database_statements`).
    """
    told = dict(zip(FACTS, stored, strict=True))
    lawful = _RECLASSIFIED if told["rule"] == RECLASSIFIED else _REFILED
    if filing.is_moving:
        return [name for name in changed if name not in lawful]
    has_end = index in filing.ends
    is_as_planned = has_end and filing.ends[index] == told["retain_until"]
    if changed and not (is_as_planned and lawful.issuperset(changed)):
        return list(changed)
    version = filing.versions.get(told["class_code"])
    if filing.waits or version is None:
        return []
    if told["schedule_version"] != version:
        return ["schedule_version"]
    return ["retain_until"] if has_end and not is_as_planned else []


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

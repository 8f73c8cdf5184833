"""What the event of a reclassification changes: the class of posts, and until when they are kept.

The event names its members as a hold's does, and states the schedule version that keeps them. The
end is worked out anew wherever the event is sequenced, from the facts that are known there; it is
a view, and the gate of destruction asks the retention engine itself.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from archiver.db import file_plan as plan_rows
from archiver.db import records as record_rows
from archiver.db import refiled_classes as rows
from archiver.db.transaction import Connection
from archiver.preserve.effect import PartOf, SelfStated
from archiver.preserve.event_record import MEMBERS_PART, EventBody, detail_of, parse_members
from archiver.preserve.ledger.entry import members_digest
from retention.schedules import Schedule, code_problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Reclassified(SelfStated):
    """Posts were put into another class by hand."""

    class_code: str
    schedule_version: int
    members: Sequence[str] = field(repr=False)

    def apply(self, connection: Connection) -> bool:
        """Move those that are there; what was destroyed since stays destroyed."""
        body = plan_rows.schedule_body(connection, self.class_code, self.schedule_version)
        rows.move(
            connection,
            sorted(record_rows.find_indexes(connection, self.members).values()),
            self.class_code,
            self.schedule_version,
            None if body is None else Schedule.from_dict(json.loads(body)),
        )
        return False


def reclassified(body: EventBody, part: PartOf) -> Reclassified | None:
    """Return what a reclassification changes; None for an attempt that was refused.

    Raises:
        ValueError, IntegrityError: it does not state the act whole.
    """
    if body.result != "ok":
        return None
    members = part(MEMBERS_PART)
    if members is None or code_problems(body.object_id):
        raise ValueError("it does not name its members, or no class")
    ids = parse_members(members)
    stated = (detail_of(body, "records", int), detail_of(body, "members_sha256", str))
    if (len(ids), members_digest(ids).hex()) != stated:
        raise ValueError(f"{len(ids)} members are not the {stated[0]} that it states")
    return Reclassified(
        class_code=body.object_id,
        schedule_version=detail_of(body, "schedule_version", int),
        members=ids,
    )

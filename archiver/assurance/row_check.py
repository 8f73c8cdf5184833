"""Whether the rows of a segment's records say what the log says. Pure."""

import re
from collections.abc import Iterator, Sequence

from archiver.db.lock_states import Sequenced
from archiver.db.segments import SegmentRow

# Not decoded whole: a run looks at every entry there is, and only these fields are compared here.
# `muniment verify` decodes them, and derives the tree from them.
_fields = re.compile(
    rb'\{"v":1,"t":"(?:rec|aud)","id":"([0-9A-Z]{26})",.*"x":"([0-9]{4}-[0-9]{2})"'
).match


def row_drift(
    row: SegmentRow, entries: Sequence[bytes], start: int, rows: Sequenced
) -> Iterator[str]:
    """Yield in words how the rows of a segment differ from the log's entries.

    `entries` are those from log index `start` on, the segment's among them.
    """
    for index in range(row.first_index, row.first_index + row.records):
        place = index - start
        found = _fields(entries[place]) if 0 <= place < len(entries) else None
        if found is None:
            yield f"log entry {index} should be of a record of it, and is not"
            continue
        record_id, expiry = found[1].decode("ascii"), found[2].decode("ascii")
        known = rows.present.get(index) or rows.destroyed.get(index)
        if known != record_id:
            yield f"log entry {index} is of record {record_id}, the rows say {known or 'none'}"
        if expiry != row.period:
            yield f"log entry {index} was locked to {expiry}, the rows say {row.period}"

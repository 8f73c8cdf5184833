"""The posts around a post: those of its conversation, and those that replies link it with."""

from sqlalchemy import Select, select, union

from archiver.db.records import VERSION_MOMENT, RecordRow
from archiver.db.tables import record
from archiver.db.transaction import Transaction

MOST_POSTS = 500
MOST_ROWS = 2_000

_COLUMNS = tuple(record.c[name] for name in RecordRow.__dataclass_fields__)


async def linked(tx: Transaction, row: RecordRow) -> tuple[list[RecordRow], bool]:
    """Return all versions of the posts linked with this record's post, and whether that is all.

    Linked are the posts of the same conversation on the same platform, and whatever replies lead
    to, upwards and downwards. In the order of versions. At most `MOST_POSTS`
    posts and `MOST_ROWS` versions are followed, by two statements however many there are.
    """
    found = await tx.execute(_post_ids(row).limit(MOST_POSTS + 1))
    post_ids = list(dict.fromkeys([row.post_id, *(each.post_id for each in found)]))
    rows = await tx.execute(
        select(*_COLUMNS)
        .where(
            record.c.platform == row.platform,
            record.c.post_id.in_(post_ids[:MOST_POSTS]),
            record.c.entry_type == "rec",
            record.c.duplicate_of.is_(None),
        )
        .order_by(VERSION_MOMENT, record.c.log_index)
        .limit(MOST_ROWS)
    )
    versions = [RecordRow(**each) for each in rows.mappings()]
    return versions, len(post_ids) <= MOST_POSTS and len(versions) < MOST_ROWS


def _post_ids(row: RecordRow) -> Select[tuple[str]]:
    """Select the ids of the linked posts: up the replies from the post, then down from all found.

    Each step joins on one pair of columns that has an index; with both directions in one step
    SQLite would read the whole platform. UNION, not UNION ALL: replies may run in a circle.
    """
    of_platform = record.c.platform == row.platform
    own = select(record.c.post_id, record.c.in_reply_to).where(
        of_platform, record.c.post_id == row.post_id
    )
    up = own.cte("ancestors", recursive=True)
    up = up.union(
        select(record.c.post_id, record.c.in_reply_to).where(
            of_platform, record.c.post_id == up.c.in_reply_to, up.c.in_reply_to != ""
        )
    )
    starts = union(select(up.c.post_id), _conversation(row)).subquery()
    down = select(starts.c.post_id).cte("linked", recursive=True)
    down = down.union(
        select(record.c.post_id).where(of_platform, record.c.in_reply_to == down.c.post_id)
    )
    return select(down.c.post_id)


def _conversation(row: RecordRow) -> Select[tuple[str]]:
    # SQLite makes the whole first step before it counts to the limit outside, so it has its own.
    posts = (
        select(record.c.post_id)
        .where(
            record.c.platform == row.platform,
            record.c.conversation_id == row.conversation_id,
            record.c.conversation_id != "",
        )
        .limit(MOST_ROWS)
        .subquery()
    )
    return select(posts.c.post_id)

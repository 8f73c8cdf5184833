"""What had been stated of records by a moment that is past: the retention events in force then.

A statement says when it was made, and not when it was taken out of force: that stands in what took
its place, in the event of its withdrawal, and in the closing or reopening of its account.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence

from archiver.audit.actions import Action
from archiver.db import retention_events as rows
from archiver.db.records import RecordRow
from archiver.db.retention_events import Named, RetentionEventRow
from archiver.db.transaction import Transaction

_OF_REGISTER = (Action.ACCOUNT_CLOSED, Action.ACCOUNT_REOPENED)


async def stated_then(
    tx: Transaction, posts: Sequence[RecordRow], at: int
) -> Mapping[int, Sequence[Named]]:
    """Return what was stated of these posts or their accounts, in force at `at` ms, by log index.

    Posts of which nothing was are absent.
    """
    copies = {row.log_index: row.duplicate_of or row.id for row in posts}
    accounts = {row.account for row in posts}
    stated = await rows.stated_until(tx, accounts, set(copies.values()), at)
    ended = await _ended(tx, [each for each in stated if not each.in_force])
    of_subject: defaultdict[tuple[str, str], list[Named]] = defaultdict(list)
    for each in stated:
        if each.in_force or ended.get(each.id, at) > at:
            subject = ("", each.record_id) if each.record_id else (each.platform, each.account)
            of_subject[subject].append((each.name, each.happened))
    found: dict[int, Sequence[Named]] = {}
    for row in posts:
        of_account = of_subject.get((row.platform, row.account), [])
        own = of_subject.get(("", copies[row.log_index]), [])
        if of_account or own:
            found[row.log_index] = (*of_account, *own)
    return found


async def _ended(tx: Transaction, over: Sequence[RetentionEventRow]) -> dict[str, int]:
    """Return since when statements are no longer in force, by id; unknown ones are absent."""
    if not over:
        return {}
    first = min(each.stated_at for each in over)
    ended = await rows.corrected_at(tx, [each.id for each in over])
    for act in await rows.acts_since(tx, (Action.RETENTION_WITHDRAWN,), first):
        ended.setdefault(str(json.loads(act.details).get("event", "")), act.at)
    of_account: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for platform, handle, moment in await rows.account_acts_since(tx, _OF_REGISTER, first):
        of_account[platform, handle].append(moment)
    for each in over:
        later = [at for at in of_account[each.platform, each.account] if at > each.stated_at]
        if each.id not in ended and later:
            ended[each.id] = min(later)
    return ended

"""What a subscription asks at this moment: its query within its subscriber's rights, or why not.

Whoever takes up what is new asks, and whoever tells of it asks again: between the two may lie a
day, in which somebody left, was given a smaller part, or put the saved search away.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from archiver.access.lasting_rights import rights_now
from archiver.access.rules import Permission, allowed_somewhere, reach
from archiver.db import saved_searches as saved_rows
from archiver.db.saved_searches import SavedRow
from archiver.db.subscriptions import SubscriptionRow
from archiver.db.transaction import Transaction
from archiver.errors import InvalidInput
from archiver.legal.held import asks_what_is_held
from archiver.legal.news import News
from archiver.legal.queries import read_query
from archiver.legal.restriction import asks_what_is_restricted
from archiver.legal.saved_views import is_visible
from archiver.model.actor import Actor
from archiver.model.requester import actor_of
from search.query import Query, every


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A subscription with the newest version of its search, and what it asks within its rights.

    Where `tree` is None it may ask no more, and `why_not` says why.
    """

    row: SubscriptionRow
    saved: SavedRow
    tree: Query | None
    why_not: str = ""


async def asked_now(
    tx: Transaction, news: News, row: SubscriptionRow, now: datetime, *, version: int = 0
) -> Asked:
    """Return what a subscription asks now, or why it asks no more.

    It asks what the newest version of its search says, or `version` where one is named.
    """
    saved = await saved_rows.get(tx, row.saved_search_id)
    subscriber = await rights_now(tx, actor_of(row.requester), now)
    why_not = _why_not(saved, subscriber)
    if why_not or subscriber is None:
        return Asked(row=row, saved=saved, tree=None, why_not=why_not)
    meant = await saved_rows.get(tx, saved.id, version) if version else saved
    try:
        tree = read_query(meant.normalised, UTC)
    except InvalidInput:
        return Asked(row=row, saved=saved, tree=None, why_not="its query is none of this version")
    if asks_what_is_held(tree) or asks_what_is_restricted(tree):
        return Asked(row=row, saved=saved, tree=None, why_not="its query asks what is held")
    part = await news.part(tx, reach(subscriber, Permission.SEARCH))
    return Asked(row=row, saved=saved, tree=every((tree, part)))


def _why_not(saved: SavedRow, subscriber: Actor | None) -> str:
    """Return why a subscription goes on no more; empty where it does."""
    if saved.archived:
        return "the saved search is archived"
    if subscriber is None or not allowed_somewhere(subscriber, Permission.SEARCH):
        return "its subscriber may not search any more"
    if not is_visible(saved, subscriber, reach(subscriber, Permission.SEARCH)):
        return "the saved search is not shared with its subscriber any more"
    return ""

"""What a privacy request is about, and what is decided on it: records found, decided, lifted.

What the law gives a person (GDPR art. 17, 18, 21) meets what it makes an archive keep. Of each
record the reasons against erasing it are shown, and what is decided is an event with its reason.
Deciding to erase destroys nothing: that takes a batch, two people and the gate (`privacy_erasing`).
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from archiver.access.rules import Permission, require
from archiver.audit.actions import Action
from archiver.clock import Clock, rfc3339, to_millis
from archiver.db import frozen_sets as set_rows
from archiver.db import privacy as rows
from archiver.db import records as record_rows
from archiver.db.transaction import Database, Transaction
from archiver.disposal.changes import reason_of
from archiver.disposal.privacy_changes import PrivacyChanges
from archiver.disposal.privacy_judging import judged
from archiver.disposal.privacy_views import JudgedRecord, RequestView
from archiver.errors import Conflict, InvalidInput, NotFound
from archiver.model.actor import Actor
from archiver.model.privacy import PrivacyDecision
from archiver.preserve.named_records import MOST_RECORDS, members_details, members_part
from retention.erasure import Ground

_DECISIONS: Collection[str] = (
    PrivacyDecision.ERASE,
    PrivacyDecision.REFUSE,
    PrivacyDecision.RESTRICT,
)


class PrivacyDecisions:
    """The use cases of whoever answers privacy requests."""

    def __init__(self, *, database: Database, changes: PrivacyChanges, clock: Clock) -> None:
        self._database = database
        self._changes = changes
        self._clock = clock

    async def find(
        self,
        request_id: str,
        *,
        record_ids: Sequence[str] = (),
        set_id: str = "",
        version: int | None = None,
        actor: Actor,
    ) -> RequestView:
        """Put records under a request: those named, or all of a frozen set, in every version.

        Raises:
            Denied: the actor may not work privacy requests.
            NotFound: no such request or set, or a record that is not there.
            Conflict: it is closed, or was changed a moment ago.
            InvalidInput: no records, both records and a set, or more than `MOST_RECORDS`.
        """
        async with self._changes.refusing(Action.PRIVACY_FOUND, request_id, actor=actor):
            require(actor, Permission.MANAGE_PRIVACY)
            view = await self._changes.open(request_id, version)
            async with self._database.reading() as tx:
                indexes = await rows.versions_of(tx, await _named(tx, record_ids, set_id))
            if not 1 <= len(indexes) <= MOST_RECORDS:
                raise InvalidInput(
                    f"expected 1 to {MOST_RECORDS:,} posts, found {len(indexes):,}",
                    pointer="records",
                )
            details = members_details(indexes) | ({"set": set_id} if set_id else {})
            return await self._changes.change(
                Action.PRIVACY_FOUND, view, details, parts=[members_part(indexes)], actor=actor
            )

    async def decide(
        self,
        request_id: str,
        decision: str,
        *,
        reason: str,
        ground: str = "",
        record_ids: Sequence[str] = (),
        everything: bool = False,
        version: int | None = None,
        actor: Actor,
    ) -> RequestView:
        """Decide on records of a request: erase, refuse on a ground, or restrict.

        With `everything` all undecided ones are decided on where the decision is possible. What is
        decided may be decided anew until it was erased; a restriction is lifted first.

        Raises:
            Denied: the actor may not work privacy requests.
            NotFound: no such request, or a record that it is not about.
            Conflict: something stands against it (the message says what and by which rule), the
                request is closed, or it was changed a moment ago.
            InvalidInput: no such decision or ground, a ground without a refusal, no reason, no
                records.
        """
        async with self._changes.refusing(Action.PRIVACY_DECIDED, request_id, actor=actor):
            require(actor, Permission.MANAGE_PRIVACY)
            view = await self._changes.open(request_id, version)
            wanted = _decision(decision, ground)
            said = reason_of(reason)
            async with self._database.reading() as tx:
                found = await self._chosen(tx, request_id, record_ids, everything=everything)
            if everything:
                found = [each for each in found if _is_undecided(each, wanted)]
            indexes = _decidable(found, wanted)
            details = {"decision": wanted.value, "ground": ground, "reason": said}
            return await self._changes.change(
                Action.PRIVACY_DECIDED,
                view,
                members_details(indexes) | details,
                parts=[members_part(indexes)],
                actor=actor,
            )

    async def lift(
        self,
        request_id: str,
        *,
        told_at: datetime,
        reason: str,
        record_ids: Sequence[str] = (),
        everything: bool = False,
        version: int | None = None,
        actor: Actor,
    ) -> RequestView:
        """Lift restrictions, after the person was told at `told_at` (GDPR art. 18(3)).

        Raises:
            Denied: the actor may not work privacy requests.
            NotFound: no such request, or a record that it is not about.
            Conflict: a record is not restricted by it, or it was changed a moment ago.
            InvalidInput: they were told before it was restricted, or not yet; no reason.
        """
        async with self._changes.refusing(Action.PRIVACY_LIFTED, request_id, actor=actor):
            require(actor, Permission.MANAGE_PRIVACY)
            view = await self._changes.seen(request_id, version)
            said = reason_of(reason)
            async with self._database.reading() as tx:
                found = await self._chosen(tx, request_id, record_ids, everything=everything)
            if everything:
                found = [each for each in found if PrivacyDecision.LIFTED in each.open_decisions]
            indexes = _decidable(found, PrivacyDecision.LIFTED)
            since = max(each.asked.decided_at or 0 for each in found)
            if not since <= to_millis(told_at) <= to_millis(self._clock()):
                raise InvalidInput(
                    "expected a moment after the restriction and not to come, at which the person "
                    f"was told that it is lifted, found {rfc3339(told_at)}",
                    pointer="told_at",
                )
            details = members_details(indexes) | {"told_at": to_millis(told_at), "reason": said}
            return await self._changes.change(
                Action.PRIVACY_LIFTED, view, details, parts=[members_part(indexes)], actor=actor
            )

    async def _chosen(
        self, tx: Transaction, request_id: str, record_ids: Sequence[str], *, everything: bool
    ) -> list[JudgedRecord]:
        if bool(record_ids) == everything:
            raise InvalidInput(
                "expected records, or that all are meant, one of the two", pointer="records"
            )
        asked = await rows.records(tx, request_id)
        if record_ids:
            wanted = set(record_ids)
            asked = [each for each in asked if each.id in wanted]
            if missing := wanted - {each.id for each in asked}:
                raise NotFound(
                    f"{len(missing)} of {len(wanted)} records are not under privacy request "
                    f"{request_id}, the first of them {min(missing)!r}; nothing was changed"
                )
        return await judged(tx, asked, at=to_millis(self._clock()))


def _is_undecided(each: JudgedRecord, wanted: PrivacyDecision) -> bool:
    return not each.asked.decision and wanted in each.open_decisions


def _decidable(found: Sequence[JudgedRecord], wanted: PrivacyDecision) -> list[int]:
    """Return the log indexes of these records, of all of which `wanted` may be decided.

    Raises:
        InvalidInput: there are none.
        Conflict: of one it may not; says why, and by which rule.
    """
    if not found:
        raise InvalidInput(
            f"expected records of which {wanted} may be decided, found none", pointer="records"
        )
    for each in found:
        if wanted not in each.open_decisions:
            raise Conflict(
                f"{wanted} cannot be decided on record {each.asked.id}: {_against(each, wanted)}. "
                "Nothing was decided"
            )
    return [each.asked.log_index for each in found]


def _against(each: JudgedRecord, wanted: PrivacyDecision) -> str:
    if each.asked.is_gone:
        return "it is gone"
    if each.asked.decision == PrivacyDecision.RESTRICT:
        return "it is restricted; lift that first, after the person was told"
    if wanted is PrivacyDecision.LIFTED:
        return "it is not restricted"
    bar = each.bars[0]
    return f"{bar.reason.text.removesuffix('.')} ({bar.reason.citation})"


def _decision(decision: str, ground: str) -> PrivacyDecision:
    if decision not in _DECISIONS:
        raise InvalidInput(
            f"expected one of {', '.join(_DECISIONS)}, found {decision[:40]!r}",
            pointer="decision",
        )
    wanted = PrivacyDecision(decision)
    if (wanted is PrivacyDecision.REFUSE) != (ground in set(Ground)):
        raise InvalidInput(
            f"expected one of the grounds {', '.join(Ground)} with a refusal and none otherwise, "
            f"found {ground[:40]!r} with {decision}",
            pointer="ground",
        )
    return wanted


async def _named(tx: Transaction, record_ids: Sequence[str], set_id: str) -> list[int]:
    if bool(record_ids) == bool(set_id):
        raise InvalidInput("expected records or a frozen set, one of the two", pointer="records")
    if set_id:
        return list(await set_rows.numbers(tx, await set_rows.get(tx, set_id)))
    wanted = list(dict.fromkeys(record_ids))
    known = await record_rows.indexes_of(tx, wanted)
    for record_id in wanted:
        if record_id not in known:
            raise record_rows.no_record(record_id)
    return sorted(known.values())

"""Who attests of a place in the log: the first timestamp and cosignature that cover it, by whom.

Object names say over how many entries each is, so the first of them is found by one listing from
the record on; nothing before it is read. Tokens are verified; cosignatures were when they were
kept, and are by every verification.
"""

from collections.abc import AsyncIterator

from archiver.access.custody import Attested, Stamped, Witnessed
from archiver.assurance.timestamp_view import TimestampView
from archiver.errors import IntegrityError, NotFound
from archiver.preserve.ledger.policy import Policy, verifier_identity
from archiver.preserve.object_keys import cosignature_prefix
from archiver.preserve.store.threads import AsyncStore

_LOOKED_AT = 64
"""Objects looked at from the record on: all authorities and witnesses answer within so many."""


class Attestations:
    """What timestamp authorities and witnesses say of one archive's log."""

    def __init__(
        self, *, archive_id: str, stamps: TimestampView, policy: Policy, store: AsyncStore
    ) -> None:
        self._archive_id = archive_id
        self._stamps = stamps
        self._witnesses = {
            verifier_identity(witness.vkey)[1].hex(): witness.name for witness in policy.witnesses
        }
        self._store = store

    async def over(self, log_index: int) -> Attested:
        """Return the first that each authority and each witness attests over this log index.

        Raises:
            StorageUnavailable: the store did not answer.
        """
        return Attested(
            stamps=tuple([each async for each in self._first_stamps(log_index + 1)]),
            witnesses=tuple([each async for each in self._first_cosignatures(log_index + 1)]),
        )

    async def _first_stamps(self, size: int) -> AsyncIterator[Stamped]:
        seen: set[str] = set()
        for covered, authority in await self._stamps.names(start=size, most=_LOOKED_AT):
            if authority in seen:
                continue
            seen.add(authority)
            try:
                stamp = await self._stamps.read(covered, authority)
            except (IntegrityError, NotFound) as error:
                yield Stamped(authority=authority, at=None, size=covered, problem=str(error))
                continue
            at = stamp.token.time if stamp.token else stamp.logged_at
            yield Stamped(authority=authority, at=at, size=covered, problem=stamp.problem)

    async def _first_cosignatures(self, size: int) -> AsyncIterator[Witnessed]:
        prefix = cosignature_prefix(self._archive_id)
        if not self._witnesses:
            return
        seen: set[str] = set()
        looked_at = 0
        async for key in self._store.list_keys(prefix, after=f"{prefix}{size:012d}"):
            covered, _, key_id = key.removeprefix(prefix).partition("/")
            witness = self._witnesses.get(key_id, "")
            if covered.isdecimal() and witness and witness not in seen:
                seen.add(witness)
                yield Witnessed(witness=witness, size=int(covered))
            looked_at += 1
            if looked_at == _LOOKED_AT or len(seen) == len(self._witnesses):
                return

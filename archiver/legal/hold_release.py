"""Releasing a hold, with a second person where the settings ask for one.

With the two-person rule a release is asked for, approved by somebody else, and then done by the
approval. A hold is released once in its life, so an approved request stays good: should the process
die between approval and release, the release can be done afterwards by whoever may release holds.
"""

from dataclasses import dataclass

from archiver.access.approvals import Act, Approvals, ApprovalState, ApprovalView
from archiver.errors import NotFound
from archiver.legal.hold_register import HoldRegister
from archiver.legal.hold_views import HoldView
from archiver.legal.holds import Holds
from archiver.model.actor import Actor

_HOLD = "hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What became of asking for a release: the hold, and what it waits for, if anything."""

    view: HoldView
    waits: ApprovalView | None = None

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        waits = None if self.waits is None else self.waits.to_dict()
        return {**self.view.to_dict(), "approval": waits}


class HoldReleases:
    """The use cases that end a hold."""

    def __init__(
        self, *, holds: Holds, register: HoldRegister, approvals: Approvals, two_person: bool
    ) -> None:
        self._holds = holds
        self._register = register
        self._approvals = approvals
        self._two_person = two_person

    @property
    def two_person(self) -> bool:
        """Whether a release needs a second person."""
        return self._two_person

    async def release(self, hold_id: str, *, reason: str, actor: Actor) -> Release:
        """Release a hold, or ask a second person to.

        Raises:
            Denied: the actor may not release holds, or may not ask for it.
            InvalidInput: no reason.
            NotFound: no such hold.
            Conflict: it was released before, or the same request waits already.
        """
        if not self._two_person or await self._approved(hold_id, actor):
            return Release(view=await self._holds.release(hold_id, reason=reason, actor=actor))
        preview = await self._register.release_preview(hold_id, actor=actor)
        waits = await self._approvals.request(Act.RELEASE_HOLD, _HOLD, hold_id, reason, actor=actor)
        return Release(view=preview.view, waits=waits)

    async def waiting(self, hold_id: str, *, actor: Actor) -> ApprovalView | None:
        """Return the request for this hold that waits for a second person, None if none does.

        Who may see the hold is the caller's to have checked.
        """
        return await self._find(hold_id, ApprovalState.PENDING, actor)

    async def decide(self, hold_id: str, *, approve: bool, actor: Actor) -> Release:
        """Approve the request that waits for this hold, which releases it, or refuse it.

        Raises:
            Denied: as `Approvals.decide`.
            NotFound: no such hold, or no request for it waits.
            Conflict: it was decided a moment ago, or the hold was released meanwhile.
        """
        preview = await self._register.release_preview(hold_id, actor=actor)
        waits = await self.waiting(hold_id, actor=actor)
        if waits is None:
            raise NotFound(f"no request to release hold {hold_id} waits; look at it again")
        await self._approvals.decide(waits.id, approve=approve, actor=actor)
        if not approve:
            return Release(view=preview.view)
        view = await self._holds.release(hold_id, reason=waits.reason, actor=actor)
        return Release(view=view)

    async def _approved(self, hold_id: str, actor: Actor) -> bool:
        return await self._find(hold_id, ApprovalState.APPROVED, actor) is not None

    async def _find(self, hold_id: str, state: ApprovalState, actor: Actor) -> ApprovalView | None:
        found = await self._approvals.about(_HOLD, hold_id, actor=actor)
        return next(
            (each for each in found if each.act is Act.RELEASE_HOLD and each.state is state), None
        )

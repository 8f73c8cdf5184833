# ruff: noqa: ARG002 - a fake takes every argument of what it stands for
"""Holds kept in memory, for tests of the face alone."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from archiver.access.rules import Permission, reach
from archiver.db.hold_overlaps import Freed, Overlap
from archiver.errors import InvalidInput, NotFound
from archiver.legal.hold_release import Release
from archiver.legal.hold_views import HeldPost, HoldPage, HoldPreview, HoldView, ReleasePreview
from archiver.model.actor import Actor

PLACED_AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
OVERLAP = Overlap("H9", "Jones v. Acme", "2026-099", 2)
MEMBER = HeldPost(
    log_index=7,
    id="01KAM0RECRD000000000000001",
    platform="mastodon",
    account="<b>@acme</b>",
    kind="post",
    change="edited",
    posted_at=PLACED_AT,
    captured_at=PLACED_AT,
)


class FakeHolds:
    """Places, shows and releases holds on three records each."""

    def __init__(self) -> None:
        self.placed: list[HoldView] = []

    async def place(
        self,
        *,
        name: str,
        matter: str = "",
        reason: str,
        query: str | None = None,
        accounts: Sequence[str] = (),
        record_ids: Sequence[str] = (),
        set_id: str = "",
        saved: str = "",
        actor: Actor,
    ) -> HoldView:
        preview = await self.preview(
            name=name,
            matter=matter,
            reason=reason,
            query=query,
            accounts=accounts,
            record_ids=record_ids,
            set_id=set_id,
            saved=saved,
            actor=actor,
        )
        view = replace(preview.view, id=f"H{len(self.placed)}", state="active")
        self.placed.append(view)
        return view

    async def preview(
        self,
        *,
        name: str = "",
        matter: str = "",
        reason: str = "",
        query: str | None = None,
        accounts: Sequence[str] = (),
        record_ids: Sequence[str] = (),
        set_id: str = "",
        saved: str = "",
        actor: Actor,
    ) -> HoldPreview:
        reach(actor, Permission.PLACE_HOLDS)
        if query is None and not accounts and not record_ids and not saved and not set_id:
            raise InvalidInput("expected a scope, found none", pointer="query")
        if query == '"':
            raise InvalidInput('1: "\n   ^ the quote is not closed', pointer="query")
        view = HoldView(
            id="",
            name=name,
            matter=matter,
            reason=reason,
            scope={"query": query, "accounts": list(accounts), "record_ids": list(record_ids)},
            state="preview",
            records=3,
            log_size=9,
            members_sha256="ab" * 32,
            placed_at=PLACED_AT,
            placed_by=actor.name,
        )
        return HoldPreview(
            view=view,
            accounts=(("mastodon", "@acme", 3),),
            held=2,
            overlaps=(OVERLAP,),
        )

    def release(self, hold_id: str, *, reason: str, actor: Actor) -> HoldView:
        reach(actor, Permission.RELEASE_HOLDS)
        view = replace(
            self.find(hold_id),
            state="released",
            released_at=PLACED_AT,
            released_by=actor.name,
            release_reason=reason,
        )
        self.placed = [view if each.id == hold_id else each for each in self.placed]
        return view

    def find(self, hold_id: str) -> HoldView:
        for view in self.placed:
            if view.id == hold_id:
                return view
        if hold_id == "H0":
            return HoldView(
                id="H0",
                name="Smith v. <i>Acme</i>",
                matter="2026-001",
                reason="litigation",
                scope={"query": "merger", "accounts": ["<b>@acme</b>"], "record_ids": []},
                state="active",
                records=3,
                log_size=9,
                members_sha256="ab" * 32,
                placed_at=PLACED_AT,
                placed_by="counsel",
            )
        raise NotFound(f"no hold {hold_id!r}")


class FakeReleases:
    """Releases at once; no second person is asked."""

    two_person = False

    def __init__(self, holds: FakeHolds) -> None:
        self._holds = holds

    async def release(self, hold_id: str, *, reason: str, actor: Actor) -> Release:
        return Release(view=self._holds.release(hold_id, reason=reason, actor=actor))

    async def waiting(self, hold_id: str, *, actor: Actor) -> None:
        return None

    async def decide(self, hold_id: str, *, approve: bool, actor: Actor) -> Release:
        reach(actor, Permission.RELEASE_HOLDS)
        raise NotFound(f"no request to release hold {hold_id} waits")


class FakeHoldRegister:
    """Reads what `FakeHolds` keeps."""

    def __init__(self, holds: FakeHolds) -> None:
        self._holds = holds

    async def list(self, *, actor: Actor) -> tuple[HoldView, ...]:
        reach(actor, Permission.READ_HOLDS)
        return tuple(self._holds.placed)

    async def show(self, hold_id: str, *, actor: Actor) -> HoldView:
        reach(actor, Permission.READ_HOLDS)
        return self._holds.find(hold_id)

    async def page(
        self, hold_id: str, *, after: int = -1, limit: int = 50, actor: Actor
    ) -> HoldPage:
        view = await self.show(hold_id, actor=actor)
        return HoldPage(view=view, members=(MEMBER,), after=None, overlaps=(OVERLAP,))

    async def release_preview(self, hold_id: str, *, actor: Actor) -> ReleasePreview:
        reach(actor, Permission.RELEASE_HOLDS)
        freed = Freed(due=1, later=1, undated=0)
        return ReleasePreview(view=self._holds.find(hold_id), freed=freed, overlaps=(OVERLAP,))

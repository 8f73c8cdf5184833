# ruff: noqa: ARG002 - a fake takes every argument of what it stands for
"""Passkeys that are believed when their answer is `good`."""

from datetime import UTC, datetime

from archiver.access.passkey_ceremony import Site
from archiver.access.passkeys import Offer, PasskeyView
from archiver.errors import Denied, InvalidInput, NotFound
from archiver.model.actor import Actor

PERSON = "01KAM0PERSON00000000000001"
KEY = PasskeyView(
    id="a2V5",
    name="<b>Blue</b> key",
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    last_used_at=None,
)


class FakePasskeys:
    def __init__(self) -> None:
        self.sites: list[Site] = []
        self.removed: list[str] = []
        self.kept: tuple[PasskeyView, ...] = (KEY,)

    async def offer_new(self, *, site: Site, actor: Actor) -> Offer:
        self.sites.append(site)
        return Offer(options='{"challenge":"<b>"}', cookie="sealed")

    async def offer(self, *, site: Site, actor: Actor | None = None) -> Offer:
        self.sites.append(site)
        return Offer(options='{"challenge":"<b>"}', cookie="sealed")

    async def add(
        self, answer: str, *, name: str, cookie: str, site: Site, actor: Actor
    ) -> PasskeyView:
        if not name:
            raise InvalidInput("expected a name", pointer="name")
        return KEY

    async def prove(
        self, answer: str, *, cookie: str, site: Site, actor: Actor | None = None
    ) -> str:
        if (answer, cookie) != ("good", "sealed"):
            raise Denied("the passkey's answer was not accepted")
        return PERSON

    async def list(self, *, actor: Actor) -> tuple[PasskeyView, ...]:
        return self.kept

    async def show(self, passkey_id: str, *, actor: Actor) -> PasskeyView:
        if passkey_id != KEY.id:
            raise NotFound(f"you have no passkey {passkey_id!r}")
        return KEY

    async def rename(self, passkey_id: str, name: str, *, actor: Actor) -> None:
        await self.show(passkey_id, actor=actor)

    async def remove(self, passkey_id: str, *, actor: Actor) -> None:
        await self.show(passkey_id, actor=actor)
        self.removed.append(passkey_id)

"""Harbour & Finch Brokers, the company of the demonstration: two years of posts on six platforms.

The same seed, end and count give the same bytes. Each body is a capture as the push API takes it,
in order of time: posts, replies from outside and threads inside, edits and deletions of earlier
posts, pictures, several languages, and now and then a sentence that supervision should find.
"""

import base64
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from archiver.capture.accounts import Accounts
from archiver.capture.sample_payloads import Said, chart, new_id, payload, permalink, photograph
from archiver.capture.sample_texts import (
    CORRECTIONS,
    INTERNAL,
    OTHER_LANGUAGES,
    PUBLIC,
    REPLIES,
    RISKY,
    SLOTS,
)
from archiver.errors import Conflict
from archiver.model.actor import Actor

COMPANY = "Harbour & Finch Brokers"
YEARS = 2
_MEMORY = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleAccount:
    """An account, its custodian and unit, and how much of the company's talk it carries.

    The one without a unit nobody has registered: captures alone tell that it is there.
    """

    platform: str
    handle: str
    id: str
    name: str
    custodian: str
    share: int
    unit: str = ""


ACCOUNTS = (
    SampleAccount(
        platform="x",
        handle="harbourfinch",
        id="1290817452003328000",
        name=COMPANY,
        custodian="Amira Solano",
        share=24,
        unit="Communications",
    ),
    SampleAccount(
        platform="x",
        handle="greg_at_hfb",
        id="1377420981126721536",
        name="Greg Halloran",
        custodian="Greg Halloran",
        share=10,
    ),
    SampleAccount(
        platform="linkedin",
        handle="harbour-finch-brokers",
        id="18254417",
        name=COMPANY,
        custodian="Amira Solano",
        share=14,
        unit="Communications",
    ),
    SampleAccount(
        platform="mastodon",
        handle="research",
        id="109302286455120031",
        name="HFB Research",
        custodian="Keiko Tanabe",
        share=10,
        unit="Research",
    ),
    SampleAccount(
        platform="bluesky",
        handle="harbourfinch.example",
        id="did:plc:h4rb0urf1nchbr0kersxample",
        name=COMPANY,
        custodian="Lena Vogt",
        share=10,
        unit="Communications",
    ),
    SampleAccount(
        platform="facebook",
        handle="harbourfinch",
        id="104233581924671",
        name=COMPANY,
        custodian="Lena Vogt",
        share=12,
        unit="Communications",
    ),
    SampleAccount(
        platform="slack",
        handle="trading-floor",
        id="C04HFBTRADE",
        name="#trading-floor",
        custodian="Tom Whitlock",
        share=14,
        unit="Treasury",
    ),
    SampleAccount(
        platform="slack",
        handle="client-service",
        id="C04HFBSERVE",
        name="#client-service",
        custodian="Ines Duarte",
        share=6,
        unit="Customer service",
    ),
)

_STAFF = (
    ("U04AMIRA01", "amira", "Amira Solano"),
    ("U04TOMW002", "tom", "Tom Whitlock"),
    ("U04INES003", "ines", "Ines Duarte"),
    ("U04NIKOS04", "nikos", "Nikos Pappas"),
    ("U04GREG005", "greg", "Greg Halloran"),
)
_PUBLIC_WRITERS = (
    ("7700101", "saver_jo", "Jo Lindqvist"),
    ("7700102", "bond_bore", "R. Achterberg"),
    ("7700103", "delphimarine", "Delphi Marine"),
    ("7700104", "pensionista", "Carmen Ruiz"),
)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A post that later ones may answer, edit or delete."""

    account: SampleAccount
    post_id: str
    said: Said
    conversation: str


def posts(seed: int, until: datetime, count: int = 1500) -> Iterator[bytes]:
    """Yield `count` captures of the two years before `until` (aware), oldest first."""
    company = _Company(seed)
    start = until - timedelta(days=365 * YEARS)
    step = (until - start) / max(1, count)
    for number in range(count):
        at = start + step * (number + company.random.random() * 0.9)
        capture = company.next_capture(at.replace(microsecond=0))
        yield json.dumps(capture, ensure_ascii=False, separators=(",", ":")).encode()


async def register_accounts(accounts: Accounts, *, actor: Actor) -> int:
    """Register the company's accounts that have a unit; return how many there are.

    Those that an interrupted run registered stay as they are. Errors as `register`, but Conflict.
    """
    known = [each for each in ACCOUNTS if each.unit]
    for each in known:
        with suppress(Conflict):
            await accounts.register(
                platform=each.platform,
                handle=each.handle,
                title=each.name,
                custodian=each.custodian,
                unit=each.unit,
                actor=actor,
            )
    return len(known)


class _Company:
    """What the company and its public say next, given what was said of late."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - a demonstration, not a secret
        self._recent: list[_Kept] = []
        self._pictures = 0

    def next_capture(self, at: datetime) -> dict[str, Any]:
        """Return the capture of what happens at `at`."""
        acts = (self._speak, self._answer, self._edit, self._delete)
        act = self.random.choices(acts, weights=(68, 18, 9, 5))[0] if self._recent else self._speak
        capture = act(at)
        del self._recent[:-_MEMORY]
        return capture

    def _speak(self, at: datetime) -> dict[str, Any]:
        account = self.random.choices(ACCOUNTS, weights=[one.share for one in ACCOUNTS])[0]
        lang, text = self._words(inside=account.platform == "slack")
        said = self._said(account, at, lang, text)
        return _body(self._keep(account, said)) | self._picture()

    def _answer(self, at: datetime) -> dict[str, Any]:
        parent = self.random.choice(self._recent)
        said = self._said(parent.account, at, "en", self._filled(REPLIES))
        if parent.account.platform != "slack":
            author_id, handle, name = self.random.choice(_PUBLIC_WRITERS)
            said = replace(said, author_id=author_id, handle=handle, name=name)
        said = replace(said, reply_to=parent.post_id)
        return _body(self._keep(parent.account, said, conversation=parent.conversation))

    def _edit(self, at: datetime) -> dict[str, Any]:
        index = self.random.randrange(len(self._recent))
        before = self._recent[index]
        text = f"{before.said.text} {self.random.choice(CORRECTIONS)}"
        after = replace(before, said=replace(before.said, text=text, edited_at=at))
        self._recent[index] = after
        return _body(after)

    def _delete(self, at: datetime) -> dict[str, Any]:
        """Return what platforms tell of a deletion: which post, and when."""
        gone = self._recent.pop(self.random.randrange(len(self._recent)))
        return {
            "platform": gone.account.platform,
            "account": gone.account.handle,
            "post_id": gone.post_id,
            "change": "deleted",
            "edited_at": at.isoformat(),
            "conversation_id": gone.conversation,
            "payload": {"event": "delete", "id": gone.post_id, "time": at.isoformat()},
        }

    def _keep(self, account: SampleAccount, said: Said, *, conversation: str = "") -> _Kept:
        post_id = new_id(account.platform, said.at, self.random)
        kept = _Kept(account, post_id, said, conversation or post_id)
        self._recent.append(kept)
        return kept

    def _picture(self) -> dict[str, Any]:
        """Return the media of one post in ten; the first is a photograph, the others charts."""
        if self._pictures and self.random.randrange(10):
            return {}
        name, picture = ("chart.png", chart) if self._pictures else ("photo.png", photograph)
        self._pictures += 1
        content = base64.b64encode(picture(self.random)).decode()
        return {"media": [{"name": name, "media_type": "image/png", "content_base64": content}]}

    def _said(self, account: SampleAccount, at: datetime, lang: str, text: str) -> Said:
        author = (account.id, account.handle, account.name)
        if account.platform == "slack":
            author = self.random.choice(_STAFF)
        return Said(
            at=at,
            text=text,
            lang=lang,
            author_id=author[0],
            handle=author[1],
            name=author[2],
            place=account.id,
        )

    def _words(self, *, inside: bool) -> tuple[str, str]:
        """Return a language and a text; one in forty is what supervision looks for."""
        if not self.random.randrange(40):
            return "en", self._filled(RISKY)
        if inside:
            return "en", self._filled(INTERNAL)
        if not self.random.randrange(8):
            lang = self.random.choice(sorted(OTHER_LANGUAGES))
            return lang, self._filled(OTHER_LANGUAGES[lang])
        return "en", self._filled(PUBLIC)

    def _filled(self, templates: tuple[str, ...]) -> str:
        words = {slot: self.random.choice(choices) for slot, choices in SLOTS.items()}
        return self.random.choice(templates).format_map(words)


def _body(kept: _Kept) -> dict[str, Any]:
    account, said = kept.account, kept.said
    return {
        "platform": account.platform,
        "account": account.handle,
        "post_id": kept.post_id,
        "kind": "reply" if said.reply_to else "post",
        "change": "edited" if said.edited_at else "created",
        "posted_at": said.at.isoformat(),
        "edited_at": said.edited_at.isoformat() if said.edited_at else None,
        "text": said.text,
        "lang": said.lang,
        "permalink": permalink(account.platform, kept.post_id, said),
        "in_reply_to": said.reply_to or None,
        "conversation_id": kept.conversation,
        "author": {"id": said.author_id, "handle": said.handle, "name": said.name},
        "payload": payload(account.platform, kept.post_id, said),
    }

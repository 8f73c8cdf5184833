# ruff: noqa: ARG002 - a fake takes every argument of what it stands for
"""Services that keep what they are given in memory, for tests of the face alone."""

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from aiohttp import web
from aiohttp.test_utils import TestClient

from archiver.access.rules import Permission, require
from archiver.access.tokens import TokenView
from archiver.clock import Clock
from archiver.config import Settings, load_settings
from archiver.errors import Denied, NotFound
from archiver.model.actor import Actor, LimitedRole, Role
from archiver.model.post import Arrival
from archiver.web.services import Json
from archiver.web.sign_in_services import Provider
from tests.unit.web.fakes_accounts import FakeAccounts, FakeClasses
from tests.unit.web.fakes_audit import FakeAudit, FakeInstallation
from tests.unit.web.fakes_disposition import FakeDisposition
from tests.unit.web.fakes_events import FakeEventFiles, FakeWaiting
from tests.unit.web.fakes_holds import FakeHoldRegister, FakeHolds, FakeReleases
from tests.unit.web.fakes_home import FakeHome
from tests.unit.web.fakes_keeping import FakeKeeping
from tests.unit.web.fakes_passkeys import FakePasskeys
from tests.unit.web.fakes_people import FakeInvitations, FakePasswords, FakePeople, FakeSessions
from tests.unit.web.fakes_plan import FakeDraftSimulations, FakePlanMaking
from tests.unit.web.fakes_privacy import FakePrivacy
from tests.unit.web.fakes_records import (
    RECORD as RECORD,  # noqa: PLC0414 - tests take it from here
)
from tests.unit.web.fakes_records import FakeEvidence, FakeRecords
from tests.unit.web.fakes_saved import FakeSavedSearches, FakeSubscriptions
from tests.unit.web.fakes_search import FakeExplaining, FakeSearching
from tests.unit.web.fakes_sets import FakeFrozenSets, FakeTermReports
from tests.unit.web.fakes_work import FakeImports, FakeIntegrity, FakeProofs, FakeSample, FakeWork

Face = TestClient[web.Request, web.Application]
NOW = datetime(2026, 11, 21, 22, 1, 26, tzinfo=UTC)


@dataclass(frozen=True)
class Plain:
    document: Json

    def to_dict(self) -> Json:
        return dict(self.document)


@dataclass(frozen=True)
class FakeReceipt:
    note: str
    log_index: int

    def to_dict(self) -> Json:
        return {"note": self.note, "log_index": self.log_index, "path": ["aGFzaA=="]}


@dataclass(frozen=True)
class FakeOutcome:
    status: str
    record_id: str
    log_index: int
    receipt: FakeReceipt | None
    reason: str = ""


@dataclass
class FakeIngest:
    kept: dict[tuple[str, str], FakeOutcome] = field(default_factory=dict)
    arrivals: list[Arrival] = field(default_factory=list)
    failure: Exception | None = None

    async def submit(self, arrivals: Sequence[Arrival], *, actor: Actor) -> list[FakeOutcome]:
        require(actor, Permission.CAPTURE)
        if self.failure is not None:
            raise self.failure
        note = f"note of the commit at {len(self.arrivals)}"
        return [self._keep(arrival, note) for arrival in arrivals]

    def _keep(self, arrival: Arrival, note: str) -> FakeOutcome:
        if arrival.idempotency_key == "of other bytes":
            return FakeOutcome("refused", "", -1, None, "this key belongs to another post")
        key = (arrival.idempotency_key, arrival.post.post_id)
        if key in self.kept:
            first = self.kept[key]
            return FakeOutcome("unchanged", first.record_id, first.log_index, first.receipt)
        index = len(self.arrivals)
        self.arrivals.append(arrival)
        self.kept[key] = FakeOutcome(
            "captured", f"01KAM0RECRD{index:015d}", index, FakeReceipt(note, index)
        )
        return self.kept[key]


class FakeFiling(FakeClasses):
    async def why(self, record_id: str, *, actor: Actor) -> Plain:
        require(actor, Permission.READ_FILE_PLAN)
        reason = {"text": "Kept three years from posting", "citation": "17 CFR 240.17a-4(b)(4)"}
        return Plain(
            {"id": record_id, "state": "retain", "until": "2029-11-21", "reasons": [reason]}
        )

    async def classes(self, *, actor: Actor) -> list[Mapping[str, object]]:
        require(actor, Permission.READ_FILE_PLAN)
        return [{"code": "COM", "title": "Communications"}]


class FakeLog:
    async def inclusion(self, record_id: str, *, actor: Actor) -> str:
        require(actor, Permission.READ_LOG)
        return "c2sp.org/tlog-proof@v1\nindex 7\n"

    async def checkpoint(self, *, actor: Actor) -> bytes:
        require(actor, Permission.READ_LOG)
        return "archive.example/acme\n3\nAAA=\n\n— archive.example/acme AAA=\n".encode()

    async def consistency(self, old: int, new: int, *, actor: Actor) -> Json:
        require(actor, Permission.READ_LOG)
        return {"old": old, "new": new, "proof": ["AAA="]}


@dataclass(frozen=True)
class FakeArchive:
    id: str = "01KAM0ARCHVE00000000000001"
    zone: str = "Europe/Amsterdam"


class FakeStore:
    """Gives back the key it was asked for, if it is one of the log's."""

    async def get(self, key: str) -> bytes:
        prefix = f"log/{FakeArchive().id}/"
        if not key.startswith(prefix):
            raise NotFound(f"no object {key}")
        return key.removeprefix(prefix).encode()


class FakeTokens:
    """A token for each role, `mun_<role>`, and those made."""

    def __init__(self) -> None:
        self._ids = itertools.count()
        self.views: dict[str, TokenView] = {}

    async def authenticate(self, secret: str) -> Actor:
        word, _, unit = secret.removeprefix("mun_").partition(".")
        if word not in set(Role):
            raise Denied("unknown token", authenticated=False)
        role = Role(word)
        if unit:
            limited = frozenset({LimitedRole(role=role, unit=unit)})
            return Actor(name=f"a {word}", roles=frozenset(), limited=limited, via=f"token:{word}")
        return Actor(name=f"a {word}", roles=frozenset({role}), via=f"token:{word}")

    async def create(
        self,
        name: str,
        roles: Collection[Role],
        *,
        unit: str = "",
        matter: str = "",
        expires_at: datetime | None = None,
        actor: Actor,
    ) -> tuple[TokenView, str]:
        require(actor, Permission.MANAGE_ACCESS)
        view = TokenView(
            id=f"T{next(self._ids)}",
            name=name,
            roles=tuple(roles),
            state="active",
            created_at=NOW,
            expires_at=expires_at,
            revoked_at=None,
        )
        self.views[view.id] = view
        return view, "mun_" + "s" * 43

    async def list(self, *, actor: Actor) -> tuple[TokenView, ...]:
        require(actor, Permission.MANAGE_ACCESS)
        return tuple(self.views.values())

    async def revoke(self, token_id: str, *, actor: Actor) -> TokenView:
        require(actor, Permission.MANAGE_ACCESS)
        if token_id not in self.views:
            raise NotFound(f"no token {token_id!r}")
        return self.views[token_id]


@dataclass
class FakeHealth:
    parts: dict[str, str] = field(default_factory=lambda: {"database": "ok", "store": "ok"})

    async def ready(self) -> dict[str, str]:
        return self.parts


@dataclass
class FakeServices:
    settings: Settings = field(
        default_factory=lambda: load_settings({"MUNIMENT_PUBLIC_LOG": "false"})
    )
    clock: Clock = field(default=lambda: NOW)
    version: str = "0.0.test"
    archive: FakeArchive = field(default_factory=FakeArchive)
    store: FakeStore = field(default_factory=FakeStore)
    ingest: FakeIngest = field(default_factory=FakeIngest)
    searching: FakeSearching = field(default_factory=FakeSearching)
    explaining: FakeExplaining = field(default_factory=FakeExplaining)
    frozen_sets: FakeFrozenSets = field(default_factory=FakeFrozenSets)
    term_reports: FakeTermReports = field(default_factory=FakeTermReports)
    saved_searches: FakeSavedSearches = field(default_factory=FakeSavedSearches)
    subscriptions: FakeSubscriptions = field(default_factory=FakeSubscriptions)
    records: FakeRecords = field(default_factory=FakeRecords)
    evidence: FakeEvidence = field(default_factory=FakeEvidence)
    filing: FakeFiling = field(default_factory=FakeFiling)
    plan: FakePlanMaking = field(default_factory=FakePlanMaking)
    simulations: FakeDraftSimulations = field(default_factory=FakeDraftSimulations)
    keeping: FakeKeeping = field(default_factory=FakeKeeping)
    event_files: FakeEventFiles = field(default_factory=FakeEventFiles)
    waiting: FakeWaiting = field(default_factory=FakeWaiting)
    home: FakeHome = field(default_factory=FakeHome)
    accounts: FakeAccounts = field(default_factory=FakeAccounts)
    holds: FakeHolds = field(default_factory=FakeHolds)
    hold_register: FakeHoldRegister = field(init=False)
    releases: FakeReleases = field(init=False)
    disposition: FakeDisposition = field(default_factory=FakeDisposition)
    privacy: FakePrivacy = field(default_factory=FakePrivacy)
    log: FakeLog = field(default_factory=FakeLog)
    audit: FakeAudit = field(default_factory=FakeAudit)
    installation: FakeInstallation = field(default_factory=FakeInstallation)
    tokens: FakeTokens = field(default_factory=FakeTokens)
    sessions: FakeSessions = field(default_factory=FakeSessions)
    people: FakePeople = field(default_factory=FakePeople)
    invitations: FakeInvitations = field(default_factory=FakeInvitations)
    passwords: FakePasswords = field(default_factory=FakePasswords)
    passkeys: FakePasskeys = field(default_factory=FakePasskeys)
    provider: Provider | None = None
    work: FakeWork = field(default_factory=FakeWork)
    imports: FakeImports = field(default_factory=FakeImports)
    sample: FakeSample = field(default_factory=FakeSample)
    integrity: FakeIntegrity = field(default_factory=FakeIntegrity)
    proofs: FakeProofs = field(default_factory=FakeProofs)
    health: FakeHealth = field(default_factory=FakeHealth)

    def __post_init__(self) -> None:
        self.hold_register = FakeHoldRegister(self.holds)
        self.releases = FakeReleases(self.holds)


def bearer(role: Role, unit: str = "") -> dict[str, str]:
    """Return the header that signs in as `role`, over the whole archive or one unit."""
    return {"Authorization": f"Bearer mun_{role}" + (f".{unit}" if unit else "")}

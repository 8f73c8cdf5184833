"""What the web asks of the application: the use cases it calls, as protocols.

`archiver.app.Services` satisfies them. Stating here only what the face uses keeps handlers testable
with small fakes and shows on one screen what a request can set in motion.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from archiver.access.home import HomeView
from archiver.access.installation import Component, InstallationView
from archiver.access.post_text import PostText
from archiver.access.record_page import RecordPage, Tab
from archiver.access.waiting import Wait
from archiver.assurance.audit_events import EventDetail, EventPage, News, Timeline
from archiver.assurance.audit_filter import TrailFilter
from archiver.assurance.evidence.exporting import Bundle
from archiver.capture.account_views import AccountList, AccountPage, AccountView
from archiver.clock import Clock
from archiver.config import Settings
from archiver.disposal.class_views import ClassPage, ClassView, RulesPage
from archiver.legal.answers import NotSearchable, Overview
from archiver.legal.asking import Asked
from archiver.legal.understanding import Syntax, Understood
from archiver.model.actor import Actor
from archiver.model.post import Arrival, Part
from archiver.web.disposition_services import Disposition
from archiver.web.hold_services import HoldRegister, Holds, Releases
from archiver.web.people_services import Invitations, Passwords, People
from archiver.web.plan_services import DraftSimulations, PlanMaking
from archiver.web.privacy_services import Privacy
from archiver.web.retention_services import EventFiles, Keeping
from archiver.web.saved_services import SavedSearches, Subscriptions
from archiver.web.set_services import FrozenSets, TermReports
from archiver.web.sign_in_services import Passkeys, Provider, Sessions, Tokens
from archiver.web.work_services import Imports, Integrity, Proofs, Sample, Work
from search.calendar import Interval
from search.index import Order
from search.query import FieldName, Query

Json = dict[str, object]


class Document(Protocol):
    """A view that knows its own JSON."""

    def to_dict(self) -> Json:
        """Return the JSON document."""


class Outcome(Protocol):
    """What became of one arrival."""

    @property
    def status(self) -> str:
        """`captured`, `unchanged` (stored before) or `refused` (its key is of other bytes)."""

    @property
    def record_id(self) -> str:
        """The record's ULID."""

    @property
    def log_index(self) -> int:
        """Its place in the log."""

    @property
    def receipt(self) -> Document | None:
        """The signed promise, where one was made."""

    @property
    def reason(self) -> str:
        """Why it was refused."""


class Ingest(Protocol):
    """Captures posts."""

    async def submit(self, arrivals: Sequence[Arrival], *, actor: Actor) -> Sequence[Outcome]:
        """Keep them; all durable when it returns."""


class Searching(Protocol):
    """Runs searches."""

    async def search(
        self, query: str, *, limit: int = 20, cursor: str = "", actor: Actor
    ) -> Document:
        """Return one page of hits with the exact count."""

    async def count(self, query: str, *, actor: Actor) -> Document:
        """Return the exact count only."""

    async def overview(
        self,
        asked: Asked,
        *,
        limit: int = 50,
        cursor: str = "",
        order: Order = Order.NEWEST,
        facets: Sequence[FieldName] = (),
        histogram: bool = True,
        interval: Interval | None = None,
        actor: Actor,
    ) -> Overview:
        """Return everything one page of a search shows."""

    async def values(self, asked: Asked, name: FieldName, *, actor: Actor) -> Overview:
        """Return the values of one field with their counts."""

    async def not_searchable(
        self, *, limit: int = 50, cursor: str = "", actor: Actor
    ) -> NotSearchable:
        """Return a page of the posts that hold nothing to be searched."""


class Explaining(Protocol):
    """Explains queries."""

    def understand(
        self, text: str, *, syntax: Syntax = Syntax.MUNIMENT, stem: bool = False, zone: str = ""
    ) -> Understood:
        """Return how a query is understood; nothing is searched."""

    async def expansions(self, query: Query, *, actor: Actor) -> Sequence[Document]:
        """Return which words of the index its words stand for."""


class Records(Protocol):
    """Reads records."""

    async def show(self, record_id: str, *, actor: Actor) -> Document:
        """Return everything known about a record but its bytes."""

    async def posts(self, log_indexes: Sequence[int], *, actor: Actor) -> Mapping[int, PostText]:
        """Return what the posts of a list say, by log index."""

    async def raw(self, record_id: str, *, actor: Actor) -> Part:
        """Return the verbatim payload."""

    async def part(self, record_id: str, name: str, *, actor: Actor) -> Part:
        """Return one part."""

    async def versions(self, record_id: str, *, actor: Actor) -> Sequence[Document]:
        """Return every version of the same post, oldest first."""

    async def proof(self, record_id: str, *, actor: Actor) -> str:
        """Return the tlog-proof."""

    async def page(
        self, record_id: str, *, tab: Tab = Tab.POST, against: str = "", actor: Actor
    ) -> RecordPage:
        """Return all that one page about a record shows."""

    async def thread(self, record_id: str, *, actor: Actor) -> Document:
        """Return the posts of the same conversation."""

    async def custody(self, record_id: str, *, actor: Actor) -> Document:
        """Return the life of a record."""

    async def verify(self, record_id: str, *, actor: Actor) -> Json:
        """Check a record against the log."""

    async def content(self, record_id: str, name: str, *, actor: Actor) -> Part:
        """Return a part to be looked at within a page."""

    async def content_by_ticket(self, record_id: str, name: str, ticket: str) -> Part:
        """Return a part to whoever holds a ticket for it."""

    def give_tickets(self, page: RecordPage, *, actor: Actor) -> dict[str, str]:
        """Return a ticket for each part that a page shows."""


class Evidence(Protocol):
    """Makes evidence bundles."""

    async def one(self, record_id: str, *, actor: Actor) -> Bundle:
        """Return the bundle of one record."""


class Filing(Protocol):
    """Knows the file plan."""

    async def why(self, record_id: str, *, actor: Actor) -> Document:
        """Say why a record is kept and until when."""

    async def classes(self, *, actor: Actor) -> Sequence[Mapping[str, object]]:
        """Return the classes with the schedules in force."""

    async def schedules(self, class_code: str, *, actor: Actor) -> Sequence[Mapping[str, object]]:
        """Return every version of a class's schedule."""

    async def plan(self, *, actor: Actor) -> Sequence[ClassView]:
        """Return the classes in words, with how many records each covers."""

    async def show_class(
        self, code: str, *, posted: str = "", happened: str = "", actor: Actor
    ) -> ClassPage:
        """Return one class with its schedules and rules, and an example where a day is given."""

    async def work_example(
        self, code: str, *, posted: str, happened: str = "", actor: Actor
    ) -> Document:
        """Return until when a record would be kept that is posted on a day."""

    async def class_rules(self, *, actor: Actor) -> RulesPage:
        """Return the class rules in force."""


class Home(Protocol):
    """Knows what concerns somebody when they come in."""

    async def show(self, *, session_id: str = "", actor: Actor) -> HomeView:
        """Return the panels that are for the actor."""


class Waiting(Protocol):
    """Knows what waits for a second person."""

    async def list(self, *, actor: Actor) -> Sequence[Wait]:
        """Return what waits and the actor may know of, oldest first."""

    async def count(self, *, actor: Actor) -> int:
        """Return how many decisions wait for the actor."""


class Accounts(Protocol):
    """Keeps the register of accounts."""

    async def list(
        self,
        *,
        text: str = "",
        platform: str = "",
        unit: str | None = None,
        state: str = "",
        sort: str = "account",
        limit: int = 50,
        cursor: str = "",
        actor: Actor,
    ) -> AccountList:
        """Return a page of the register, and what is not registered."""

    async def show(self, account_id: str, *, actor: Actor) -> AccountPage:
        """Return one account with all about it."""

    async def register(
        self,
        *,
        platform: str,
        handle: str,
        title: str = "",
        custodian: str = "",
        unit: str = "",
        actor: Actor,
    ) -> AccountView:
        """Take an account into the register."""

    async def change(
        self,
        account_id: str,
        *,
        title: str | None = None,
        custodian: str | None = None,
        unit: str | None = None,
        actor: Actor,
    ) -> AccountView:
        """Set what is given of an account."""

    async def close(
        self, account_id: str, *, reason: str, closed_at: datetime | None = None, actor: Actor
    ) -> AccountView:
        """Note that the business no longer speaks from it."""

    async def reopen(self, account_id: str, *, reason: str, actor: Actor) -> AccountView:
        """Note that it does again."""


class Log(Protocol):
    """Reads the transparency log."""

    async def checkpoint(self, *, actor: Actor) -> bytes:
        """Return the newest signed checkpoint."""

    async def inclusion(self, record_id: str, *, actor: Actor) -> str:
        """Return the tlog-proof of a record or an event."""

    async def consistency(self, old: int, new: int, *, actor: Actor) -> Json:
        """Return the consistency proof between two sizes."""


class Audit(Protocol):
    """Reads the audit trail: `archiver.assurance.audit_view.AuditView`."""

    async def list(
        self, wanted: TrailFilter, *, cursor: str = "", limit: int = 50, actor: Actor
    ) -> EventPage:
        """Return a page of the events a filter describes."""

    async def mine(self, *, cursor: str = "", limit: int = 50, actor: Actor) -> EventPage:
        """Return a page of what the actor did."""

    async def about(
        self, object_type: str, object_id: str, *, cursor: str = "", limit: int = 50, actor: Actor
    ) -> Timeline:
        """Return everything about one object."""

    async def follow(self, wanted: TrailFilter, *, start: int, actor: Actor) -> News:
        """Return what happened since the log had `start` entries."""

    async def show(self, record_id: str, *, actor: Actor) -> EventDetail:
        """Return one event as its record holds it."""

    async def matters(self, *, actor: Actor) -> Sequence[str]:
        """Return the matters that events can be filtered by."""


class Installation(Protocol):
    """Shows settings and software: `archiver.access.installation.Installation`."""

    async def show(self, *, actor: Actor) -> InstallationView:
        """Return settings, identity and software."""

    async def software(self) -> Sequence[Component]:
        """Return this software and what it uses."""


class Archive(Protocol):
    """Which archive this is."""

    @property
    def id(self) -> str:
        """Its ULID."""

    @property
    def zone(self) -> str:
        """The time zone that it counts in unless a schedule says otherwise."""


class Store(Protocol):
    """Reads objects; the web reads those of the log's public layout only."""

    async def get(self, key: str) -> bytes:
        """Return the whole object. Raises NotFound."""


class Health(Protocol):
    """Knows whether the parts answer."""

    async def ready(self) -> Mapping[str, str]:
        """Return `ok`, or the problem in words, for each part."""


class Services(Protocol):
    """The application, as far as the web needs it."""

    @property
    def settings(self) -> Settings: ...  # noqa: D102
    @property
    def clock(self) -> Clock: ...  # noqa: D102 - the type says it
    @property
    def version(self) -> str: ...  # noqa: D102
    @property
    def archive(self) -> Archive: ...  # noqa: D102
    @property
    def store(self) -> Store: ...  # noqa: D102
    @property
    def ingest(self) -> Ingest: ...  # noqa: D102
    @property
    def searching(self) -> Searching: ...  # noqa: D102
    @property
    def explaining(self) -> Explaining: ...  # noqa: D102
    @property
    def frozen_sets(self) -> FrozenSets: ...  # noqa: D102
    @property
    def term_reports(self) -> TermReports: ...  # noqa: D102
    @property
    def saved_searches(self) -> SavedSearches: ...  # noqa: D102
    @property
    def subscriptions(self) -> Subscriptions: ...  # noqa: D102
    @property
    def records(self) -> Records: ...  # noqa: D102
    @property
    def evidence(self) -> Evidence: ...  # noqa: D102
    @property
    def filing(self) -> Filing: ...  # noqa: D102
    @property
    def plan(self) -> PlanMaking: ...  # noqa: D102
    @property
    def simulations(self) -> DraftSimulations: ...  # noqa: D102
    @property
    def keeping(self) -> Keeping: ...  # noqa: D102
    @property
    def event_files(self) -> EventFiles: ...  # noqa: D102
    @property
    def waiting(self) -> Waiting: ...  # noqa: D102
    @property
    def home(self) -> Home: ...  # noqa: D102
    @property
    def accounts(self) -> Accounts: ...  # noqa: D102
    @property
    def holds(self) -> Holds: ...  # noqa: D102
    @property
    def hold_register(self) -> HoldRegister: ...  # noqa: D102
    @property
    def releases(self) -> Releases: ...  # noqa: D102
    @property
    def disposition(self) -> Disposition: ...  # noqa: D102
    @property
    def privacy(self) -> Privacy: ...  # noqa: D102
    @property
    def log(self) -> Log: ...  # noqa: D102
    @property
    def audit(self) -> Audit: ...  # noqa: D102
    @property
    def installation(self) -> Installation: ...  # noqa: D102
    @property
    def tokens(self) -> Tokens: ...  # noqa: D102
    @property
    def sessions(self) -> Sessions: ...  # noqa: D102
    @property
    def people(self) -> People: ...  # noqa: D102
    @property
    def invitations(self) -> Invitations: ...  # noqa: D102
    @property
    def passwords(self) -> Passwords: ...  # noqa: D102
    @property
    def work(self) -> Work: ...  # noqa: D102
    @property
    def imports(self) -> Imports: ...  # noqa: D102
    @property
    def sample(self) -> Sample: ...  # noqa: D102
    @property
    def integrity(self) -> Integrity: ...  # noqa: D102
    @property
    def proofs(self) -> Proofs: ...  # noqa: D102
    @property
    def passkeys(self) -> Passkeys: ...  # noqa: D102
    @property
    def provider(self) -> Provider | None: ...  # noqa: D102
    @property
    def health(self) -> Health: ...  # noqa: D102

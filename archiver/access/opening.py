"""The parts of access that know people, made together: they share a roster and a throttle."""

from dataclasses import dataclass
from datetime import timedelta

from archiver.access.approvals import Approvals
from archiver.access.invitations import Invitations
from archiver.access.passwords import Passwords
from archiver.access.people import People
from archiver.access.roster import Roster, Trail
from archiver.access.sessions import Sessions
from archiver.access.throttle import Throttle
from archiver.clock import Clock
from archiver.config import Settings
from archiver.db.transaction import Database
from archiver.ids import Ulids


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may come in, and how."""

    sessions: Sessions
    throttle: Throttle
    roster: Roster
    people: People
    invitations: Invitations
    passwords: Passwords
    approvals: Approvals


def open_access(
    *, database: Database, clock: Clock, ulids: Ulids, trail: Trail, settings: Settings
) -> Access:
    """Return them over one database."""
    sessions = Sessions(
        database=database,
        clock=clock,
        ulids=ulids,
        trail=trail,
        idle=timedelta(minutes=settings.session_idle_minutes),
        longest=timedelta(hours=settings.session_hours),
    )
    roster = Roster(
        database=database,
        clock=clock,
        ulids=ulids,
        trail=trail,
        sessions=sessions,
        allow_conflicting_roles=settings.allow_conflicting_roles,
    )
    throttle = Throttle()
    return Access(
        sessions=sessions,
        throttle=throttle,
        roster=roster,
        people=People(roster=roster, trail=trail),
        invitations=Invitations(
            database=database,
            clock=clock,
            ulids=ulids,
            trail=trail,
            roster=roster,
            sessions=sessions,
        ),
        passwords=Passwords(
            database=database,
            clock=clock,
            trail=trail,
            roster=roster,
            sessions=sessions,
            throttle=throttle,
        ),
        approvals=Approvals(database=database, clock=clock, ulids=ulids, trail=trail),
    )

"""The use cases of people: who may come in, what waits for them, and the keys of the archive.

`archiver.app` puts them among the others.
"""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archiver import __version__
from archiver.access.approvals import Approvals
from archiver.access.home import Home
from archiver.access.installation import Installation
from archiver.access.invitations import Invitations
from archiver.access.keys import Keys
from archiver.access.opening import open_access
from archiver.access.passkeys import Passkeys
from archiver.access.passwords import Passwords
from archiver.access.people import People
from archiver.access.sessions import Sessions
from archiver.access.sign_in_opening import open_passkeys, open_provider
from archiver.access.tokens import Tokens
from archiver.access.waiting import Waiting
from archiver.background_composition import Background
from archiver.composition import Ground, WritePath
from archiver.config import explain_environment
from archiver.jobs.end_figures import open_end_figures
from archiver.preserve.keyring import KeyringFile

if TYPE_CHECKING:  # it brings a library along that only archives with a provider need
    from archiver.access.provider_sign_in import ProviderSignIn


@dataclass(frozen=True, kw_only=True)
class AccessCases:
    """From a sign-in to what the person finds waiting."""

    sessions: Sessions
    passkeys: Passkeys
    provider: "ProviderSignIn | None"
    passwords: Passwords
    invitations: Invitations
    people: People
    tokens: Tokens
    approvals: Approvals
    home: Home
    waiting: Waiting
    keys: Keys
    installation: Installation


def access_cases(ground: Ground, path: WritePath, background: Background) -> AccessCases:
    """Return the use cases of people; the loop that counts figures for Home is added."""
    settings, database, trail = ground.settings, ground.database, path.trail
    clock, ulids = ground.clock, ground.ulids
    access = open_access(
        database=database, clock=clock, ulids=ulids, trail=trail, settings=settings
    )
    passkeys = open_passkeys(keyring=ground.keyring, database=database, trail=trail, clock=clock)
    ends = open_end_figures(database, clock, background.loops).ends
    return AccessCases(
        sessions=access.sessions,
        passkeys=passkeys,
        provider=open_provider(
            settings,
            keyring=ground.keyring,
            trail=trail,
            clock=clock,
            roster=access.roster,
            passkeys=passkeys,
            sessions=access.sessions,
        ),
        passwords=access.passwords,
        invitations=access.invitations,
        people=access.people,
        tokens=Tokens(
            database=database, clock=clock, ulids=ulids, trail=trail, randomness=os.urandom
        ),
        approvals=access.approvals,
        home=Home(database=database, clock=clock, ends=ends),
        waiting=Waiting(database=database, trail=trail, plan_by_two=settings.two_person_schedule),
        keys=_keys(ground, path, background),
        installation=Installation(
            version=__version__,
            archive=ground.archive,
            explain=lambda: explain_environment(settings),
        ),
    )


def _keys(ground: Ground, path: WritePath, background: Background) -> Keys:
    return Keys(
        file=KeyringFile.of(ground.settings),
        database=ground.database,
        store=ground.store,
        trail=path.trail,
        clock=ground.clock,
        randomness=os.urandom,
        lease=path.lease,
        publish=background.loops.catch_up,
        lock=background.integrator.lasting_lock,
    )

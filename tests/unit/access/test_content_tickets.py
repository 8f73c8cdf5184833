"""Tickets for archived content."""

import os
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.access.content_tickets import LASTS, ContentTickets
from archiver.errors import NotFound
from archiver.model.actor import Actor, Role
from tests.fakes.small_archive import MovingClock

CARLA = Actor(name="carla", roles=frozenset({Role.COUNSEL}), via="web")
RECORD, PART = "01KAM0RECRD000000000000001", "map.png"


def tickets(clock: MovingClock, key: bytes = bytes(32)) -> ContentTickets:
    return ContentTickets(key=key, clock=clock, randomness=os.urandom)


def test_a_ticket_opens_its_part_on_every_server_and_tells_who_it_was_given_to() -> None:
    clock = MovingClock()
    ticket = tickets(clock).give(RECORD, PART, actor=CARLA)

    found = tickets(clock).read(ticket, RECORD, PART)

    assert (found.name, found.via, found.roles) == ("carla", "web", frozenset())
    assert "carla" not in ticket


def test_a_ticket_is_good_for_five_minutes() -> None:
    clock = MovingClock()
    given_out = tickets(clock)
    ticket = given_out.give(RECORD, PART, actor=CARLA)
    clock.pass_by(LASTS - timedelta(milliseconds=1))
    given_out.read(ticket, RECORD, PART)

    clock.pass_by(timedelta(milliseconds=1))
    with pytest.raises(NotFound, match="five minutes"):
        given_out.read(ticket, RECORD, PART)


def test_a_ticket_opens_no_other_part_record_or_archive() -> None:
    clock = MovingClock()
    ticket = tickets(clock).give(RECORD, PART, actor=CARLA)

    for given_out, record_id, part in (
        (tickets(clock), RECORD, "other.png"),
        (tickets(clock), "01KAM0RECRD000000000000002", PART),
        (tickets(clock, key=b"\1" * 32), RECORD, PART),
    ):
        with pytest.raises(NotFound):
            given_out.read(ticket, record_id, part)


@given(st.text(max_size=200), st.integers(0, 150))
def test_what_was_made_up_or_altered_is_no_ticket(text: str, place: int) -> None:
    given_out = tickets(MovingClock())
    ticket = given_out.give(RECORD, PART, actor=CARLA)
    at = place % (len(ticket) - 1)  # the last character has bits that mean nothing
    altered = ticket[:at] + ("A" if ticket[at] != "A" else "B") + ticket[at + 1 :]

    for wrong in (text, ticket[:at], ticket + "A" * 4, altered):
        if wrong.rstrip("=") != ticket:
            with pytest.raises(NotFound):
                given_out.read(wrong, RECORD, PART)

"""Who a command acts as."""

import os
import pwd

import pytest

from archiver.cli.opening import person
from archiver.model.actor import Role


def test_the_actor_is_the_user_of_the_process_whatever_the_environment_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "mallory")

    actor = person()

    assert actor.name == f"cli:{pwd.getpwuid(os.getuid()).pw_name}"
    assert actor.roles == frozenset(Role)
    assert actor.via == "cli"


def test_a_user_without_a_name_is_named_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000)

    assert person().name == "cli:4000000000"

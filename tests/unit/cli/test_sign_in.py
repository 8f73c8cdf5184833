"""Signing in at the command line asks at a terminal, and never shows what is typed."""

import io
import sys

import pytest

from archiver.cli.sign_in import password_of
from archiver.errors import InvalidInput


@pytest.mark.parametrize("piped", [b"", b"secret\n"])
def test_without_a_terminal_a_password_needs_a_file(
    piped: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.open", _no_terminal)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(piped)))

    with pytest.raises(InvalidInput, match="give --password-file"):
        password_of("ann@example.com", None)
    assert password_of("ann@example.com", "-") == piped.decode().rstrip("\n")


def _no_terminal(*_: object) -> int:
    raise OSError("no /dev/tty here")

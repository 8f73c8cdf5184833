"""The guided first run, as a browser without JavaScript goes through it, from nothing to a page."""

import http.cookiejar
import re
import signal
import socket
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.command_line import CommandLine


class Browser:
    """Follows redirects, keeps cookies, sends forms as a page of the host does."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        )

    def get(self, path: str) -> tuple[int, str]:
        """Return status and text of a page."""
        return self._open(urllib.request.Request(self._origin + path))

    def post(self, path: str, **fields: str) -> tuple[int, str]:
        """Return status and text of the page that a form leads to."""
        body = urllib.parse.urlencode(fields).encode()
        return self._open(
            urllib.request.Request(self._origin + path, body, {"Origin": self._origin})
        )

    def _open(self, request: urllib.request.Request) -> tuple[int, str]:
        try:
            with self._opener.open(request, timeout=60) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


class Serving:
    """`muniment serve --set-up` under way."""

    def __init__(self, muniment: CommandLine) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.origin = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            muniment.words("serve", "--set-up", "--port", str(port)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=muniment.environment(),
        )

    def line_with(self, word: str) -> str:
        """Return the first line on stderr that has `word` in it."""
        assert self.process.stderr is not None
        said = []
        for line in self.process.stderr:
            if word in line:
                return line
            said.append(line)
        raise AssertionError("".join(said))


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    running = Serving(CommandLine(tmp_path / "home"))
    yield running
    running.process.send_signal(signal.SIGTERM)
    running.process.communicate(timeout=60)


@pytest.fixture
def browser(serving: Serving) -> Browser:
    """Return a browser that opened the address which the command printed."""
    invitation = serving.line_with("code=").strip()
    opened = Browser(serving.origin)
    assert opened.get("/set-up/store")[0] == 403  # not without the code
    assert opened.get(invitation.removeprefix(serving.origin))[0] == 200
    return opened


def test_each_step_says_what_is_wrong_and_keeps_what_is_right(browser: Browser) -> None:
    status, page = browser.post("/set-up/store", kind="default", zone="Nowhere/Atlantis")
    assert (status, "No time zone is called" in page) == (400, True)
    _, page = browser.post("/set-up/store", kind="file", file_url="file:/proc/nothing", zone="UTC")
    assert "The store cannot be used" in page
    _, page = browser.post("/set-up/store", kind="default", zone="Europe/Berlin", do="test")
    assert "audit-trail alternative" in page
    status, page = browser.post("/set-up/retention", default_class="us-sec-17a4-comms")
    assert (status, "Choose one of the classes taken" in page) == (400, True)
    status, page = browser.post("/set-up/administrator", name="Ada", email="no address")
    assert (status, "expected an e-mail address" in page) == (400, True)
    assert 'value="Ada"' in page


def test_an_archive_is_founded_in_the_browser_and_its_administrator_let_in(
    serving: Serving, browser: Browser, tmp_path: Path
) -> None:
    browser.post("/set-up/store", kind="default", zone="Europe/Berlin")
    taken = {"family-finra": "yes", "default_class": "us-finra-4511-default"}
    browser.post("/set-up/retention", **taken)
    _, page = browser.post("/set-up/administrator", name="Ada", email="ada@example.com")
    assert all(said in page for said in ("Europe/Berlin", "archive, finra", "ada@example.com"))
    status, page = browser.post("/set-up/confirm")
    assert status == 200, page
    welcome = re.search(r'href="(/welcome/[^"]+)"', page)
    assert welcome is not None

    serving.line_with('"serving"')
    status, page = browser.get(welcome[1])
    assert (status, "ada@example.com" in page) == (200, True)
    classes = CommandLine(tmp_path / "home")("class", "list", "--json").json()["items"]
    codes = {each["code"] for each in classes}
    assert {"default", "muniment-audit", "us-finra-4511-default"} <= codes
    assert not any(code.startswith("us-sec") for code in codes)


def test_without_being_asked_to_the_server_founds_nothing(tmp_path: Path) -> None:
    ended = CommandLine(tmp_path / "home")("serve", "--port", "1", expect=2)

    assert "--set-up" in ended.err
    assert not (tmp_path / "home" / "archive.db").exists()

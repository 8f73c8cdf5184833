"""A real OpenID provider of another make (oidc-provider-mock) in a process of its own."""

import importlib.util
import os
import socket
import subprocess
import sys
import time
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import msgspec
import pytest


class OidcProvider:
    """The running provider. `issuer` is where it is, and how it names itself."""

    def __init__(self) -> None:
        if importlib.util.find_spec("oidc_provider_mock") is None:
            pytest.skip("pip install oidc-provider-mock for a provider to sign in with")
        port = _free_port()
        self.issuer = f"http://localhost:{port}"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "oidc_provider_mock", "-H", "localhost", "-p", str(port)],
            env=os.environ | {"AUTHLIB_INSECURE_TRANSPORT": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._until_it_answers()

    def set_user(self, subject: str, **claims: Any) -> None:
        """Have the provider say this of a person; it says whatever it is told to."""
        self._send("PUT", f"/users/{subject}", claims)

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()

    def _until_it_answers(self) -> None:
        while True:
            assert self._process.poll() is None, "the provider ended before it answered"
            try:
                self._send("GET", "/.well-known/openid-configuration")
            except (URLError, ConnectionError):
                time.sleep(0.05)
            else:
                return

    def _send(self, method: str, path: str, document: object = None) -> None:
        body = None if document is None else msgspec.json.encode(document)
        request = Request(
            self.issuer + path,
            data=body,
            method=method,
            headers={"Content-Type": "application/json"},
        )
        with urlopen(request):
            pass


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

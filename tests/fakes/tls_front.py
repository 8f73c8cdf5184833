"""TLS and basic authentication in front of a server that has neither, with an authority of its own.

OpenSearch's own security plugin is not among the jars that the test nodes are made of; what a
client sees of it, a certificate and a password that is asked for, is the same here.
"""

import base64
import http.client
import ssl
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = timedelta(days=1)


class Authority:
    """An authority for certificates, whose files are in `folder`; `file` is its own one (PEM)."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        itself = x509.BasicConstraints(ca=True, path_length=0)
        made = _begun(self._name, self._name, self._key).add_extension(itself, critical=True)
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(_pem(made.sign(self._key, hashes.SHA256())))

    def issued(self, address: str = "127.0.0.1", *, ends: datetime | None = None) -> Path:
        """Return a file with a key and a certificate of an IP address, and until when it lasts."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, address)])
        named = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
        made = _begun(subject, self._name, key, ends).add_extension(named, critical=False)
        file = self._folder / f"{len(list(self._folder.iterdir()))}.pem"
        written = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        file.write_bytes(written + _pem(made.sign(self._key, hashes.SHA256())))
        return file


class TlsFront:
    """A server on loopback that passes on what is asked with the right password; a context manager.

    `upstream` is host:port. `refused` counts the requests that were turned away.
    """

    def __init__(self, upstream: str, certificate: Path, *, user: str, password: str) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.front = self
        # The handshake is each connection's own: one that breaks it off stops no other.
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.upstream = upstream
        self.expected = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self.passed = 0
        self.refused = 0

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.server_port

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    front: TlsFront
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that does not trust the certificate breaks off."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _pass_on(self) -> None:
        front = self.server.front
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Authorization") != front.expected:
            front.refused += 1
            self._answer(401, b"Unauthorized", "text/plain")
            return
        front.passed += 1
        upstream = http.client.HTTPConnection(front.upstream)
        kept = ("Content-Type", "Content-Encoding", "Accept-Encoding")
        headers = {name: self.headers[name] for name in kept if name in self.headers}
        try:
            upstream.request(self.command, self.path, body, headers)
            told = upstream.getresponse()
            kind = told.headers.get("Content-Type", "application/json")
            encoding = told.headers.get("Content-Encoding", "")
            self._answer(told.status, told.read(), kind, encoding)
        finally:
            upstream.close()

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _pass_on  # noqa: N815 - names of http.server

    def _answer(self, status: int, body: bytes, kind: str, encoding: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if encoding:
            self.send_header("Content-Encoding", encoding)
        self.end_headers()
        if self.command != "HEAD":
            with suppress(OSError):
                self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        """Say nothing."""


def _begun(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    ends: datetime | None = None,
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(now, ends or now) - _DAY)
        .not_valid_after(ends or now + _DAY)
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)

"""An RFC 3161 authority over loopback HTTP: the real `openssl ts`, with the faults of real ones."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from aiohttp import web

from archiver.preserve.ledger.timestamps import REPLY_TYPE, request

_CONFIG = """
[tsa]
default_tsa=t
[t]
serial=serial
crypto_device=builtin
signer_cert=tsa.pem
signer_key=tsa.key
signer_digest=sha256
default_policy=1.2.3.4.1
digests=sha256,sha384,sha512
accuracy=secs:1
ordering=yes
tsa_name=yes
ess_cert_id_chain=no
ess_cert_id_alg=sha256
"""
_EXTENSIONS = """
extendedKeyUsage={usage}
keyUsage=critical,digitalSignature
basicConstraints=CA:FALSE
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
"""


EC = ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")
"""How openssl is told to make a key; this one is quick to make."""


class Fault(StrEnum):
    """How an authority fails."""

    DOWN = "closes the connection"
    BUSY = "answers 503"
    SLOW = "answers when it is released"
    REJECTING = "answers that it cannot stamp"
    WRONG_NONCE = "answers with a token for another nonce"
    WRONG_IMPRINT = "answers with a token over another message"
    OTHER_ROOT = "answers with a token whose certificate is not of the configured root"
    GARBAGE = "answers with bytes that are no token"


def openssl(folder: Path, *words: str) -> str:
    """Run openssl in a folder; return what it printed."""
    return subprocess.run(
        ["openssl", *words], cwd=folder, check=True, capture_output=True, text=True
    ).stdout


@dataclass
class Tsa:
    """Keys and certificates of one authority in a folder, and the `openssl ts` that uses them."""

    folder: Path
    key: Sequence[str] = EC
    usage: str = "critical,timeStamping"
    days: int = 3650
    with_chain: bool = False

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        openssl(
            self.folder,
            *("req", "-x509", "-newkey", *EC, "-nodes", "-days", "3650"),
            *("-subj", "/CN=Test TSA CA", "-keyout", "ca.key", "-out", "ca.pem"),
        )
        (self.folder / "serial").write_text("01\n")
        chain = "certs=ca.pem\n" if self.with_chain else ""
        (self.folder / "tsa.cnf").write_text(_CONFIG + chain)
        self.certify()

    def certify(self, *, days: int | None = None) -> None:
        """Make a new key, and a certificate of so many days for it."""
        (self.folder / "ext").write_text(_EXTENSIONS.format(usage=self.usage))
        openssl(
            self.folder,
            *("req", "-newkey", *self.key, "-nodes", "-subj", "/CN=Test TSA"),
            *("-keyout", "tsa.key", "-out", "tsa.csr"),
        )
        openssl(
            self.folder,
            *("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key"),
            *("-CAcreateserial", "-days", str(days or self.days)),
            *("-extfile", "ext", "-out", "tsa.pem"),
        )

    @property
    def root(self) -> bytes:
        return (self.folder / "ca.pem").read_bytes()

    def answer(self, query: bytes) -> bytes:
        """Return what `openssl ts -reply` says to a request."""
        (self.folder / "query").write_bytes(query)
        openssl(
            self.folder,
            *("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-out", "reply"),
        )
        return (self.folder / "reply").read_bytes()

    def stamp(self, message: bytes, nonce: int = 7) -> bytes:
        """Return a response over a message."""
        return self.answer(request(message, nonce))


@dataclass
class TimestampAuthority:
    """A `Tsa` that listens. `fault` may change at any time; `queries` holds what was asked."""

    name: str
    tsa: Tsa
    url: str = ""
    fault: Fault | None = None
    asked: bool = True
    queries: list[bytes] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    _one_by_one: asyncio.Lock = field(default_factory=asyncio.Lock)  # openssl's serial file

    @cached_property
    def _other(self) -> Tsa:
        return Tsa(self.tsa.folder / "other")

    async def reply(self, asked: web.Request) -> web.StreamResponse:
        """Answer one request as the fault wants it."""
        query = await asked.read()
        self.queries.append(query)
        if self.fault is Fault.DOWN:
            assert asked.transport is not None
            asked.transport.abort()
        if self.fault is Fault.BUSY:
            return web.Response(status=503)
        if self.fault is Fault.SLOW:
            await self.released.wait()
        async with self._one_by_one:
            body = await asyncio.to_thread(self._body, query)
        return web.Response(body=body, content_type=REPLY_TYPE)

    def _body(self, query: bytes) -> bytes:
        match self.fault:
            case Fault.REJECTING:
                return self.tsa.answer(b"no query")
            case Fault.WRONG_NONCE:
                assert query.endswith(b"\x01\x01\xff")  # the nonce ends before certReq
                return self.tsa.answer(query[:-4] + bytes([query[-4] ^ 1]) + query[-3:])
            case Fault.WRONG_IMPRINT:
                return self.tsa.stamp(b"another message")
            case Fault.OTHER_ROOT:
                return self._other.answer(query)
            case Fault.GARBAGE:
                return b"<html>please sign in</html>"
            case _:
                return self.tsa.answer(query)


@asynccontextmanager
async def listening(folder: Path, name: str) -> AsyncIterator[TimestampAuthority]:
    """An authority that listens on a port of its own until the end."""
    here = TimestampAuthority(name, Tsa(folder / name))
    app = web.Application()
    app.router.add_post("/tsr", here.reply)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port, *_ = runner.addresses[0]
    here.url = f"http://{host}:{port}/tsr"
    try:
        yield here
    finally:
        here.released.set()
        await runner.cleanup()


def write_authorities(path: Path, authorities: Sequence[TimestampAuthority]) -> Path:
    """Write the TOML file that names the authorities, and their roots beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tables = []
    for each in authorities:
        (path.parent / f"{each.name}.pem").write_bytes(each.tsa.root)
        tables.append(
            f'[[authority]]\nname = "{each.name}"\nurl = "{each.url}"\nroots = "{each.name}.pem"\n'
            f"asked = {str(each.asked).lower()}\n"
        )
    path.write_text("\n".join(tables))
    return path


def openssl_verifies(tsa: Tsa, response: bytes, message: bytes, at: int) -> str:
    """Return what `openssl ts -verify` says of a response, at a moment in Unix seconds."""
    (tsa.folder / "kept.tsr").write_bytes(response)
    (tsa.folder / "message").write_bytes(message)
    return openssl(
        tsa.folder,
        *("ts", "-verify", "-in", "kept.tsr", "-data", "message"),
        *("-CAfile", "ca.pem", "-attime", str(at)),
    )

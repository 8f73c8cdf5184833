"""An archive with evidence to give: posts, a real timestamp authority; and bundles made anew."""

import io
import zipfile
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archiver.app import Services, open_services
from archiver.assurance.evidence.choosing import Wanted
from archiver.assurance.evidence.container import BundleWriter
from archiver.assurance.evidence.exporting import Exported
from archiver.assurance.evidence_verifier import MANIFEST, SEAL, Verification
from archiver.config import Settings
from archiver.model.actor import Actor, Role
from archiver.preserve.keyring import Keyring, open_keyring
from archiver.preserve.ledger.note import Ed25519Signer
from archiver.preserve.object_keys import checkpoint_object, timestamp_object, trust_object
from tests.fakes.archive import AGENT, an_arrival, publish
from tests.fakes.timestamp_authority import Tsa

COUNSEL = Actor(name="carla", roles=frozenset({Role.COUNSEL}))
EVERYBODY = Actor(name="cli:root", roles=frozenset(Role), via="cli")


@dataclass(frozen=True, slots=True, kw_only=True)
class Courtroom:
    """An open archive of a few posts, the authority that stamps it, and where bundles go."""

    services: Services
    tsa: Tsa
    folder: Path
    records: tuple[str, ...]

    async def stamp(self) -> int:
        """Publish, let the authority stamp the checkpoint, and return its size."""
        size = (await publish(self.services)).size
        archive, store = self.services.archive.id, self.services.store
        note = await store.get(checkpoint_object(archive, size))
        await store.put(timestamp_object(archive, size, "test-tsa"), self.tsa.stamp(note))
        await store.put(trust_object(archive, "tsa-roots.pem"), self.tsa.root)
        return size

    async def export(
        self, *record_ids: str, name: str = "bundle.zip", actor: Actor = EVERYBODY, **wanted: Any
    ) -> Exported:
        """Make a bundle of these records."""
        asked = Wanted(record_ids=record_ids, **wanted)
        return await self.services.evidence.export(asked, self.folder / name, actor=actor)


@asynccontextmanager
async def courtroom(
    settings: Settings, folder: Path, *, posts: int = 3
) -> AsyncIterator[Courtroom]:
    """An archive whose first posts are stamped; one has a film over the inline limit."""
    tsa = Tsa(folder / "tsa")
    async with open_services(settings) as services:
        arrivals = [an_arrival(b'{"n": %d}' % n) for n in range(posts - 1)]
        arrivals.append(an_arrival(b'{"film": 1}', media=(b"film" * 90_000,)))
        outcomes = await services.ingest.submit(arrivals, actor=AGENT)
        records = tuple(outcome.record_id for outcome in outcomes)
        room = Courtroom(services=services, tsa=tsa, folder=folder, records=records)
        await services.records.show(records[0], actor=COUNSEL)
        await room.stamp()
        await services.records.raw(records[0], actor=COUNSEL)
        await publish(services)
        yield room


def keyring_of(settings: Settings) -> Keyring:
    """The keyring of an archive."""
    return open_keyring(
        settings.effective_keyring_file, settings.keyring_secret_file, passphrase=False
    )


def members_of(bundle: bytes) -> dict[str, bytes]:
    """The files of a bundle, as any zip tool reads them."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as opened:
        assert opened.testzip() is None
        return {name: opened.read(name) for name in opened.namelist()}


def resealed(
    members: Mapping[str, bytes], signer: Ed25519Signer, origin: str, log_size: int
) -> bytes:
    """A bundle of these files, in this order, whole and sealed by `signer`: what a forger makes."""
    file = io.BytesIO()
    with BundleWriter(file) as bundle:
        for name, content in members.items():
            if name not in {MANIFEST, SEAL}:
                bundle.add(name, content)
        bundle.seal(origin, log_size, [signer])
    return file.getvalue()


def verify(
    bundle: bytes, *, policy: str | None = None, roots: bytes | None = None
) -> dict[str, Any]:
    """The report on a bundle in memory."""
    return Verification(io.BytesIO(bundle), policy, roots).run()


def failed(report: Mapping[str, Any]) -> set[str]:
    """The ids of the checks that failed."""
    return {check["id"] for check in report["checks"] if check["state"] == "FAILED"}


def said(report: Mapping[str, Any], check_id: str) -> Iterable[str]:
    """What a check says against the bundle."""
    (check,) = (check for check in report["checks"] if check["id"] == check_id)
    failures: list[str] = check["failures"]
    return failures

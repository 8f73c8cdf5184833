"""What must hold of destroyed posts after any fault (I8 of `invariants`)."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archiver.app import Services
from archiver.assurance.certificate_verifier import verify_certificate
from archiver.db import ledger as ledger_rows
from archiver.db.disposed import find_remains
from archiver.preserve.ledger.checkpoint import Checkpoint
from archiver.preserve.ledger.disposal_entry import DisposalEntry
from archiver.preserve.ledger.entry import decode_entry
from tests.fakes.archive import stored_posts
from tests.fakes.disposal_people import RITA


async def require_destroyed(
    services: Services, posts: Mapping[str, dict[str, Any]], head: Checkpoint
) -> None:
    """Check that nothing is left of `posts`, by name, but what explains that they are gone."""
    certificates = await services.disposition.certificates.list(actor=RITA)
    assert len(certificates) == bool(posts), "I8: one certificate for one batch"
    if not posts:
        return
    gone = {said["index"]: said["id"] for said in posts.values()}
    left = {row.id for row in await stored_posts(services)} & set(gone.values())
    assert not left, f"I8: rows of destroyed records: {left}"
    await _require_explained(services, gone, head)
    shown = await services.disposition.certificates.show(certificates[0].row.id, actor=RITA)
    _require_certified(services.settings.home / "certificate.json", shown.row.body, gone)
    require_no_byte(services.settings.home, *(name.encode() for name in posts))


async def _require_explained(services: Services, gone: Mapping[int, str], head: Checkpoint) -> None:
    async with services.database.reading() as tx:
        remains = {each: await find_remains(tx, each) for each in gone.values()}
        entries = [decode_entry(data) for data in await ledger_rows.entries(tx, 0, head.size)]
    for index, record_id in gone.items():
        left = remains[record_id]
        assert left is not None, f"I8: nobody knows that {record_id} was destroyed"
        assert left.dis_index < head.size, f"I8: what lets {record_id} go is not published"
        entry = entries[left.dis_index]
        assert isinstance(entry, DisposalEntry), f"I8: no entry lets {record_id} go"
        assert index in entry.indexes, f"I8: another entry lets {record_id} go"


def _require_certified(path: Path, body: str, gone: Mapping[int, str]) -> None:
    path.write_text(body, encoding="utf-8")
    report = verify_certificate(path)
    assert report["ok"], f"I8: {json.dumps(report)}"
    assert sorted(report["records"]) == sorted(gone.values()), "I8: the certificate names others"


def require_no_byte(folder: Path, *canaries: bytes) -> None:
    """Look for these words in every file under `folder`."""
    found = [
        f"{canary!r} in {path.relative_to(folder)}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for canary in canaries
        if canary in path.read_bytes()
    ]
    assert not found, f"I8: {found}"

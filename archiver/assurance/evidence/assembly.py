"""Putting a bundle together: which file comes when. The order is fixed; calls block.

First what says how to read it, then what of the log, then the records in log order, then what is
made of all of them, and last the list of hashes and its seal.
"""

from collections.abc import Sequence
from dataclasses import replace
from importlib import resources
from typing import BinaryIO, Self

from archiver.assurance.evidence.container import BundleWriter, spool
from archiver.assurance.evidence.documents import (
    About,
    describe_bundle,
    render,
    render_record,
    timestamp_list,
)
from archiver.assurance.evidence.ledger_files import LedgerFiles
from archiver.assurance.evidence.record_files import (
    Gathered,
    RecordFacts,
    RecordFiles,
    facts_of,
    json_bytes,
)
from archiver.preserve.ledger.note import Signer

_CERTIFICATES = {
    "certificate-902-13": "Certificate under FRE 902(13)",
    "certificate-902-14": "Certificate under FRE 902(14)",
}


class Assembly:
    """Writes one bundle: `begin`, `add` as often as there are records, `finish`."""

    def __init__(
        self, file: BinaryIO, about: About, ledger: LedgerFiles, records: RecordFiles
    ) -> None:
        self._bundle = BundleWriter(file)
        self._about = about
        self._ledger = ledger
        self._records = records
        self._rows = spool()
        self._schedule = spool()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for file in (self._bundle, self._rows, self._schedule):
            file.__exit__(None, None, None)

    @property
    def sha256(self) -> str:
        """SHA-256 of the bundle so far, in hexadecimal."""
        return self._bundle.sha256

    @property
    def size(self) -> int:
        """Bytes of the bundle so far."""
        return self._bundle.size

    def begin(self) -> None:
        """Write what does not depend on the content of records. Raises IntegrityError."""
        about, bundle, ledger = self._about, self._bundle, self._ledger
        bundle.add("README.txt", render("README.txt", about=about))
        bundle.add("bundle.json", json_bytes(describe_bundle(about)))
        bundle.add("evidence_verifier.py", _verifier_source())
        bundle.add("policy.txt", ledger.policy.to_text().encode())
        bundle.add("tsa-roots.pem", ledger.roots)
        sizes = about.selection.checkpoints()
        for size in sizes:
            note, cosignatures = ledger.note(size)
            bundle.add(f"checkpoints/{size:012d}", note)
            if cosignatures:
                bundle.add(f"cosignatures/{size:012d}", cosignatures)
        for size in sizes[:-1]:
            proof = ledger.consistency(size, sizes[-1])
            name = f"consistency/{size:012d}-{sizes[-1]:012d}.json"
            bundle.add(name, json_bytes(proof.to_dict()))
        for token in about.tokens:
            bundle.add(f"tsr/{token.size:012d}/{token.authority}.tsr", token.response)
        bundle.add("timestamps.txt", timestamp_list(about.tokens))
        self._rows.write(render("page.html", about=about))

    def add(self, records: Sequence[Gathered]) -> None:
        """Write records, in log order. Raises IntegrityError, NotFound, TooLarge."""
        for record in records:
            self._add(record)

    def finish(self, signers: Sequence[Signer]) -> None:
        """Write what is made of all records, and the seal."""
        about = self._about
        self._rows.write(render("page_end.html"))
        self._bundle.add_spooled("schedule-a.txt", self._schedule)
        for name, title in _CERTIFICATES.items():
            text = render(f"{name}.txt", about=about)
            self._bundle.add(f"{name}.txt", text)
            page = render("certificate.html", title=title, text=text.decode())
            self._bundle.add(f"{name}.html", page)
        self._bundle.add_spooled("page.html", self._rows)
        self._bundle.seal(about.archive.origin, about.selection.head, signers)

    def _add(self, record: Gathered) -> None:
        folder = f"records/{record.stored.row.id}"
        opened = self._records.open(record)
        for name, content in self._records.files(record, opened):
            self._bundle.add(f"{folder}/{name}", content)
        facts = facts_of(record, opened.manifest, None)
        if record.events is not None:
            facts = self._add_trail(record, folder, facts)
        about = self._about
        self._bundle.add(f"{folder}/page.html", render_record("record.html", about, facts))
        self._rows.write(render_record("page_row.html", about, facts))
        self._schedule.write(render_record("schedule-a.txt", about, facts))

    def _add_trail(self, record: Gathered, folder: str, facts: RecordFacts) -> RecordFacts:
        events = []
        with spool() as lines:
            for event, line in self._records.events(record):
                events.append(event)
                lines.write(line)
            self._bundle.add_spooled(f"{folder}/events.jsonl", lines)
        return replace(facts, events=tuple(events))


def _verifier_source() -> bytes:
    return (resources.files("archiver.assurance") / "evidence_verifier.py").read_bytes()

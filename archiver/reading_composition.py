"""The use cases that read an archive and prove it, made of its parts.

`archiver.app` puts them among the others.
"""

import os
from dataclasses import dataclass

from archiver.access.content_tickets import PURPOSE as CONTENT_TICKETS
from archiver.access.content_tickets import ContentTickets
from archiver.access.derived_keys import derive
from archiver.access.records import Records
from archiver.assurance.attestations import Attestations
from archiver.assurance.audit_export import AuditExport
from archiver.assurance.audit_view import AuditView
from archiver.assurance.evidence.exporting import Evidence
from archiver.assurance.integrity_view import IntegrityView
from archiver.assurance.log_view import LogView
from archiver.assurance.proof_bundle import ProofBundles
from archiver.background_composition import Background
from archiver.composition import SOFTWARE, Ground, Views, WritePath
from archiver.disposal.filing import Filing
from archiver.jobs.integrity_signals import signals_of
from archiver.jobs.verifying import Verifying


@dataclass(frozen=True, kw_only=True)
class ReadingCases:
    """From a record to the proof that it is what was captured."""

    records: Records
    filing: Filing
    audit: AuditView
    audit_export: AuditExport
    log: LogView
    integrity: IntegrityView
    proofs: ProofBundles
    evidence: Evidence
    verifying: Verifying


def reading_cases(
    ground: Ground, path: WritePath, views: Views, background: Background
) -> ReadingCases:
    """Return the use cases of reading and proving."""
    archive, database, trail, clock = ground.archive, ground.database, path.trail, ground.clock
    filing = Filing(database=database, trail=trail, clock=clock)
    log = LogView(archive=archive, database=database, store=background.reads)
    integrity = _integrity(ground, views, background)
    return ReadingCases(
        records=_records(ground, path, background, filing),
        filing=filing,
        audit=AuditView(database=database, reader=path.reader, trail=trail, clock=clock),
        audit_export=_audit_export(ground, path, background),
        log=log,
        integrity=integrity,
        proofs=ProofBundles(
            archive=archive,
            store=background.reads,
            log=log,
            integrity=integrity,
            policy=background.witnessing.policy,
            clock=clock,
        ),
        evidence=_evidence(ground, path, background),
        verifying=Verifying(
            settings=ground.settings, archive=archive, database=database, trail=trail
        ),
    )


def _records(ground: Ground, path: WritePath, background: Background, filing: Filing) -> Records:
    attestations = Attestations(
        archive_id=ground.archive.id,
        stamps=background.timestamping.view,
        policy=background.witnessing.policy,
        store=background.reads,
    )
    return Records(
        archive=ground.archive,
        verifiers=ground.keyring.verifiers,
        database=ground.database,
        store=background.reads,
        reader=path.reader,
        trail=path.trail,
        explain=filing.explain,
        attest=attestations.over,
        tickets=ContentTickets(
            key=derive(ground.keyring, CONTENT_TICKETS), clock=ground.clock, randomness=os.urandom
        ),
    )


def _audit_export(ground: Ground, path: WritePath, background: Background) -> AuditExport:
    return AuditExport(
        archive=ground.archive,
        verifiers=ground.keyring.verifiers,
        database=ground.database,
        store=background.reads,
        reader=path.reader,
        trail=path.trail,
        clock=ground.clock,
    )


def _integrity(ground: Ground, views: Views, background: Background) -> IntegrityView:
    signals = signals_of(
        settings=ground.settings,
        loops=background.loops,
        database=ground.database,
        index=views.index,
        comparison=background.comparison,
        timestamping=background.timestamping,
        witnessing=background.witnessing,
        worm=background.worm,
        second=background.second,
    )
    return IntegrityView(database=ground.database, clock=ground.clock, signals=signals)


def _evidence(ground: Ground, path: WritePath, background: Background) -> Evidence:
    return Evidence(
        archive=ground.archive,
        database=ground.database,
        store=ground.store,
        reader=path.reader,
        signers=ground.keyring.signers,
        policy=background.witnessing.policy,
        trail=path.trail,
        software=SOFTWARE,
    )

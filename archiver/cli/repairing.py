"""`muniment verify --full --repair`: what is damaged is put right from the second copy."""

import asyncio
from collections.abc import Awaitable, Callable

from archiver.app import Services
from archiver.assurance.repair import Outcome, Repaired, damaged_objects, in_order, lost_from_log
from archiver.assurance.report import Report
from archiver.cli.opening import Opened
from archiver.cli.output import Document, Output, counted
from archiver.errors import ConfigurationError
from archiver.jobs.second_store import SecondStore


async def repair_and_verify_again(
    opened: Opened, report: Report, again: Callable[[], Awaitable[Report]]
) -> tuple[Report, Document]:
    """Repair what `report` names; return the report of another verification, and what was done.

    Raises:
        ConfigurationError: there is no second store.
        OperatorError: a store or the database did not answer; run it again.
    """
    second = second_of(opened.services)
    outcomes = await _repair(opened, second, report)
    repaired = [one for one in outcomes if isinstance(one, Repaired)]
    for one in repaired:
        second.copies.repaired(one.object_key)
    if repaired and len(repaired) == len(outcomes):
        await opened.services.loops.catch_up()  # so that the repairs are signed, too
    return await again() if outcomes else report, _document(outcomes)


def second_of(services: Services) -> SecondStore:
    """Return the archive's second store. Raises ConfigurationError: it has none."""
    if services.second is None:
        raise ConfigurationError(
            "there is no second copy: no setting names a second store; set "
            "MUNIMENT_SECOND_STORE_URL"
        )
    return services.second


async def _repair(opened: Opened, second: SecondStore, report: Report) -> list[Outcome]:
    archive_id = opened.services.archive.id
    first, copy = second.copies.primary, await asyncio.to_thread(second.copies.second)
    lost = await asyncio.to_thread(lost_from_log, first, copy, archive_id)
    keys = in_order([*damaged_objects(report, archive_id), *lost])
    with opened.output.progress("Repairing") as show:
        return await second.repairs.repair(
            keys, damaged=first, good=copy, actor=opened.actor, progress=show
        )


def _document(outcomes: list[Outcome]) -> Document:
    return {
        "repaired": [
            {"object": one.object_key, "sha256": one.sha256.hex()}
            for one in outcomes
            if isinstance(one, Repaired)
        ],
        "not_repaired": [
            {"object": one.object_key, "why": one.why}
            for one in outcomes
            if not isinstance(one, Repaired)
        ],
    }


def say_repairs(output: Output, document: Document) -> None:
    """Say what was repaired and what was not."""
    for one in document["repaired"]:
        output.line(f"repaired  {one['object']}")
    for one in document["not_repaired"]:
        output.line(f"NOT REPAIRED  {one['object']}: {one['why']}")
    output.line(
        f"{counted(len(document['repaired']), 'object')} repaired, "
        f"{len(document['not_repaired'])} not; what follows is the verification after that"
    )

"""Simulations: what another schedule, or other class rules, would do to every record."""

from aiohttp import web

from archiver.access.rules import Permission
from archiver.disposal.draft_views import definition_of
from archiver.disposal.simulation import Subject
from archiver.disposal.simulation_result import Category, Selection
from archiver.errors import InvalidInput
from archiver.web.answering import json_answer
from archiver.web.reading import actor_of, read_document, services_of
from archiver.web.retention_documents import (
    Simulated,
    SimulatedRecords,
    SimulatedSelection,
    SimulationDocument,
)
from archiver.web.routing import Body, route
from retention.errors import DefinitionError
from retention.rules import RuleSet
from retention.schedules import Schedule


@route(
    "POST",
    "/api/v1/simulations",
    permission=Permission.READ_FILE_PLAN,
    summary="Simulate a draft, a schedule or class rules over the whole archive",
    takes=(Body(model=Simulated),),
    answers={200: Body(model=SimulationDocument)},
)
async def simulate(request: web.Request) -> web.StreamResponse:
    """Answer a simulation; a million records take seconds."""
    subject = await _subject(request, await read_document(request, Simulated))
    result = await services_of(request).keeping.simulation.run(subject, actor=actor_of(request))
    return json_answer(result.to_dict())


@route(
    "POST",
    "/api/v1/simulations/records",
    permission=Permission.READ_FILE_PLAN,
    summary="List the records behind a number of a simulation",
    takes=(Body(model=SimulatedSelection),),
    answers={200: Body(model=SimulatedRecords)},
)
async def list_records(request: web.Request) -> web.StreamResponse:
    """Answer a page of records."""
    asked = await read_document(request, SimulatedSelection)
    if asked.category not in list(Category):
        raise InvalidInput(
            f"expected a category of {', '.join(Category)}, found {asked.category[:80]!r}",
            pointer="/category",
        )
    found = await services_of(request).keeping.simulation.records(
        await _subject(request, asked),
        Selection(
            category=Category(asked.category),
            year=asked.year,
            platform=asked.platform,
            account=asked.account,
            class_code=asked.class_code,
        ),
        after=asked.after,
        limit=asked.limit,
        actor=actor_of(request),
    )
    return json_answer({"items": [each.to_dict() for each in found]})


async def _subject(request: web.Request, asked: Simulated) -> Subject:
    if bool(asked.draft) == (asked.body is not None):
        raise InvalidInput("expected either a draft or a body", pointer="/draft")
    if asked.body is None:
        drafts = services_of(request).plan.drafts
        return definition_of((await drafts.show(asked.draft, actor=actor_of(request))).row)
    try:
        if "default_class" in asked.body:
            return RuleSet.from_dict(asked.body)
        return Schedule.from_dict(asked.body)
    except DefinitionError as error:
        raise InvalidInput(str(error), pointer="/body") from error


ROUTES = (simulate, list_records)

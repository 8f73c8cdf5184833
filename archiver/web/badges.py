"""Counts of waiting work beside entries of the navigation, for whoever asks for a page."""

from collections.abc import Mapping

from aiohttp import web

from archiver.web.keys import ACTOR, SERVICES

APPROVALS = "approvals"
"""The entry of the navigation that tells how many decisions wait for who looks."""


async def badges_of(request: web.Request) -> Mapping[str, int]:
    """Return the counts of one page: one statement for who may approve anything, else none."""
    actor = request.get(ACTOR)
    if actor is None:
        return {}
    return {APPROVALS: await request.app[SERVICES].waiting.count(actor=actor)}

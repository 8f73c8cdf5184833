"""The OpenAPI 3.1 description, generated from the route registry and the documents' models."""

import sys
from collections.abc import Iterable, Mapping
from functools import cache

from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from archiver.access.rules import Permission
from archiver.web.documents import ProblemDocument
from archiver.web.routing import Access, Body, Parameter, Route
from archiver.web.services import Json

_REF = "#/components/schemas/{model}"

References = Mapping[type[BaseModel], Json]


def describe(routes: Iterable[Route], version: str) -> Json:
    """Return the OpenAPI document of the API routes (pages are not described)."""
    shown = [route for route in routes if not route.is_page]
    references, schemas = _schemas(_models(shown))
    paths: dict[str, Json] = {}
    for route in shown:
        operation = _operation(route, references)
        paths.setdefault(route.template, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Muniment",
            "version": version,
            "summary": "The archive of what a business said in public",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "tags": [
            {"name": name, "description": what} for name, what in sorted(_tags(shown).items())
        ],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API token, `mun_` and 43 characters",
                }
            },
        },
    }


def _operation(route: Route, references: References) -> Json:
    public = route.permission is Access.PUBLIC
    operation: Json = {
        "summary": route.summary,
        "operationId": f"{route.handler.__module__.rpartition('.')[2]}.{route.handler.__name__}",
        "tags": [route.handler.__module__.rpartition(".")[2]],
        "security": [] if public else [{"token": []}],
        "parameters": [
            *(
                _parameter(Parameter(name=name, what="", type="string"), "path")
                for name in route.variables
            ),
            *(_parameter(each, each.place) for each in route.parameters),
        ],
        "responses": {
            **{
                str(status): _response(body, references)
                for status, body in sorted({**_problems(route), **route.answers}.items())
            },
            "default": _response(_problem("A problem"), references),
        },
    }
    if not public:
        operation["x-permission"] = str(route.permission)
    if route.takes:
        operation["requestBody"] = {
            "required": True,
            "content": {
                body.media_type: {"schema": _schema(body, references)} for body in route.takes
            },
        }
    return operation


def _tags(routes: Iterable[Route]) -> dict[str, str]:
    """Return each tag, a module of handlers, with the first line of what the module says it is."""
    modules = {route.handler.__module__ for route in routes}
    return {
        name.rpartition(".")[2]: (sys.modules[name].__doc__ or "").partition("\n")[0]
        for name in modules
    }


def _problems(route: Route) -> dict[int, Body]:
    """Return the problems that follow from what a route declares."""
    found = {}
    if route.takes or route.parameters:
        found[400] = _problem("The request is malformed or out of limits")
    if route.permission is not Access.PUBLIC:
        found[401] = _problem("No valid token was sent")
    if isinstance(route.permission, Permission):
        found[403] = _problem(f"The token may not {route.permission.replace('-', ' ')}")
    if route.variables:
        found[404] = _problem("There is no such object, or it is not yours to see")
    if route.takes:
        found[413] = _problem("The body is too large")
        found[415] = _problem("The body is of another media type")
    return found


def _problem(what: str) -> Body:
    return Body(media_type="application/problem+json", model=ProblemDocument, what=what)


def _parameter(parameter: Parameter, place: str) -> Json:
    return {
        "name": parameter.name,
        "in": place,
        "required": place == "path" or parameter.required,
        "description": parameter.what,
        "schema": {"type": parameter.type},
    }


def _response(body: Body, references: References) -> Json:
    what = body.what or (body.model.__doc__ or "").strip() if body.model else body.what
    return {
        "description": what or "The answer",
        "content": {body.media_type: {"schema": _schema(body, references)}},
    }


def _schema(body: Body, references: References) -> Json:
    if body.model is not None:
        return dict(references[body.model])
    if body.media_type == "application/json":
        return {"type": "object"}
    # Of bytes that may be of any type there is nothing to say, not even that they are no JSON.
    return {} if body.media_type == "*/*" else {"type": "string"}


def _models(routes: Iterable[Route]) -> tuple[type[BaseModel], ...]:
    """Return every model that is spoken of, by name."""
    bodies = (body for route in routes for body in (*route.takes, *route.answers.values()))
    models = {model for body in bodies if (model := body.model) is not None} | {ProblemDocument}
    return tuple(sorted(models, key=lambda model: (model.__name__, model.__module__)))


@cache
def _schemas(models: tuple[type[BaseModel], ...]) -> tuple[References, Json]:
    """Return how each model is referred to, and the schemas by name: made once, to be read only.

    Two models of one name get longer ones from pydantic: a reference is never made from a name.
    """
    found, definitions = models_json_schema(
        [(model, "validation") for model in models], ref_template=_REF
    )
    references = {model: found[model, "validation"] for model in models}
    return references, definitions["$defs"]


OPENAPI: web.AppKey[Json] = web.AppKey("openapi")

"""The reference of the API as a page can show it, read from the OpenAPI document.

From the document and not from the routes: what programs are told and what people read is one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_REF = "#/components/schemas/"
_LONGEST_EXAMPLE = 12  # fields of an example body


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of a body, or a parameter. `of` is the schema its type names, to be linked to."""

    name: str
    type: str
    of: str
    required: bool
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A body or an answer in one media type; `status` is empty of a body."""

    status: str
    media_type: str
    schema: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method on one path."""

    id: str
    method: str
    path: str
    summary: str
    permission: str
    parameters: tuple[tuple[str, Field], ...]
    bodies: tuple[Content, ...]
    answers: tuple[Content, ...]
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """The operations of one resource."""

    name: str
    what: str
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """A document of the API."""

    name: str
    what: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The whole API."""

    version: str
    resources: tuple[Resource, ...]
    schemas: tuple[Schema, ...]


def reference_of(document: Mapping[str, Any]) -> Reference:
    """Return the reference of an OpenAPI document as `archiver.web.openapi.describe` makes it."""
    schemas = document["components"]["schemas"]
    found: dict[str, list[Operation]] = {}
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            found.setdefault(told["tags"][0], []).append(_operation(method, path, told, schemas))
    whats = {tag["name"]: tag["description"] for tag in document.get("tags", ())}
    return Reference(
        version=document["info"]["version"],
        resources=tuple(
            Resource(name=name, what=whats.get(name, ""), operations=tuple(operations))
            for name, operations in found.items()
        ),
        schemas=tuple(_schema(name, schemas[name]) for name in sorted(schemas)),
    )


def _operation(
    method: str, path: str, told: Mapping[str, Any], schemas: Mapping[str, Any]
) -> Operation:
    answers = [
        content
        for status, answer in told["responses"].items()
        for content in _contents(answer, status)
    ]
    return Operation(
        id=told["operationId"],
        method=method.upper(),
        path=path,
        summary=told["summary"],
        permission=_permission(told),
        parameters=tuple((each["in"], _parameter(each)) for each in told["parameters"]),
        bodies=tuple(_contents(told.get("requestBody", {}), "")),
        answers=tuple(answers),
        example=_example(method, path, told, schemas),
    )


def _permission(told: Mapping[str, Any]) -> str:
    if not told["security"]:
        return "public"
    return str(told["x-permission"])


def _parameter(told: Mapping[str, Any]) -> Field:
    return Field(
        name=told["name"],
        type=told["schema"]["type"],
        of="",
        required=told["required"],
        what=told["description"],
    )


def _contents(told: Mapping[str, Any], status: str) -> list[Content]:
    what = str(told.get("description", ""))
    return [
        Content(
            status=status,
            media_type=media_type,
            schema=content["schema"].get("$ref", "").removeprefix(_REF),
            what=what,
        )
        for media_type, content in told.get("content", {}).items()
    ]


def _schema(name: str, told: Mapping[str, Any]) -> Schema:
    required = told.get("required", ())
    fields = [
        Field(
            name=field,
            type=type_in_words(each),
            of=_named(each),
            required=field in required,
            what=_limits(each),
        )
        for field, each in told.get("properties", {}).items()
    ]
    what = str(told.get("description", "")) or type_in_words(told)
    return Schema(name=name, what=what, fields=tuple(fields))


def type_in_words(told: Mapping[str, Any]) -> str:
    """Return a JSON schema's type in a few words: `list of string`, `one of "a", "b"`."""
    if "$ref" in told:
        return str(told["$ref"]).removeprefix(_REF)
    if "const" in told or "enum" in told:
        values = told.get("enum", [told.get("const")])
        return ("one of " if len(values) > 1 else "") + ", ".join(map(json.dumps, values))
    if "anyOf" in told:
        return " or ".join(map(type_in_words, told["anyOf"]))
    kind = str(told.get("type", "any value"))
    if kind == "array":
        return f"list of {type_in_words(told['items'])}" if told.get("items") else "list"
    return f"{kind} ({told['format']})" if told.get("format") else kind


def _named(told: Mapping[str, Any]) -> str:
    """Return the schema that a type refers to, itself or in a list; empty if none."""
    for each in (told, told.get("items") or {}, *told.get("anyOf", ())):
        if "$ref" in each:
            return str(each["$ref"]).removeprefix(_REF)
    return ""


def _limits(told: Mapping[str, Any]) -> str:
    words = (
        ("minLength", "at least {} characters"),
        ("maxLength", "at most {:,} characters"),
        ("minItems", "at least {}"),
        ("maxItems", "at most {:,}"),
        ("exclusiveMinimum", "above {}"),
        ("minimum", "from {}"),
        ("maximum", "up to {}"),
    )
    limits = [text.format(told[name]) for name, text in words if name in told]
    default = told.get("default")
    if default is not None and not isinstance(default, list | dict) and default != "":
        limits.append(f"default {json.dumps(default)}")
    return ", ".join([*([told["description"]] if "description" in told else []), *limits])


def _example(method: str, path: str, told: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    asked = "&".join(
        f"{each['name']}=…"
        for each in told["parameters"]
        if each["in"] == "query" and each["required"]
    )
    lines = [f'curl "$MUNIMENT{path}{"?" + asked if asked else ""}"']
    if method != "get":
        lines[0] = lines[0].replace("curl", f"curl -X {method.upper()}", 1)
    if told["security"]:
        lines.append('-H "Authorization: Bearer $TOKEN"')
    for media_type, content in told.get("requestBody", {}).get("content", {}).items():
        lines += [f"-H 'Content-Type: {media_type}'", _example_body(content["schema"], schemas)]
        break
    return " \\\n  ".join(lines)


def _example_body(told: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    name = str(told.get("$ref", "")).removeprefix(_REF)
    if not name:
        return "--data-binary @FILE"
    schema = schemas[name]
    fields = schema.get("properties", {})
    wanted = list(schema.get("required", ())) or list(fields)[:_LONGEST_EXAMPLE]
    body = {field: _example_value(fields[field], schemas) for field in wanted}
    return f"-d '{json.dumps(body, ensure_ascii=False)}'"


def _example_value(told: Mapping[str, Any], schemas: Mapping[str, Any]) -> object:
    if "$ref" in told:
        return _example_value(schemas[str(told["$ref"]).removeprefix(_REF)], schemas)
    if "const" in told or "enum" in told:
        return told.get("const", told.get("enum", [None])[0])
    if "anyOf" in told:
        return _example_value(told["anyOf"][0], schemas)
    if told.get("type") == "array":
        return [_example_value(told.get("items") or {}, schemas)]
    examples: Mapping[str, object] = {"integer": 1, "number": 1, "boolean": True, "object": {}}
    return examples.get(str(told.get("type")), "…")

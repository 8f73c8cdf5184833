"""One gate for destruction: nothing else deletes a stored object or the row of a record."""

import ast
from collections.abc import Iterator

from archiver.web.routes import ROUTES
from tests.architecture.repository import modules

DELETES_OBJECTS = {
    "archiver.disposal.removal": "what the gate let go, after its entry is published",
    "archiver.assurance.worm_probe": "canaries of the lock probe, which it put there itself",
    "archiver.preserve.store.filesystem_trial": "the same canaries, on a filesystem store",
    "archiver.preserve.store.second_copy": "hands on to the first store what it is asked for",
    "archiver.preserve.store.threads": "hands on to a thread what it is asked for",
}
"""Who calls `delete` of an object store, each with its reason."""

DELETES_RECORDS = {"archiver.db.disposed": "the rows of what was destroyed"}

EVIDENCE_TABLES = {"record", "segment", "blob", "log_entry", "hold", "hold_record", "disposed"}

_TAKES_BACK = {"archiver.db.disposal": "what remains of a record that a hold kept after all"}


def test_only_the_gate_leads_to_a_delete_of_a_stored_object() -> None:
    found = {
        module.name
        for module in modules()
        for call in _calls(module.tree)
        if _named(call.func) == "delete" and _names_a_version(call)
    }
    handed_on = {
        module.name
        for module in modules()
        for call in _calls(module.tree)
        for argument in call.args
        if isinstance(argument, ast.Attribute) and argument.attr == "delete"
    }

    assert found | handed_on == set(DELETES_OBJECTS)


def test_only_a_carried_out_destruction_removes_rows_of_records() -> None:
    found = {
        (module.name, argument.id)
        for module in modules()
        for call in _calls(module.tree)
        if _named(call.func) == "delete"
        for argument in call.args
        if isinstance(argument, ast.Name) and argument.id in EVIDENCE_TABLES
    }

    assert {name for name, table in found if table != "disposed"} == set(DELETES_RECORDS)
    assert {name for name, table in found if table == "disposed"} == set(_TAKES_BACK)


def test_only_a_destruction_asks_for_a_removal() -> None:
    importing = {
        module.name
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and node.module == "archiver.disposal.removal"
    }

    assert importing == {
        "archiver.background_composition",
        "archiver.disposal.destruction",
        "archiver.disposal.epoch_removal",
        "archiver.disposal.erasure",
        "archiver.disposal.key_generations",
    }


ASKS_FOR_DESTRUCTION = {
    "archiver.app": "hands it to whoever serves",
    "archiver.cli.demo_disposal": "`muniment demo`: a batch of the sample company, by the use case",
    "archiver.cli.disposal_outcome": "`muniment disposition execute`",
    "archiver.background_composition": "makes it",
    "archiver.disposal.disposition": "makes the use case that executes approved batches",
    "archiver.disposal.execution": "the use case",
    "archiver.jobs.disposing": "goes on with what was interrupted",
    "archiver.jobs.disposition_jobs": "the job that executes approved batches",
    "archiver.retention_composition": "hands it to the use case",
}
"""Who comes near to a destruction, each with its reason."""

DELETES_OF_THE_API = {
    "/api/v1/jobs/{id}": "gives a job up",
    "/api/v1/sessions/{id}": "signs somebody out",
    "/api/v1/tokens/{id}": "revokes a token",
}
"""Routes of the method DELETE: none is about a record."""

EXECUTES = {
    ("POST", "/api/v1/batches/{id}/execute"),
    ("POST", "/disposition/{id}/execute"),
}
"""The routes that let an approved batch be executed."""


def test_only_the_use_case_of_batches_leads_to_a_destruction() -> None:
    found = {
        module.name
        for module in modules()
        for node in ast.walk(module.tree)
        if (isinstance(node, ast.Name) and node.id == "destruction")
        or (isinstance(node, ast.Attribute) and _leads_there(node))
    }

    assert found == set(ASKS_FOR_DESTRUCTION)


def test_no_route_deletes_a_record_and_one_use_case_executes() -> None:
    deletes = {route.template for route in ROUTES if route.method == "DELETE"}
    executes = {
        (route.method, route.template)
        for route in ROUTES
        if route.method != "GET" and "execute" in route.template
    }

    assert deletes == set(DELETES_OF_THE_API)
    assert executes == EXECUTES


def _leads_there(node: ast.Attribute) -> bool:
    """Whether this is `….destruction`, or `….executions.execute`."""
    of = node.value
    executes = node.attr == "execute" and isinstance(of, ast.Attribute) and of.attr == "executions"
    return executes or node.attr in {"destruction", "_destruction"}


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _named(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _names_a_version(call: ast.Call) -> bool:
    return any(keyword.arg == "version_id" for keyword in call.keywords)

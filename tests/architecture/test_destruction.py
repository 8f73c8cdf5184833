"""One gate for destruction: nothing else deletes a stored object or the row of a record."""

import ast
from collections.abc import Iterator

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
        "archiver.composition",
        "archiver.disposal.destruction",
        "archiver.disposal.key_generations",
    }


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _named(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _names_a_version(call: ast.Call) -> bool:
    return any(keyword.arg == "version_id" for keyword in call.keywords)

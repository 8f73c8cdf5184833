"""Names and sizes: a module is a noun of the domain and fits in the head."""

import ast
import statistics

from tests.architecture.repository import Function, functions, modules

HOMELESS = {
    "utils", "util", "helpers", "helper", "manager", "managers", "base", "common", "misc", "core",
    "data", "info", "tools", "shared", "stuff", "lib", "impl", "handlers", "constants", "types",
}  # fmt: skip
"""Names under which things are put whose concept has not been named."""

MOST_LINES = 500
MOST_FUNCTION_LINES = 50

LONGER_MODULES = {
    "archiver.db.tables": "the schema is written down in one place: a list of tables, no branch",
    "archiver.assurance.evidence_verifier": "one file that an examiner runs without the others",
}
"""Modules over the cap, each with its reason."""


def test_no_module_is_named_after_having_no_home() -> None:
    homeless = [
        module.name for module in modules() if HOMELESS & set(module.name.lower().split("."))
    ]

    assert homeless == []


def test_no_module_is_too_long_to_read() -> None:
    long = {module.name for module in modules() if module.lines > MOST_LINES}

    assert long == set(LONGER_MODULES)


def test_most_modules_are_short() -> None:
    lines = sorted(module.lines for module in modules())

    assert statistics.median(lines) <= 150
    assert _nine_in_ten(lines) <= 350


def test_no_function_is_too_long_to_read() -> None:
    long = {
        function.name: function.lines
        for function in functions()
        if function.lines > MOST_FUNCTION_LINES
    }

    assert long == {}


def test_most_functions_are_short() -> None:
    lines = sorted(function.lines for function in functions())

    assert statistics.median(lines) <= 12
    assert _nine_in_ten(lines) <= 35


def test_the_length_of_a_function_leaves_its_docstring_out() -> None:
    mine = Function(name="archiver.preserve.plan_versions.load_file_plan", lines=4)

    assert mine in list(functions())


def test_try_stands_where_something_is_done_about_the_error() -> None:
    trees = [module.tree for module in modules()]
    tries = sum(isinstance(node, ast.Try) for tree in trees for node in ast.walk(tree))
    thousand_lines = sum(module.lines for module in modules()) / 1000

    assert tries / thousand_lines <= 10


def _nine_in_ten(ordered: list[int]) -> int:
    return ordered[len(ordered) * 9 // 10]

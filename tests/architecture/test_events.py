"""Every kind of event has its sentence, its form and a place where it happens."""

import ast
import re
from collections import Counter
from string import Formatter

from archiver.audit.actions import SENTENCES, Action
from tests.architecture.repository import modules


def test_every_action_has_a_sentence() -> None:
    assert set(SENTENCES) == set(Action)


def test_every_sentence_says_who_did_it() -> None:
    fields = {
        action: {name for _, name, _, _ in Formatter().parse(sentence) if name}
        for action, sentence in SENTENCES.items()
    }

    assert [action for action, names in fields.items() if "actor" not in names] == []
    assert [action for action, names in fields.items() if names - {"actor", "object"}] == []


def test_every_action_is_a_subject_and_what_was_done() -> None:
    assert [action for action in Action if not re.fullmatch(r"[a-z]+:[a-z]+", action)] == []


def test_what_the_layers_below_call_an_action_is_one_of_the_list_and_is_named_once() -> None:
    subjects = {action.partition(":")[0] for action in Action}
    named = Counter(
        node.value
        for module in modules()
        if module.name != "archiver.audit.actions"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if re.fullmatch(r"[a-z]+:[a-z]+", node.value) and node.value.split(":")[0] in subjects
    )

    assert set(named) - set(Action) == set()
    assert [action for action, times in named.items() if times > 1] == []
    assert "hold:placed" in named


def test_every_action_happens_somewhere() -> None:
    recorded = {
        node.attr
        for module in modules()
        if module.name != "archiver.audit.actions"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "Action"
    }

    assert {action.name for action in Action} - recorded == set()

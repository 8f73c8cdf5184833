"""What may have been meant where operators are mixed: the same text with brackets that say it."""

from collections.abc import Iterator, Sequence
from itertools import chain, permutations
from typing import NamedTuple

from search.lexemes import Kind, Lexeme
from search.normal_form import normalise
from search.query import And, Not, Or, Query, is_words


class Unit(NamedTuple):
    """A tree and the part of the text it was read from: `text[start:end]`."""

    tree: Query
    start: int
    end: int


def readings(text: str, units: Sequence[Unit], operators: Sequence[Lexeme]) -> list[str]:
    """Return `text` with `units` bracketed in each way that lets one kind of operator go first."""
    written = [text[unit.start : unit.end] for unit in units]
    signs = [text[operator.start : operator.end] for operator in operators]
    kinds = [operator.kind for operator in operators]
    found = dict.fromkeys(
        _grouped(written, signs, kinds, order, from_left=from_left)
        for from_left in (True, False)
        for order in permutations(sorted(set(kinds), key=[Kind.NEAR, Kind.AND, Kind.OR].index))
    )
    return [bracketed(text, each, units[0].start, units[-1].end) for each in found]


def bracketed(text: str, replacement: str, start: int, end: int) -> str:
    """Return `text` with `start` to `end` replaced, in brackets if there is other text."""
    before, after = text[:start], text[end:]
    enclosed = before.rstrip().endswith("(") and after.lstrip().startswith(")")
    if enclosed or not (before.strip() or after.strip()):
        return f"{before}{replacement}{after}"
    return f"{before}({replacement}){after}"


def outside(left: Query, right: Query, sign: str) -> str:
    """Return proximity with AND, NOT and fields outside it, or nothing where that takes more.

    `(a AND b) w/5 c` becomes `(a w/5 c) AND (b w/5 c)`, `a w/5 NOT b` `a AND NOT (a w/5 b)`; what
    is no word is kept beside it.
    """
    sides = [_parts(side) for side in (left, right)]
    ones, others = ([part for part in side if is_words(part)] for side in sides)
    rest = [part for side in sides for part in side if not is_words(part)]
    left_out = [[part.part for part in side if isinstance(part, Not)] for side in sides]
    kept = [part for part in rest if not isinstance(part, Not)]
    if any(isinstance(part, Or) for part in kept) or not all(map(is_words, chain(*left_out))):
        return ""
    near = [_near(one, other, sign) for one in ones for other in others]
    apart = [] if near else [_operand(part) for part in (*ones, *others)]
    never = [_near(one, other, sign) for one in left_out[0] for other in others]
    never += [_near(one, other, sign) for one in ones for other in left_out[1]]
    if len(never) < len(list(chain(*left_out))):
        return ""
    return " AND ".join([*near, *apart, *(f"NOT {each}" for each in never), *map(_operand, kept)])


def _near(one: Query, other: Query, sign: str) -> str:
    return f"({_operand(one)} {sign} {_operand(other)})"


def _parts(query: Query) -> tuple[Query, ...]:
    return query.parts if isinstance(query, And) else (query,)


def _operand(query: Query) -> str:
    text = normalise(query)
    return text if isinstance(query, Not) or " " not in text or text[0] == '"' else f"({text})"


def _grouped(
    units: Sequence[str],
    signs: Sequence[str],
    kinds: Sequence[Kind],
    order: Sequence[Kind],
    *,
    from_left: bool,
) -> str:
    """Return the units joined, with brackets where an operator that goes earlier has a group."""
    items, joints = list(units), list(zip(signs, kinds, strict=True))
    for kind in order:
        last = len({each for _, each in joints}) == 1
        runs = list(_runs(items, joints, kind))
        joints = [joint for joint in joints if joint[1] is not kind]
        items = [_joined(run, between, kind, from_left=from_left) for run, between in runs]
        if not last:
            items = [
                f"({item})" if between else item
                for item, (_, between) in zip(items, runs, strict=True)
            ]
    return items[0]


def _runs(
    items: Sequence[str], joints: Sequence[tuple[str, Kind]], kind: Kind
) -> Iterator[tuple[list[str], list[str]]]:
    """Yield each run of items that operators of `kind` join, and those operators."""
    run, between = [items[0]], list[str]()
    for (sign, each), item in zip(joints, items[1:], strict=True):
        if each is kind:
            run.append(item)
            between.append(sign)
        else:
            yield run, between
            run, between = [item], []
    yield run, between


def _joined(run: list[str], between: list[str], kind: Kind, *, from_left: bool) -> str:
    if kind is not Kind.NEAR:
        return f" {kind} ".join(run)
    if from_left:
        text = run[0]
        for number, (sign, item) in enumerate(zip(between, run[1:], strict=True)):
            text = f"({text}) {sign} {item}" if number else f"{text} {sign} {item}"
        return text
    text = run[-1]
    for number, (sign, item) in enumerate(zip(between[::-1], run[-2::-1], strict=True)):
        text = f"{item} {sign} ({text})" if number else f"{item} {sign} {text}"
    return text

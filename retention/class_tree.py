"""The tree of classes: each has at most one class above it, and none is above itself.

A class is named by its code; `parents` give the code of the class above, empty at the top. The tree
orders the file plan for people: every record is in exactly one class and kept by that class's own
schedule, whatever stands above it.
"""

from collections.abc import Iterator, Mapping

DEEPEST = 8
"""How many classes may stand one below the other: a plan deeper than this nobody reads."""


def tree_problems(parents: Mapping[str, str]) -> list[str]:
    """Return what keeps classes from being a tree; nothing when they are one."""
    problems = []
    for code, parent in sorted(parents.items()):
        if parent and parent not in parents:
            problems.append(f"expected the class above {code} in the file plan, found {parent!r}")
        line = list(line_above(code, parents))
        if code in line:
            problems.append(f"class {code} is above itself: {' < '.join([code, *line])}")
        elif len(line) >= DEEPEST:
            problems.append(
                f"expected at most {DEEPEST} classes one below the other, found "
                f"{len(line) + 1} down to {code}"
            )
    return problems


def line_above(code: str, parents: Mapping[str, str]) -> Iterator[str]:
    """Yield the classes above one, the nearest first; of a circle each class once."""
    seen: set[str] = set()
    above = parents.get(code, "")
    while above and above not in seen:
        seen.add(above)
        yield above
        above = parents.get(above, "")


def in_tree_order(parents: Mapping[str, str]) -> tuple[tuple[str, int], ...]:
    """Return every class and how deep it stands, from 0: each below its parent, by code.

    What is in no tree (a circle, an unknown parent) stands at the top, after the others.
    """
    below: dict[str, list[str]] = {}
    for code, parent in sorted(parents.items()):
        below.setdefault(parent, []).append(code)
    found: dict[str, int] = {}

    def place(code: str, depth: int) -> None:
        if code not in found:
            found[code] = depth
            for each in below.get(code, ()):
                place(each, depth + 1)

    for top in below.get("", ()):
        place(top, 0)
    for left in sorted(parents.keys() - found.keys()):
        found[left] = 0
    return tuple(found.items())

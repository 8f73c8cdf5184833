"""Reading of JSON and TOML documents that people and older versions wrote.

Every problem is noted with its path and reading goes on, so that an author learns of all of them
at once. Keys nobody knows are problems too: a misspelt `perod` must not silently mean nothing.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import ParamSpec, TypeVar, cast

from retention.errors import DefinitionError

P = ParamSpec("P")
T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

_ABSENT = object()


class Document:
    """One table of a document: hands out checked values and notes what is wrong.

    After a problem the getters return stand-ins of the right type; `build` then makes nothing, so
    a stand-in never gets out.
    """

    def __init__(self, value: object, *, path: str, problems: list[str]) -> None:
        self.path = path
        self._problems = problems
        self._before = len(problems)
        self._table: dict[str, object] = {}
        self._known: set[str] = set()
        if isinstance(value, dict):
            self._table = {str(key): each for key, each in value.items()}
        else:
            self.refuse("", "a table", value)

    def refuse(self, key: str, expected: str, found: object) -> None:
        """Note that `key` of this table holds `found` where `expected` belongs."""
        text = "nothing" if found is _ABSENT else repr(found)[:80]
        self.note(key, DefinitionError(f"expected {expected}, found {text}"))

    def note(self, key: str, error: DefinitionError) -> None:
        """Note the problems of what was made of `key`; of the table itself when it is empty."""
        where = f"{self.path}.{key}" if key else self.path
        self._problems.extend(f"{where}: {problem}" for problem in error.problems)

    def has(self, key: str) -> bool:
        """Tell whether the table has this key, and count the key as known."""
        self._known.add(key)
        return key in self._table

    def text(self, key: str, *, default: str | None = None) -> str:
        """Return the text at `key`; without a default it must be there and not be empty."""
        value = self._take(key, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            self.refuse(key, "a text", value)
            return ""
        return value

    def integer(self, key: str) -> int:
        """Return the whole number at `key`."""
        value = self._take(key)
        if not isinstance(value, int) or isinstance(value, bool):
            self.refuse(key, "a whole number", value)
            return 0
        return value

    def choice(self, key: str, words: type[E]) -> E:
        """Return the member of `words` written at `key`."""
        value = self._take(key)
        for word in words:
            if word == value:
                return word
        self.refuse(key, "one of " + ", ".join(words), value)
        return next(iter(words))

    def parsed(self, key: str, parse: Callable[[str], T], *, default: str | None = None) -> T:
        """Return what `parse` makes of the text at `key`."""
        before = len(self._problems)
        text = self.text(key, default=default)
        if len(self._problems) == before:
            try:
                return parse(text)
            except DefinitionError as error:
                self.note(key, error)
        return cast("T", None)

    def texts(self, key: str, *, optional: bool = False) -> tuple[str, ...]:
        """Return the list of texts at `key`."""
        values = self._list(key, optional=optional)
        for value in values:
            if not isinstance(value, str):
                self.refuse(key, "a list of texts", value)
        return tuple(str(value) for value in values)

    def tables(self, key: str) -> tuple["Document", ...]:
        """Return the tables listed at `key`."""
        return tuple(
            Document(value, path=f"{self.path}.{key}[{number}]", problems=self._problems)
            for number, value in enumerate(self._list(key, optional=False))
        )

    def build(self, make: Callable[P, T], *args: P.args, **fields: P.kwargs) -> T | None:
        """Return `make(**fields)`, or None when anything in this table is wrong.

        Call it last: it also refuses the keys that no getter asked for.
        """
        for key in sorted(self._table.keys() - self._known):
            known = ", ".join(sorted(self._known))
            self.note(key, DefinitionError(f"unknown key; known are {known}"))
        if len(self._problems) > self._before:
            return None
        try:
            return make(*args, **fields)
        except DefinitionError as error:
            self.note("", error)
            return None

    def _take(self, key: str, default: object = None) -> object:
        self._known.add(key)
        return self._table.get(key, _ABSENT if default is None else default)

    def _list(self, key: str, *, optional: bool) -> list[object]:
        value = self._take(key, [] if optional else None)
        if not isinstance(value, list):
            self.refuse(key, "a list", value)
            return []
        return value


def decode(value: object, read: Callable[[Document], T | None], *, path: str) -> T:
    """Return what `read` makes of a document.

    Raises:
        DefinitionError: anything in it is wrong; `problems` lists all of it, each with its path.
    """
    problems: list[str] = []
    made = read(Document(value, path=path, problems=problems))
    if made is None or problems:
        raise DefinitionError(*problems)
    return made


def present(values: Iterable[T | None]) -> tuple[T, ...]:
    """Return the values that were made, leaving out those a problem stands for."""
    return tuple(value for value in values if value is not None)

"""Stating retention events from a CSV file: a line an event, read as it comes.

A bad line is reported with its number and reason, and costs no other line. Stating what stands
already changes nothing, so a file can be imported again after it was mended, or after a crash.
"""

import csv
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from archiver.access.rules import Permission, require
from archiver.db.accounts import Place
from archiver.disposal.retention_events import RetentionEvents
from archiver.disposal.stated_events import Key, NewEvent, when_of_text
from archiver.errors import InvalidInput
from archiver.model.actor import Actor

COLUMNS = ("name", "happened_at", "platform", "account", "record_id", "note")
SOURCE = "csv"
_AT_ONCE = 500
"""Lines of one event of the trail: a file of a hundred thousand lines makes two hundred."""

_REPLACED = "\ufffd"


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that was not taken in, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of a file: lines stated now, lines that stood already, lines refused.

    `unawaited` are names of events that no schedule in force counts from; `unknown_accounts` are
    accounts that neither the register nor a capture names: they may be misspelt.
    """

    stated: int
    known: int
    refused: int
    unawaited: tuple[str, ...]
    unknown_accounts: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Return it for JSON."""
        return {
            "stated": self.stated,
            "known": self.known,
            "refused": self.refused,
            "unawaited": list(self.unawaited),
            "unknown_accounts": list(self.unknown_accounts),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedAt:
    """What importing a file would come to; `first` are the first events that would be stated."""

    outcome: Imported
    first: tuple[NewEvent, ...]


Report = Callable[[BadLine], None]


class EventImport:
    """The use case of importing events. A day without a time is one of `zone`."""

    def __init__(self, *, events: RetentionEvents, zone: ZoneInfo) -> None:
        self._events = events
        self._zone = zone

    async def run(
        self, lines: Iterable[bytes], *, actor: Actor, report: Report, source: str = SOURCE
    ) -> Imported:
        """State the event of each line; `report` is told of each bad one, in order.

        Raises:
            Denied: the actor may not edit the file plan of the whole archive.
            InvalidInput: the first line does not name the columns.
        """
        require(actor, Permission.EDIT_FILE_PLAN)
        stated = known = refused = 0
        names: set[str] = set()
        accounts: set[Place] = set()
        async for events, bad in self._chunks(lines):
            new = await self._unknown(events)
            known += len(events) - len(new)
            if new:
                await self._events.record_stated(list(new.values()), actor=actor, source=source)
            stated += len(new)
            names.update(event.name for event in events)
            accounts |= _accounts_of(events)
            refused += len(bad)
            for each in sorted(bad, key=lambda line: line.line):
                report(each)
        return await self._imported(stated, known, refused, names, accounts)

    async def look(
        self, lines: Iterable[bytes], *, shown: int = 20, actor: Actor, report: Report
    ) -> LookedAt:
        """Return what `run` would do with these lines; nothing is stated.

        Raises:
            Denied, InvalidInput: as `run`.
        """
        require(actor, Permission.EDIT_FILE_PLAN)
        known = refused = 0
        new: set[Key] = set()
        first: list[NewEvent] = []
        names: set[str] = set()
        accounts: set[Place] = set()
        async for events, bad in self._chunks(lines):
            not_yet = await self._unknown(events)
            fresh = [event for key, event in not_yet.items() if key not in new]
            known += len(events) - len(fresh)
            new.update(event.key for event in fresh)
            first += fresh[: max(0, shown - len(first))]
            names.update(event.name for event in events)
            accounts |= _accounts_of(events)
            refused += len(bad)
            for each in sorted(bad, key=lambda line: line.line):
                report(each)
        outcome = await self._imported(len(new), known, refused, names, accounts)
        return LookedAt(outcome=outcome, first=tuple(first))

    async def _imported(
        self, stated: int, known: int, refused: int, names: set[str], accounts: set[Place]
    ) -> Imported:
        unknown = await self._events.unknown_accounts(accounts)
        unawaited = names - await self._events.awaited_names()
        return Imported(
            stated=stated,
            known=known,
            refused=refused,
            unawaited=tuple(sorted(unawaited)),
            unknown_accounts=tuple(
                f"{account} on {platform}" for platform, account in sorted(unknown)
            ),
        )

    async def _unknown(self, events: list[NewEvent]) -> Mapping[Key, NewEvent]:
        """Return the events that do not stand yet, each once."""
        known = await self._events.known(events)
        return {event.key: event for event in events if event.key not in known}

    async def _chunks(
        self, lines: Iterable[bytes]
    ) -> AsyncIterator[tuple[list[NewEvent], list[BadLine]]]:
        """Yield the events of some lines at a time, and what was bad among them."""
        read: list[tuple[int, NewEvent]] = []
        bad: list[BadLine] = []
        for found in self._read(lines):
            if isinstance(found, BadLine):
                bad.append(found)
            else:
                read.append(found)
            if len(read) + len(bad) >= _AT_ONCE:
                yield await self._resolved(read, bad), bad
                read, bad = [], []
        yield await self._resolved(read, bad), bad

    async def _resolved(
        self, read: list[tuple[int, NewEvent]], bad: list[BadLine]
    ) -> list[NewEvent]:
        events = []
        resolved = await self._events.resolved([event for _, event in read])
        for (line, _), found in zip(read, resolved, strict=True):
            if isinstance(found, InvalidInput):
                bad.append(BadLine(line, str(found)))
            else:
                events.append(found)
        return events

    def _read(self, lines: Iterable[bytes]) -> Iterator[tuple[int, NewEvent] | BadLine]:
        """Yield each line's number and checked event, or what is wrong with it."""
        reader = csv.reader(line.decode("utf-8", "replace") for line in lines)
        columns = _columns(reader)
        while True:
            first = reader.line_num + 1
            try:
                cells = next(reader)
                if any(cell.strip() for cell in cells):
                    yield first, self._events.checked(self._event(columns, cells))
            except StopIteration:
                return
            except (csv.Error, InvalidInput) as error:
                yield BadLine(first, _why(error, first, reader.line_num))

    def _event(self, columns: list[str], cells: list[str]) -> NewEvent:
        if len(cells) != len(columns):
            raise InvalidInput(f"expected {len(columns)} cells, found {len(cells)}")
        if any(_REPLACED in cell for cell in cells):
            raise InvalidInput("expected UTF-8, found other bytes")
        # Spreadsheets are kept from running a cell by an apostrophe (archiver.csv_rows).
        found = dict(zip(columns, (cell.strip().removeprefix("'") for cell in cells), strict=True))
        when = when_of_text(found["happened_at"], self._zone)
        return NewEvent(
            name=found["name"],
            happened_at=when.at,
            day=when.day,
            platform=found.get("platform", ""),
            account=found.get("account", ""),
            record_id=found.get("record_id", ""),
            note=found.get("note", ""),
        )


def _accounts_of(events: Iterable[NewEvent]) -> set[Place]:
    return {(event.platform, event.account) for event in events if event.account}


def _why(error: Exception, first: int, last: int) -> str:
    """Return why lines were refused; a quotation mark that is not closed takes all that follow."""
    if last <= first:
        return str(error)
    return f"{error} (lines {first} to {last} are in one pair of quotation marks; is one missing?)"


def _columns(reader: Iterator[list[str]]) -> list[str]:
    try:
        first = next(reader, [])
    except csv.Error as error:
        raise InvalidInput(f"expected CSV, found {error}") from error
    columns = [cell.strip().removeprefix("\ufeff").lower() for cell in first]
    unknown = [each for each in columns if each not in COLUMNS]
    if not {"name", "happened_at"} <= set(columns) or unknown or len(set(columns)) < len(columns):
        raise InvalidInput(
            f"expected UTF-8 and commas, and a first line that names columns of "
            f"{', '.join(COLUMNS)}, name and happened_at among them, found "
            f"{','.join(first)[:200]!r}"
        )
    return columns

"""Whose question the search engine answers next, so that nobody's questions starve another's.

A few questions are answered at a time, in threads of their own, and of one person fewer than in
all: however many heavy queries somebody sends, there is room for others. What cannot begin at once
waits in line; the next turn is of the person with the fewest running, among those of whoever waited
longest. A line that is too long, or a wait that is, ends in an error that says so.

Long work (a report of a thousand terms, the news of a hundred saved searches) is asked in slices,
each in its own turn, so that a search of somebody else waits for one slice at most. A slice waits
as long as it takes, for half of a report is of no use to anybody.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import TypeVar

from archiver.errors import Overloaded, TooMany
from archiver.model.actor import Actor

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How much room there is: questions at once in all and of one person, and the lines.

    `line` is how many of one person's questions may wait, `patience` for how many seconds.
    """

    at_once: int = 4
    each: int = 2
    line: int = 16
    patience: float = 45.0

    def __post_init__(self) -> None:
        if not 1 <= self.each < self.at_once:
            raise ValueError(f"one person takes fewer turns than there are, found {self}")


class Turns:
    """Runs questions in threads, in turn. Used from one event loop."""

    def __init__(self, room: Room | None = None) -> None:
        self._room = room or Room()
        self._threads = ThreadPoolExecutor(self._room.at_once, thread_name_prefix="search")
        self._running: Counter[str] = Counter()
        self._lines: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    async def take(self, actor: Actor, question: Callable[[], _T], *, is_slice: bool = False) -> _T:
        """Return what `question` returns, asked in a thread when it is the actor's turn.

        A question that has begun keeps its turn to its end, also when nobody waits for the answer
        any more: its thread cannot be stopped. A slice of long work is never turned away.

        Raises:
            TooMany: the actor has too many questions in line, or they kept this one waiting.
            Overloaded: those of others did.
        """
        who = actor.person_id or f"{actor.via} {actor.name}"
        await self._turn_of(who, is_slice=is_slice)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[_T] = loop.create_future()

        def ended(asked: Future[_T]) -> None:
            if not loop.is_closed():  # as when the process ends with a question under way
                loop.call_soon_threadsafe(self._ended, who, asked, answer)

        self._threads.submit(copy_context().run, question).add_done_callback(ended)
        return await answer

    def close(self) -> None:
        """Take no more questions; those under way end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _turn_of(self, who: str, *, is_slice: bool) -> None:
        if self._has_room(who) and who not in self._lines:
            self._running[who] += 1
            return
        line = self._lines.setdefault(who, deque())
        if len(line) >= self._room.line and not is_slice:
            raise TooMany(
                f"{len(line)} of your searches wait for {self._running[who]} that are running; "
                "wait for their answers, or add a rarer word, an account or dates to them",
                retry_after_s=5,
            )
        turn = asyncio.get_running_loop().create_future()
        line.append(turn)
        began = False
        try:
            async with asyncio.timeout(None if is_slice else self._room.patience):
                await turn
            began = True
        except TimeoutError as error:
            raise self._impatient(who) from error
        finally:
            if not began:
                self._give_up(who, turn)

    def _impatient(self, who: str) -> TooMany | Overloaded:
        waited = f"this search waited {self._room.patience:g} seconds for"
        if self._running[who] >= self._room.each:
            return TooMany(
                f"{waited} {self._running[who]} others of yours that are running; ask again when "
                "they are done, or add a rarer word, an account or dates to them",
                retry_after_s=10,
            )
        return Overloaded(f"{waited} those of others; ask again in a moment", retry_after_s=10)

    def _give_up(self, who: str, turn: asyncio.Future[None]) -> None:
        if turn.done() and not turn.cancelled():  # it was called in the moment it gave up
            self._end(who)
            return
        line = self._lines.get(who, deque())
        if turn in line:
            line.remove(turn)
        if not line:
            self._lines.pop(who, None)

    def _ended(self, who: str, asked: Future[_T], answer: asyncio.Future[_T]) -> None:
        self._end(who)
        if answer.done():  # nobody waits for it any more
            return
        if asked.cancelled():
            answer.cancel()
        elif (error := asked.exception()) is not None:
            answer.set_exception(error)
        else:
            answer.set_result(asked.result())

    def _end(self, who: str) -> None:
        self._running[who] -= 1
        if not self._running[who]:
            del self._running[who]
        self._call_next()

    def _call_next(self) -> None:
        while waiting := [who for who in self._lines if self._has_room(who)]:
            who = min(waiting, key=lambda each: self._running[each])
            line = self._lines.pop(who)
            turn = line.popleft()
            if line:
                self._lines[who] = line  # at the end: the others of as few come first
            if not turn.done():
                self._running[who] += 1
                turn.set_result(None)

    def _has_room(self, who: str) -> bool:
        return self._running[who] < self._room.each and self._running.total() < self._room.at_once

"""One step of the demonstration, and how steps wait for what they captured."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from archiver.cli.output import Document

Waits = Callable[[int], Awaitable[None]]
"""Returns when checkpoint and index cover a log of so many entries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step that was taken: what it was, whether it came out as expected, and its figures."""

    name: str
    ok: bool
    told: tuple[str, ...]
    figures: Document = field(default_factory=dict)

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {"step": self.name, "ok": self.ok, "told": list(self.told), **self.figures}

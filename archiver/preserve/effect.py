"""How the effects of events are read, and what most of them have in common.

Which event has which effect stands in `event_effects`.
"""

from collections.abc import Callable, Sequence

PartOf = Callable[[str], bytes | None]
"""Gives the content of an event's part by its name."""


class SelfStated:
    """An effect (`event_effects.Effect`) that is stated by the event's own entry alone."""

    __slots__ = ()

    @property
    def entries(self) -> Sequence[bytes]:
        """None: no entry follows the event's own."""
        return ()

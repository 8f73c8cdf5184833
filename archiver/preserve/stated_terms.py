"""What the terms of records count from, as stored events state it and not as rows say.

Schedules, retention events and the classes that people put records into by hand are views of
events. Whoever can write to the database could change them; the events open only as what they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from archiver.db.term_witness import OF_STATEMENT, Schedules
from archiver.preserve.account_effects import AccountChanged
from archiver.preserve.event_effects import Effect
from archiver.preserve.plan_effects import DraftStated, PlanExtended
from archiver.preserve.reclass_effects import Reclassified
from archiver.preserve.retention_event_effects import RetentionChanged


@dataclass(slots=True, kw_only=True)
class StatedTerms:
    """What events state: versions of schedules, what happened, who was put where by hand.

    Taken in by log order: of two versions of one number the first counts, and what ended once is
    never in force again.
    """

    schedules: Schedules = field(default_factory=dict)
    _statements: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    _ended: set[str] = field(default_factory=set)
    _moved: dict[str, str] = field(default_factory=dict)

    @property
    def statements(self) -> frozenset[tuple[Any, ...]]:
        """The values of `OF_STATEMENT` of the retention events in force."""
        return frozenset(said for each, said in self._statements.items() if each not in self._ended)

    @property
    def moved(self) -> Mapping[str, str]:
        """The class of each record that was put into one by hand, by its id."""
        return self._moved

    def take(self, effect: Effect | None) -> None:
        """Take in what one event states."""
        match effect:
            case (
                PlanExtended(addition=addition)
                | DraftStated(brings=PlanExtended(addition=addition))
            ):
                for each in addition.schedules:
                    self.schedules.setdefault(
                        (each.class_code, each.version), (each.body, each.in_force_from)
                    )
            case (
                RetentionChanged(statements=said)
                | AccountChanged(retention=RetentionChanged(statements=said))
            ):
                self._ended.update(each.id for each in said.ended)
                for one in said.stated:
                    self._statements[one.id] = tuple(getattr(one, name) for name in OF_STATEMENT)
            case Reclassified(class_code=code, members=members):
                self._moved.update(dict.fromkeys(members, code))
            case _:
                return

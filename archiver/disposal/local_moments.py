"""Moments as people type them: a day and a time in a named time zone."""

from datetime import UTC, datetime

from archiver.errors import InvalidInput
from retention.errors import DefinitionError
from retention.periods import time_zone

_EXAMPLE = "2027-01-01 00:00"
_YEARS = range(1970, 2200)


def moment_in(text: str, zone: str, *, pointer: str) -> datetime | None:
    """Return the moment that a local time such as `2027-01-01 00:00` means; None for no text.

    A time that comes twice, when clocks go back, is the later one: nothing begins early.

    Raises:
        InvalidInput: no such zone or time, or one that clocks skip; `pointer` names the field.
    """
    said = text.strip()
    if not said:
        return None
    try:
        local = datetime.fromisoformat(said)
        place = time_zone(zone)
    except ValueError as error:
        raise InvalidInput(
            f"expected a day and a time such as {_EXAMPLE}, found {said[:40]!r}", pointer=pointer
        ) from error
    except DefinitionError as error:
        raise InvalidInput(str(error), pointer=pointer) from error
    if local.tzinfo is not None or local.year not in _YEARS:
        raise InvalidInput(
            f"expected a local time such as {_EXAMPLE} of {zone}, found {said[:40]!r}",
            pointer=pointer,
        )
    moment = local.replace(tzinfo=place, fold=1).astimezone(UTC)
    if moment.astimezone(place).replace(tzinfo=None) != local:
        raise InvalidInput(
            f"clocks in {zone} skip {said[:40]}; choose a time before or after", pointer=pointer
        )
    return moment

"""Dates in queries: text to Unix milliseconds and back.

Two forms are read: a day, `2026-03-01`, which stands for that whole day in the caller's time zone,
and an instant of RFC 3339, `2026-03-01T09:30:00Z` or `…+02:00`, to the millisecond.
"""

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,3})?(?:Z|[+-][0-9]{2}:[0-9]{2})",
    re.IGNORECASE,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def milliseconds(moment: datetime) -> int:
    """Return the aware `moment` as Unix milliseconds, rounded down."""
    return (moment - _EPOCH) // _MILLISECOND


def instant(unix_ms: int) -> str:
    """Return Unix milliseconds as an instant in UTC; the milliseconds only if there are any."""
    moment = _EPOCH + unix_ms * _MILLISECOND
    precision = "milliseconds" if unix_ms % 1000 else "seconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")


def bounds(value: str, zone: tzinfo) -> tuple[int, int]:
    """Return the half-open range of Unix milliseconds that a day or an instant stands for.

    An instant is the empty range at itself, so that `A..B` reads "from the start of A to the end of
    B" for both forms.

    Raises:
        ValueError: `value` is neither, or is no real date; the text says what was expected.
    """
    try:
        if _DAY.fullmatch(value):
            day = date.fromisoformat(value)
            return _midnight(day, zone), _midnight(day + timedelta(days=1), zone)
        if _INSTANT.fullmatch(value):
            moment = milliseconds(datetime.fromisoformat(value.upper()))
            return moment, moment
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{value} is not a date of the calendar ({error})") from error
    raise ValueError(
        f"expected a day like 2026-03-01 or an instant like 2026-03-01T09:30:00Z, found {value!r}"
    )


def compared(sign: str, value: str) -> tuple[str, str]:
    """Return both sides of the range `A..B` that finds what `>`, `>=`, `<` or `<=` a date finds.

    What is no date comes back as it is, to be refused where it is read.
    """
    goes_on, steps = ">" in sign, sign in {">", "<"}
    try:
        if _DAY.fullmatch(value):
            day = date.fromisoformat(value)
            value = (day + timedelta(days=steps * (1 if goes_on else -1))).isoformat()
        elif _INSTANT.fullmatch(value) and steps == goes_on:  # as an end, an instant is left out
            value = instant(milliseconds(datetime.fromisoformat(value.upper())) + 1)
    except (ValueError, OverflowError):
        pass
    return (value, "") if goes_on else ("", value)


def _midnight(day: date, zone: tzinfo) -> int:
    return milliseconds(datetime.combine(day, time.min, tzinfo=zone))

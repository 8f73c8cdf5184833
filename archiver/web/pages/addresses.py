"""Addresses of lists: all their state stands there, so each link is the address with a change."""

from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

_PLACES = frozenset({"cursor", "after", "before"})
"""Parameters that say from where on a list is shown."""


def addresses(path: str, params: Mapping[str, str]) -> Callable[..., str]:
    """Return what gives the address of a page with some parameters changed, empty ones left out."""

    def address(**changes: str) -> str:
        # `from` and `class` are words of Python's: they come as `from_` and `class_`.
        named = {name.rstrip("_"): value for name, value in changes.items()}
        kept = {name: value for name, value in {**params, **named}.items() if value}
        return f"{path}?{urlencode(kept)}" if kept else path

    return address


def first_page(here: str) -> str:
    """Return the address of the first page of the list at `here`, "" where that is it."""
    parts = urlsplit(here)
    asked = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(name, value) for name, value in asked if name not in _PLACES]
    return "" if kept == asked else f"{parts.path}?{urlencode(kept)}".removesuffix("?")

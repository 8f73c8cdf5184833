"""The main navigation: six groups by duty, each entry with who may see it and its key.

A person sees the entries that at least one of their roles opens, over the whole archive or a part.
"""

from collections.abc import Collection
from dataclasses import dataclass

from archiver.access.rules import Permission


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One page of the navigation. Any one of `needs` shows it; none needed, everybody sees it.

    `key` is pressed after `g`. `name` is where `badges` may give a count of waiting work.
    """

    name: str
    label: str
    href: str
    icon: str
    key: str
    needs: frozenset[Permission] = frozenset()

    def is_at(self, path: str) -> bool:
        """Return whether a page belongs to this entry."""
        return path == self.href or (self.href != "/" and path.startswith(self.href + "/"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Entries of one duty."""

    label: str
    entries: tuple[Entry, ...]


def _entry(label: str, href: str, icon: str, key: str, *needs: Permission) -> Entry:
    name = href.strip("/") or "home"
    return Entry(name=name, label=label, href=href, icon=icon, key=key, needs=frozenset(needs))


_P = Permission

NAVIGATION: tuple[Group, ...] = (
    Group(
        label="Find",
        entries=(
            _entry("Home", "/", "house", "h"),
            _entry("Search", "/search", "search", "s", _P.SEARCH),
            _entry("Saved searches", "/saved-searches", "bell", "b", _P.SEARCH),
            _entry("Frozen sets", "/sets", "file-text", "z", _P.SEARCH),
            _entry("Search terms", "/terms", "scale", "r", _P.SEARCH),
            _entry("Accounts", "/accounts", "at-sign", "c", _P.READ_ACCOUNTS),
        ),
    ),
    Group(label="Legal", entries=(_entry("Holds", "/holds", "lock", "l", _P.READ_HOLDS),)),
    Group(
        label="Records",
        entries=(
            _entry("Classes and schedules", "/classes", "folder-archive", "f", _P.READ_FILE_PLAN),
            _entry("Events", "/retention-events", "calendar", "e", _P.READ_FILE_PLAN),
            _entry("Approvals", "/approvals", "circle-check", "w", _P.READ_FILE_PLAN),
            _entry("Drafts", "/drafts", "file-text", "n", _P.READ_FILE_PLAN),
            _entry("Disposition", "/disposition", "calendar", "d", _P.READ_FILE_PLAN),
            _entry("Certificates", "/certificates", "file-text", "k", _P.READ_FILE_PLAN),
            _entry("Privacy requests", "/privacy", "users", "y", _P.READ_PRIVACY),
        ),
    ),
    Group(label="Supervision", entries=()),
    Group(
        label="Assurance",
        entries=(
            _entry("Integrity", "/integrity", "shield-check", "i", _P.READ_LOG),
            _entry("Audit log", "/audit", "scroll-text", "a", _P.READ_AUDIT),
        ),
    ),
    Group(
        label="Operate",
        entries=(
            _entry("Imports", "/imports", "upload", "p", _P.OPERATE),
            _entry("Jobs", "/jobs", "list-checks", "j"),
            _entry("Users and access", "/people", "users", "u", _P.MANAGE_ACCESS),
            _entry("Settings", "/settings", "settings", "t", _P.READ_SETTINGS),
        ),
    ),
)


def navigation(may: Collection[Permission]) -> tuple[Group, ...]:
    """Return the groups that have something for who may do these things."""
    allowed = set(may)
    shown = (
        Group(
            label=group.label,
            entries=tuple(
                entry for entry in group.entries if not entry.needs or entry.needs & allowed
            ),
        )
        for group in NAVIGATION
    )
    return tuple(group for group in shown if group.entries)

"""What concerns somebody when they come in, for tests of the face alone."""

from dataclasses import dataclass, field

from archiver.access.home import AccessPanel, Changes, HomeView, RecentSearch
from archiver.access.rules import Permission, allowed, allowed_somewhere
from archiver.db.home import AccessFigures
from archiver.model.actor import Actor

HOSTILE = '"<b>win</b>" AND x'


@dataclass
class FakeHome:
    """Every panel that the actor's permissions open."""

    asked: list[str] = field(default_factory=list)

    async def show(self, *, session_id: str = "", actor: Actor) -> HomeView:
        self.asked.append(session_id)
        search = RecentSearch(query=HOSTILE, at="2026-11-20T09:00:00.000Z", count=1284)
        changes = Changes(since="2026-11-20T09:00:00.000Z", events=47, at_least=False)
        figures = AccessFigures(invited=2, locked=1, expiring=3)
        return HomeView(
            searches=(search,) if allowed_somewhere(actor, Permission.SEARCH) else None,
            changes=changes if allowed(actor, Permission.READ_AUDIT) else None,
            access=(
                AccessPanel(figures=figures, glass_broken=4)
                if allowed(actor, Permission.MANAGE_ACCESS)
                else None
            ),
            failed_jobs=5 if allowed(actor, Permission.OPERATE) else None,
        )

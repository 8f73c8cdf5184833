"""A sample company's archive nine years on: most of what it captured is due, and some is held."""

import os
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from archiver.app import Services
from archiver.capture.decoding import decode_capture
from archiver.capture.sample_company import posts
from archiver.config import Settings
from archiver.founding import found_archive, record_founding
from archiver.ids import Ulids
from archiver.model.actor import SYSTEM, Role
from archiver.model.post import Provenance
from tests.browser.site import Site
from tests.fakes.archive import AGENT, publish, settings_for, stored_posts
from tests.fakes.disposal import NINE_YEARS, Time, opened

POSTS = 160
HELD = 4
"""Of the oldest posts."""
_SEED = 17


class DueSite(Site):
    """The served archive. Its clock stands at the day on which all of it was due for two years."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self._home = home
        self._time = Time()

    async def _founded(self) -> Settings:
        settings, time = settings_for(self._home), self._time
        founded = await found_archive(settings, clock=time, randomness=os.urandom, ulids=Ulids())
        async with opened(settings, time) as services:
            await record_founding(services.database, services.trail, founded, SYSTEM)
            here = Provenance(method="demo")
            captures = posts(_SEED, time(), POSTS)
            arrivals = [decode_capture(body, provenance=here) for body in captures]
            for start in range(0, POSTS, 80):
                await services.ingest.submit(arrivals[start : start + 80], actor=AGENT)
            await publish(services)
        time.pass_by(NINE_YEARS)
        return settings.model_copy(update={"clock_confirmed": time.now, "log_lock": "none"})

    def _open(self, settings: Settings) -> AbstractAsyncContextManager[Services]:
        return opened(settings, self._time)

    async def _fill(self) -> None:
        rows = await stored_posts(self.services)
        held = [row.id for row in rows if row.account == rows[0].account][:HELD]
        counsel = await self._make_person(Role.COUNSEL, unit="", matter="")
        self.people[f"{Role.COUNSEL}//"] = counsel
        await self.services.holds.place(
            name="Halloran inquiry",
            matter="Halloran",
            reason="A regulator asks",
            record_ids=held,
            actor=self._as(Role.COUNSEL, counsel),
        )

    def another(self, role: Role) -> str:
        """Return the id of one more person of a role."""
        person_id = self.run(self._make_person(role, unit="", matter=""))
        self.people[f"{role} {len(self.people)}"] = person_id
        return person_id

"""The sample company as a job: what somebody who set an archive up can look around in at once.

Offered only while the archive holds no post: nobody should find invented posts among real ones.
"""

import asyncio

from archiver.access.rules import Permission, allowed, require
from archiver.capture.accounts import Accounts
from archiver.capture.decoding import decode_capture
from archiver.capture.ingest import Ingest
from archiver.capture.sample_company import COMPANY, posts, register_accounts
from archiver.clock import Clock
from archiver.db import records as record_rows
from archiver.db.transaction import Database
from archiver.errors import Conflict
from archiver.jobs.work import Kind, Result, Work
from archiver.jobs.work_run import Run
from archiver.jobs.work_views import JobView
from archiver.model.actor import Actor
from archiver.model.post import Provenance

SAMPLE = "sample"
POSTS = 1_500

_SEED = 20_261_122
_TOGETHER = 100
_FROM_HERE = Provenance(method="demo", source="sample company")


class Sample:
    """The use case that fills a new archive with the posts of a company that does not exist."""

    def __init__(
        self, *, ingest: Ingest, accounts: Accounts, database: Database, work: Work, clock: Clock
    ) -> None:
        self._ingest = ingest
        self._accounts = accounts
        self._database = database
        self._work = work
        self._clock = clock

    @property
    def kind(self) -> Kind:
        """The kind of these jobs."""
        return Kind(
            name=SAMPLE, title="Sample company", permission=Permission.CAPTURE, run=self._run
        )

    async def is_offered(self, *, actor: Actor) -> bool:
        """Return whether the actor may load the sample, and the archive holds no post yet."""
        able = allowed(actor, Permission.CAPTURE) and allowed(actor, Permission.OPERATE)
        return able and await self._is_empty()

    async def start(self, *, actor: Actor) -> JobView:
        """Queue the job.

        Raises:
            Denied: the actor may not capture and operate.
            Conflict: the archive holds posts.
        """
        require(actor, Permission.CAPTURE)
        require(actor, Permission.OPERATE)
        if not await self._is_empty():
            raise _in_use()
        return await self._work.start(SAMPLE, subject=COMPANY, actor=actor)

    async def _is_empty(self) -> bool:
        async with self._database.reading() as tx:
            return not await record_rows.has_posts(tx)

    async def _run(self, job: Run) -> Result:
        if not await self._is_empty():
            raise _in_use()
        job.progress("Registering accounts", 0, POSTS)
        registered = await register_accounts(self._accounts, actor=job.actor)
        bodies = await asyncio.to_thread(lambda: list(posts(_SEED, self._clock(), POSTS)))
        for start in range(0, len(bodies), _TOGETHER):
            arrivals = [
                decode_capture(body, provenance=_FROM_HERE)
                for body in bodies[start : start + _TOGETHER]
            ]
            await self._ingest.submit(arrivals, actor=job.actor)
            job.progress("Capturing posts", start + len(arrivals), POSTS)
        job.say(f"{COMPANY}: {registered} accounts registered")
        return {"accounts": registered, "posts": len(bodies)}


def _in_use() -> Conflict:
    return Conflict(
        "the archive holds posts already, and the sample company's would stand among them for "
        "years; try it in an archive of its own: `muniment demo`"
    )

"""What the web asks of jobs, imports and integrity, as protocols (see `services`)."""

from collections.abc import Mapping
from typing import Protocol

from archiver.assurance.integrity_view import IntegrityStatus
from archiver.assurance.proof_bundle import ProofBundle
from archiver.capture.import_request import ImportRequest
from archiver.jobs.imports import ImportHistory, Preview
from archiver.jobs.uploads import Receiving, Upload
from archiver.jobs.work import JobFile
from archiver.jobs.work_views import JobPage, JobView
from archiver.model.actor import Actor


class Work(Protocol):
    """Jobs that people ask for: `archiver.jobs.work.Work`."""

    async def start(
        self,
        kind: str,
        *,
        subject: str,
        object_type: str = "",
        object_id: str = "",
        arguments: Mapping[str, object] | None = None,
        actor: Actor,
    ) -> JobView:
        """Queue a job."""

    async def start_verification(
        self, *, percent: float | None = None, content: bool = False, actor: Actor
    ) -> JobView:
        """Queue a verification."""

    async def again(self, job_id: str, *, actor: Actor) -> JobView:
        """Queue a job like an ended one."""

    async def show(self, job_id: str, *, actor: Actor) -> JobView:
        """Return one job."""

    async def list(
        self,
        *,
        kind: str = "",
        state: str = "",
        object_id: str = "",
        mine: bool = False,
        cursor: str = "",
        limit: int = 50,
        actor: Actor,
    ) -> JobPage:
        """Return the newest jobs."""

    async def cancel(self, job_id: str, *, actor: Actor) -> JobView:
        """Cancel a job."""

    async def file(self, job_id: str, *, actor: Actor) -> JobFile:
        """Return the file a job left."""


class Imports(Protocol):
    """Files sent to be imported: `archiver.jobs.imports.Imports`."""

    async def receive(self, name: str, *, size: int, actor: Actor) -> Receiving:
        """Begin to take a file."""

    async def finish(self, receiving: Receiving, *, actor: Actor) -> Upload:
        """Return a file, now that all of it is here."""

    async def preview(self, upload_id: str, request: ImportRequest, *, actor: Actor) -> Preview:
        """Read the beginning of a sent file; nothing is stored."""

    async def start(self, upload_id: str, request: ImportRequest, *, actor: Actor) -> JobView:
        """Queue the import of a sent file."""

    async def history(self, *, actor: Actor) -> ImportHistory:
        """Return the newest imports."""


class Sample(Protocol):
    """Fills a new archive with the posts of a sample company."""

    async def is_offered(self, *, actor: Actor) -> bool:
        """Return whether the actor may, and the archive is empty."""

    async def start(self, *, actor: Actor) -> JobView:
        """Queue the job."""


class Integrity(Protocol):
    """What may be said of the archive."""

    async def status(self, actor: Actor) -> IntegrityStatus:
        """Return the judgement and the facts it rests on."""


class Proofs(Protocol):
    """Makes proof bundles."""

    async def make(self, *, since: int = 0, actor: Actor) -> ProofBundle:
        """Return the bundle of the newest checkpoint."""

"""Recording events: each becomes an encrypted record in the log before the act is answered."""

from collections.abc import Mapping

from archiver.audit.actions import Action
from archiver.clock import Clock, rfc3339
from archiver.ids import Randomness, Ulids
from archiver.model.actor import Actor
from archiver.preserve.event_record import EventBody, event_part, event_row
from archiver.preserve.filing import FilePlan
from archiver.preserve.sealing import SECRET_BYTES, Draft, seal
from archiver.preserve.segments.manifest import Source
from archiver.preserve.writer import Writer


class Trail:
    """The audit trail of one archive."""

    def __init__(
        self,
        *,
        archive_id: str,
        writer: Writer,
        plan: FilePlan,
        clock: Clock,
        ulids: Ulids,
        randomness: Randomness,
    ) -> None:
        self._archive_id = archive_id
        self._writer = writer
        self._plan = plan
        self._clock = clock
        self._ulids = ulids
        self._randomness = randomness

    async def record(
        self,
        action: Action,
        *,
        actor: Actor,
        object_type: str = "",
        object_id: str = "",
        result: str = "ok",
        details: Mapping[str, str | int | bool] | None = None,
    ) -> int:
        """Make one event durable and sequenced; return its log index.

        It rides the same group commit as posts, so many readers cost few writes.

        Raises:
            OperatorError: the event could not be kept. The caller must not answer the act then: an
                act that left no trace did not happen.
        """
        now = self._clock()
        body = EventBody(
            at=rfc3339(now),
            actor=actor.name,
            roles=sorted(actor.roles),
            via=actor.via,
            action=action.value,
            object_type=object_type,
            object_id=object_id,
            result=result,
            details=dict(details or {}),
        )
        filed = self._plan.file_event(now)
        record_id = self._ulids.one(now)
        draft = Draft(
            record_id=record_id,
            entry_type="aud",
            lane=filed.lane,
            source=Source(method="audit"),
            parts=(event_part(body),),
            retention=filed.retention,
            event=event_row(record_id, body),
        )
        sealed = seal(self._archive_id, draft, now, self._randomness(SECRET_BYTES))
        (future,) = self._writer.write([sealed])
        return (await future).log_index

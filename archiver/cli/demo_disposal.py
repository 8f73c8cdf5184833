"""The end of a record in the demonstration: planned for at its beginning, reached at its end.

What a campaign's account of long ago held is kept under no duty: one person drafts a short schedule
and a rule for it, another approves both. Its posts are captured, it was closed, one post is held;
the others are due, reviewed, approved by two people, destroyed and certified.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from archiver.app import Services
from archiver.assurance.certificate_verifier import verify_certificate
from archiver.cli.api_client import ApiClient
from archiver.cli.demo_people import Staff
from archiver.cli.demo_step import Step, Waits
from archiver.cli.output import counted
from archiver.model.actor import Actor

CLASS = "us-nara-grs64-020"
_RULE = "summer-campaign"
POSTS = 24
_PLATFORM, _ACCOUNT = "mastodon", "summer-at-hfb"
_CITATION = "House rule: no law is cited"
_POSTED, _CLOSED = timedelta(days=800), timedelta(days=400)
_TERMS = (("posted", "P90D"), ("event:account_closed", "P30D"))


@dataclass(frozen=True, slots=True)
class _Captured:
    """The campaign's records, in the order of the log, and how long the log was then."""

    ids: tuple[str, ...]
    log_size: int


class EndOfRecord:
    """The steps from the file plan to the certificate, and what later ones know from earlier."""

    def __init__(
        self,
        *,
        client: ApiClient,
        services: Services,
        staff: Staff,
        waits: Waits,
        actor: Actor,
    ) -> None:
        self._client = client
        self._services = services
        self._staff = staff
        self._waits = waits
        self._actor = actor
        self._in_force_from = services.clock()
        self._held = ""
        self._gone: tuple[str, ...] = ()

    async def plan(self) -> Step:
        """Shorten a schedule and file the campaign under it: one drafts, another approves."""
        made, approvers = self._staff.records_manager, self._staff.approvers
        schedule = await self._approved(CLASS, _schedule, self._staff)
        rules = await self._approved("", _with_rule, self._staff)
        self._in_force_from = max(schedule, rules)
        return Step(
            name="planned",
            ok=True,
            told=(
                (
                    f"a new version of the schedule of {CLASS}: 90 days after posting and 30 days "
                    "after the account was closed, whichever ends later, then destroy"
                ),
                (
                    f"it and a class rule for {_ACCOUNT} drafted by {made.name}, simulated over "
                    f"the archive, approved by {approvers[0].name}, in force within seconds"
                ),
            ),
            figures={"class": CLASS},
        )

    async def fall_due(self) -> Step:
        """Capture the posts of an account that was closed long ago, and hold one of them."""
        await self._close_account()
        left = (self._in_force_from - self._services.clock()).total_seconds()
        await asyncio.sleep(max(0.0, left))
        captured = await self._capture()
        await self._waits(captured.log_size)
        self._held, *gone = captured.ids
        self._gone = tuple(gone)
        await self._client.post(
            "/api/v1/holds",
            {
                "name": "Claim of a customer",
                "matter": "2026-021",
                "reason": "A customer relies on this post",
                "record_ids": [self._held],
            },
        )
        await self._services.keeping.refiling.finish()
        groups = await self._services.disposition.forming.due(actor=self._staff.records_manager)
        due = sum(group.records for group in groups if group.group.class_code == CLASS)
        return Step(
            name="due",
            ok=due == len(gone),
            told=(
                (
                    f"{counted(POSTS, 'post')} of {_ACCOUNT} captured, an account that was closed "
                    f"{_CLOSED.days} days ago: the register states the event that its term awaits"
                ),
                f"{counted(due, 'record')} due, one kept out by a hold",
            ),
            figures={"due": due, "held": self._held},
        )

    async def dispose(self) -> Step:
        """Form, review, propose, approve by two, carry out; check certificate and what is left."""
        disposition, manager = self._services.disposition, self._staff.records_manager
        (batch,) = await disposition.forming.form(class_code=CLASS, actor=manager)
        review = await disposition.reviews.show(batch.id, actor=manager)
        await disposition.approvals.propose(
            batch.id, reason="Reviewed; nothing of it is needed", actor=manager
        )
        for approver in self._staff.approvers:
            await disposition.approvals.approve(
                batch.id, records=batch.records, reason="Its retention has ended", actor=approver
            )
        done = await disposition.executions.execute(batch.id, actor=manager)
        path = self._services.settings.home / "certificate.json"
        body = "" if done.certificate is None else done.certificate.row.body
        await asyncio.to_thread(path.write_text, body, encoding="utf-8")
        checked, refused = await asyncio.to_thread(self._verify, path)
        kept = await self._client.get(f"/api/v1/records/{self._held}/why")
        gone = await self._client.get(f"/api/v1/records/{self._gone[0]}/why")
        exceptions = sum(review.standouts.values())
        approved_by = " and ".join(each.name for each in self._staff.approvers)
        return Step(
            name="disposed",
            ok=(
                checked["ok"]
                and not refused["ok"]
                and (kept["state"], gone["state"]) == ("held", "disposed")
            ),
            told=(
                (
                    f"batch of {counted(batch.records, 'record')}, {exceptions} exceptions, "
                    f"proposed by {manager.name}, approved by {approved_by}"
                ),
                f"destroyed; the held post stays: {kept['reasons'][1]['text']}",
                f"what was it? {gone['reasons'][0]['text']}",
                f"certificate {path}: {checked['conclusion']}",
                "a letter of a copy altered: refused",
            ),
            figures={"disposed": batch.records, "certificate": str(path), "batch": batch.id},
        )

    def _verify(self, path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
        policy = self._services.witnessing.policy.to_text()
        altered = path.with_name("certificate-altered.json")
        altered.write_text(
            path.read_text(encoding="utf-8").replace(CLASS, CLASS.upper(), 1), "utf-8"
        )
        return verify_certificate(path, policy=policy), verify_certificate(altered, policy=policy)

    async def _approved(self, class_code: str, edit: Any, staff: Staff) -> datetime:
        plan, author = self._services.plan, staff.records_manager
        reason = "Campaigns are over after a year"
        draft = await plan.drafts.make(class_code, reason=reason, actor=author)
        body = edit(json.loads(draft.row.body), self._services.archive.zone)
        await plan.drafts.edit(draft.row.id, body=body, actor=author)
        await plan.life.submit(draft.row.id, actor=author)
        view = await plan.life.approve(
            draft.row.id, reason="It is no business record", actor=staff.approvers[0]
        )
        return view.in_force_from or self._services.clock()

    async def _close_account(self) -> None:
        accounts = self._services.accounts
        made = await accounts.register(
            platform=_PLATFORM, handle=_ACCOUNT, title="Summer campaign", actor=self._actor
        )
        closed_at = self._services.clock() - _CLOSED
        await accounts.close(
            made.id, reason="The campaign is over", closed_at=closed_at, actor=self._actor
        )

    async def _capture(self) -> _Captured:
        start = self._services.clock() - _POSTED
        answer = await self._client.capture(
            [_post(number, start + timedelta(hours=number)) for number in range(POSTS)]
        )
        items = sorted(answer["items"], key=lambda item: item["log_index"])
        return _Captured(
            ids=tuple(item["id"] for item in items), log_size=items[-1]["log_index"] + 1
        )


def _schedule(body: Mapping[str, Any], zone: str) -> dict[str, Any]:
    terms = [
        {
            "id": f"term-{number}",
            "citation": _CITATION,
            "mark": "confirmed",
            "trigger": trigger,
            "period": period,
            "cutoff": "none",
            "zone": "",
            "note": "",
        }
        for number, (trigger, period) in enumerate(_TERMS, start=1)
    ]
    return {**body, "zone": zone, "action": "destroy", "lock": "none", "terms": terms}


def _with_rule(body: Mapping[str, Any], _zone: str) -> dict[str, Any]:
    rule = {"id": _RULE, "class_code": CLASS, "platforms": [_PLATFORM], "accounts": [_ACCOUNT]}
    return {**body, "rules": [rule, *body["rules"]]}


def _post(number: int, at: datetime) -> bytes:
    post_id = f"{110_000_000_000_000_000 + number}"
    capture = {
        "platform": _PLATFORM,
        "account": _ACCOUNT,
        "post_id": post_id,
        "posted_at": at.isoformat(timespec="seconds"),
        "text": f"Day {number + 1} of our summer draw: name a harbour and win a map of it.",
        "lang": "en",
        "author": {"id": "109", "handle": _ACCOUNT, "name": "Harbour & Finch"},
        "payload": {"id": post_id},
    }
    return json.dumps(capture).encode()

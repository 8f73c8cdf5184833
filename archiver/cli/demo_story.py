"""The demonstration, step by step, through the real API. Each step says what happened in figures.

A step that does not find what it expects fails the demonstration; nothing is passed over.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from time import perf_counter
from typing import Any

from archiver.app import Services
from archiver.assurance.evidence.choosing import Wanted
from archiver.assurance.evidence_verifier import verify_bundle
from archiver.capture.sample_company import ACCOUNTS, register_accounts
from archiver.cli.api_client import ApiClient
from archiver.cli.demo_company import Company
from archiver.cli.demo_disposal import EndOfRecord
from archiver.cli.demo_people import Staff
from archiver.cli.demo_step import Step
from archiver.cli.output import counted
from archiver.errors import Stopping
from archiver.jobs.verifying import Extent
from archiver.model.actor import Actor

QUERIES = ("earnings", '"guaranteed returns" OR whatsapp', "is:deleted", "has:media AND platform:x")
HELD = 'whatsapp OR complaint OR "guaranteed returns"'

_WITHIN_S = 60.0
_POLL_S = 0.1


class Story:
    """The steps over one archive that is being served, and what later ones know from earlier."""

    def __init__(
        self,
        *,
        company: Company,
        client: ApiClient,
        services: Services,
        staff: Staff,
        actor: Actor,
    ) -> None:
        self._company = company
        self._client = client
        self._services = services
        self._actor = actor
        self._log_size = 0
        self._held_id = ""
        self._end = EndOfRecord(
            client=client, services=services, staff=staff, waits=self._covered, actor=actor
        )

    async def steps(self) -> AsyncIterator[Step]:
        """Take the steps in order and give each when it is done; end after one that failed."""
        takers: tuple[Callable[[], Coroutine[Any, Any, Step]], ...] = (
            self._end.plan,
            self._register,
            self._capture,
            self._send_again,
            self._wait_for_seal,
            self._search,
            self._hold,
            self._explain,
            self._verify,
            self._prove,
            self._end.fall_due,
            self._end.dispose,
        )
        await self._client.wait_until_served()
        for take in takers:
            step = await take()
            yield step
            if not step.ok:
                return

    async def _register(self) -> Step:
        registered = await register_accounts(self._services.accounts, actor=self._actor)
        left = len(ACCOUNTS) - registered
        return Step(
            name="registered",
            ok=left == 1,
            told=(
                f"{counted(registered, 'account')} with custodian and unit",
                f"{counted(left, 'account')} left out: its captures will name it all the same",
            ),
            figures={"registered": registered},
        )

    async def _capture(self) -> Step:
        company, started = self._company, perf_counter()
        counts = {"captured": 0, "unchanged": 0, "refused": 0}
        batches = company.batches()
        for batch in batches:
            answer = await self._client.capture(batch)
            for status in counts:
                counts[status] += answer[status]
            last = max((item.get("log_index", -1) for item in answer["items"]), default=-1)
            self._log_size = max(self._log_size, last + 1)
        seconds = perf_counter() - started
        sent = len(company.captures)
        changes = company.changes
        return Step(
            name="captured",
            ok=counts == {"captured": sent, "unchanged": 0, "refused": 0},
            told=(
                (
                    f"{counts['captured']:,} of {counted(sent, 'capture')} in "
                    f"{len(batches)} requests to POST /api/v1/captures, durable, each with a "
                    f"signed receipt, in {seconds:.1f} s"
                ),
                ", ".join(f"{name} {n:,}" for name, n in sorted(company.platforms.items())),
                (
                    f"{changes['edited']:,} edits, {changes['deleted']:,} deletions, "
                    f"{company.replies:,} replies, {company.media:,} with media"
                ),
            ),
            figures={**counts, "sent": sent, "seconds": round(seconds, 3)},
        )

    async def _send_again(self) -> Step:
        batch = self._company.batches()[0]
        answer = await self._client.capture(batch)
        return Step(
            name="sent again",
            ok=answer["unchanged"] == len(batch),
            told=(f"{answer['unchanged']:,} of {len(batch):,} unchanged: stored once",),
            figures={"unchanged": answer["unchanged"]},
        )

    async def _wait_for_seal(self) -> Step:
        started = perf_counter()
        await self._covered(self._log_size)
        size, covered = await self._checkpoint_size(), await self._searchable()
        records = len(self._company.captures)
        return Step(
            name="sealed",
            ok=covered["records"] == records,
            told=(
                f"at checkpoint {size:,}: every record is under a signed Merkle root",
                (
                    f"{covered['records']:,} of {counted(records, 'record')} searchable, "
                    f"{perf_counter() - started:.1f} s after the last answer"
                ),
            ),
            figures={"checkpoint": size, "searchable": covered["records"]},
        )

    async def _search(self) -> Step:
        told, counts, ok = [], {}, True
        for query in QUERIES:
            answer = await self._client.get("/api/v1/search", q=query, limit=1)
            expected = self._company.expected(query)
            ok = ok and answer["count"] == expected
            counts[query] = answer["count"]
            told.append(
                f"{answer['count']:,} for {query} (expected {expected:,}) among all "
                f"{counted(answer['covered']['records'], 'record')} up to log size "
                f"{answer['covered']['log_size']:,}"
            )
        return Step(name="searched", ok=ok, told=tuple(told), figures={"counts": counts})

    async def _hold(self) -> Step:
        expected = self._company.expected(HELD)
        hold = await self._client.post(
            "/api/v1/holds",
            {
                "name": "Alder v. Harbour & Finch",
                "matter": "2026-014",
                "reason": "Litigation is expected over promises made in posts",
                "query": HELD,
            },
        )
        hits = (await self._client.get("/api/v1/search", q=HELD, limit=1))["hits"]
        self._held_id = hits[0]["id"] if hits else ""
        return Step(
            name="held",
            ok=hold["records"] == expected and all(hit["held"] for hit in hits),
            told=(
                (
                    f"{counted(hold['records'], 'record')} (expected {expected:,}) by hold "
                    f"{hold['id']} over {HELD}"
                ),
            ),
            figures={"hold": hold["id"], "records": hold["records"]},
        )

    async def _explain(self) -> Step:
        record_id = self._held_id or await self._any_record()
        why = await self._client.get(f"/api/v1/records/{record_id}/why")
        state = "held" if self._held_id else "retain"
        return Step(
            name="explained",
            ok=why["state"] == state and bool(why["reasons"]),
            told=(
                f"record {record_id}: {why['state']}, until {why['until'] or 'further notice'}",
                *(f"{reason['text']} ({reason['citation']})" for reason in why["reasons"]),
            ),
            figures={"record": record_id, "state": why["state"], "until": why["until"]},
        )

    async def _verify(self) -> Step:
        report = await self._services.verifying.run(
            Extent(workers=1, content=True), actor=self._actor
        )
        note = (await self._client.read("/api/v1/log/checkpoint")).decode()
        return Step(
            name="verified",
            ok=report.ok and report.checked >= len(self._company.captures),
            told=(
                (
                    f"{counted(report.checked, 'record')}, events included, every byte read back, "
                    f"decrypted and hashed in {report.seconds:.1f} s: "
                    f"{counted(len(report.problems), 'problem')}"
                ),
                *(problem.what for problem in report.problems),
                "the newest checkpoint, for anyone to check with C2SP tools:",
                *note.rstrip().split("\n"),
            ),
            figures={"checked": report.checked, "problems": len(report.problems), "note": note},
        )

    async def _prove(self) -> Step:
        folder, policy = self._services.settings.home, self._services.witnessing.policy.to_text()
        path, altered = folder / "evidence.zip", folder / "evidence-altered.zip"
        record_id = self._held_id or await self._any_record()
        wanted = Wanted(record_ids=(record_id,))
        exported = await self._services.evidence.export(wanted, path, actor=self._actor)
        report = await asyncio.to_thread(verify_bundle, path, policy=policy)
        body = bytearray(await asyncio.to_thread(path.read_bytes))
        body[len(body) // 2] ^= 1
        await asyncio.to_thread(altered.write_bytes, body)
        refused = await asyncio.to_thread(verify_bundle, altered, policy=policy)
        broken = [check["id"] for check in refused["checks"] if check["state"] == "FAILED"]
        return Step(
            name="proven",
            ok=report["ok"] and bool(broken),
            told=(
                (
                    f"record {record_id} in {path}, {exported.size:,} bytes: parts, manifest, "
                    "entry, proof, audit trail, page, draft certificates and the verifier itself"
                ),
                report["conclusion"],
                f"one bit of a copy altered: refused by the checks {', '.join(broken)}",
            ),
            figures={"bundle": str(path), "refused_by": broken},
        )

    async def _any_record(self) -> str:
        hits = (await self._client.get("/api/v1/search", q="NOT has:media", limit=1))["hits"]
        return str(hits[0]["id"])

    async def _covered(self, log_size: int) -> None:
        """Return when the checkpoint and the index cover so many entries. Raises Stopping."""
        started = perf_counter()
        while True:
            size, indexed = await self._checkpoint_size(), (await self._searchable())["log_size"]
            if min(size, indexed) >= log_size:
                return
            if perf_counter() - started > _WITHIN_S:
                raise Stopping(
                    f"after {_WITHIN_S:.0f} s the checkpoint covers {size}, the index {indexed} of "
                    f"{log_size} entries; see /readyz?verbose"
                )
            await asyncio.sleep(_POLL_S)

    async def _searchable(self) -> Any:
        return (await self._client.get("/api/v1/search", q="is:created", count="true"))["covered"]

    async def _checkpoint_size(self) -> int:
        return int((await self._client.read("/api/v1/log/checkpoint")).split(b"\n")[1])

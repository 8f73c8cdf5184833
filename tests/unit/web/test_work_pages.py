"""Jobs, integrity and imports on the web: pages, downloads, and files on their way in."""

import csv
import io
import json
from typing import Any

import pytest
from aiohttp import FormData, MultipartWriter

from archiver.assurance.lock_drift import Drift, DriftKind
from archiver.assurance.lock_report import LockReport
from archiver.model.actor import Role
from archiver.web.work_documents import (
    ImportList,
    IntegrityDocument,
    JobDocument,
    JobList,
    LocksDocument,
)
from tests.unit.web.fake_services import Face, FakeServices, bearer
from tests.unit.web.fakes_work import AT, CONTENT, HOSTILE

AUDITOR, OPERATOR = bearer(Role.AUDITOR), bearer(Role.OPERATOR)
STATES = ("queued", "running", "done", "failed", "cancelled")
HTMX = {"HX-Request": "true"}


async def page(face: Face, path: str, headers: dict[str, str], *, status: int = 200) -> str:
    response = await face.get(path, headers=headers, allow_redirects=False)
    assert response.status == status
    return await response.text()


class TestJobs:
    async def test_the_list_is_text_and_every_filter_is_in_the_address(self, face: Face) -> None:
        shown = await page(face, "/jobs?state=failed&kind=import", AUDITOR)

        assert "<script>alert" not in shown
        assert "/jobs.csv?kind=import&amp;state=failed" in shown
        assert 'aria-current="page"' in shown

    @pytest.mark.parametrize("state", STATES)
    async def test_a_job_is_shown_in_every_state(self, face: Face, state: str) -> None:
        shown = await page(face, f"/jobs/{state}", AUDITOR)

        assert "<script>alert" not in shown
        assert ('hx-trigger="every 2s"' in shown) is (state in {"queued", "running"})

    async def test_a_rebuild_tells_what_another_analyzer_changed(self, face: Face) -> None:
        shown = await page(face, "/jobs/rebuilt", AUDITOR)
        assert "151 posts are read otherwise of 100,000; 2 words changed" in shown
        assert "Of 8 saved searches, sets and holds by query 1 finds other posts" in shown
        assert 'href="/saved-searches/01K"' in shown
        assert "Words that most posts lost or gained" in shown
        assert "4 posts are more than the 3" in shown

    @pytest.mark.parametrize("state", STATES)
    async def test_what_follows_a_job_is_a_part_and_ends_with_it(
        self, face: Face, state: str
    ) -> None:
        part = await page(face, f"/jobs/{state}", AUDITOR | HTMX)

        assert "<html" not in part
        assert "data-status" in part
        assert ("hx-trigger" in part) is (state in {"queued", "running"})

    async def test_no_spreadsheet_runs_what_a_job_is_about(self, face: Face) -> None:
        text = await page(face, "/jobs.csv", AUDITOR)

        table = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
        assert {row["subject"] for row in table} == {f"'{HOSTILE}"}
        assert {row["state"] for row in table} == set(STATES)

    @pytest.mark.parametrize("path", ["/api/v1/jobs/done/result", "/jobs/done/result"])
    async def test_a_file_is_a_sandboxed_download_with_its_digest_and_in_ranges(
        self, face: Face, path: str
    ) -> None:
        whole = await face.get(path, headers=AUDITOR)
        some = await face.get(path, headers=AUDITOR | {"Range": "bytes=1-4"})

        assert await whole.read() == CONTENT
        assert whole.headers["Repr-Digest"].startswith("sha-256=:")
        assert whole.headers["Content-Disposition"].startswith("attachment;")
        assert whole.headers["Content-Security-Policy"].startswith("sandbox;")
        assert (some.status, await some.read()) == (206, CONTENT[1:5])

    async def test_a_verification_is_started_and_where_to_look_is_told(
        self, face: Face, services: FakeServices
    ) -> None:
        response = await face.post(
            "/api/v1/jobs", json={"kind": "verification", "percent": 5}, headers=AUDITOR
        )

        job = JobDocument.model_validate(await response.json())
        assert response.status == 202
        assert response.headers["Location"] == f"/api/v1/jobs/{job.id}"
        assert services.work.asked == [(5.0, False)]

    @pytest.mark.parametrize(
        "asked",
        [
            {},
            {"kind": "import"},
            {"kind": "verification", "percent": 0},
            {"kind": "verification", "percent": 101},
            {"kind": "verification", "seed": 1},
        ],
    )
    async def test_what_cannot_be_started_is_refused(
        self, face: Face, services: FakeServices, asked: dict[str, Any]
    ) -> None:
        response = await face.post("/api/v1/jobs", json=asked, headers=AUDITOR)

        assert response.status == 400
        assert services.work.asked == []

    async def test_answers_are_as_they_are_described(self, face: Face) -> None:
        JobList.model_validate(await (await face.get("/api/v1/jobs", headers=AUDITOR)).json())
        one = await face.delete("/api/v1/jobs/running", headers=AUDITOR)
        assert JobDocument.model_validate(await one.json()).state == "running"
        assert (await face.delete("/api/v1/jobs/done", headers=AUDITOR)).status == 409
        assert (await face.get("/api/v1/jobs/nobody", headers=AUDITOR)).status == 404


class TestIntegrity:
    async def test_a_problem_names_the_object_the_record_and_what_to_do(
        self, face: Face, services: FakeServices
    ) -> None:
        services.integrity.problems = 1

        shown = await page(face, "/integrity", AUDITOR)

        assert "seg/a/b.seg" in shown
        assert "/records/01KAM0RECRD000000000000001" in shown
        assert "What to do: Keep everything as it is." in shown
        assert "<script>alert" not in shown

    async def test_what_follows_a_verification_comes_in_two_parts_around_the_forms(
        self, face: Face
    ) -> None:
        state = await page(face, "/integrity", AUDITOR | HTMX)
        details = await page(face, "/integrity?part=details", AUDITOR | HTMX)

        assert "Log entries verified" in state
        assert "Last verifications" in details
        assert not any("<form" in part or "<html" in part for part in (state, details))

    async def test_who_may_not_verify_reads_the_page_without_the_button(self, face: Face) -> None:
        shown = await page(face, "/integrity", bearer(Role.REVIEWER))

        assert "Download proof bundle" in shown
        assert "/integrity/verify" not in shown

    @pytest.mark.parametrize(
        ("form", "asked"),
        [
            ({"extent": "full"}, (None, False)),
            ({"extent": "full", "content": "yes", "percent": "5"}, (None, True)),
            ({"extent": "sample", "percent": "2,5 %"}, (2.5, False)),
        ],
    )
    async def test_the_form_starts_a_verification(
        self,
        face: Face,
        services: FakeServices,
        form: dict[str, str],
        asked: tuple[float | None, bool],
    ) -> None:
        response = await face.post(
            "/integrity/verify", data=form, headers=AUDITOR, allow_redirects=False
        )

        assert (response.status, response.headers["Location"]) == (303, "/integrity")
        assert services.work.asked == [asked]

    async def test_a_share_that_is_none_is_shown_beside_its_field(self, face: Face) -> None:
        response = await face.post(
            "/integrity/verify", data={"extent": "sample", "percent": "half"}, headers=AUDITOR
        )

        assert response.status == 400
        assert 'aria-invalid="true"' in await response.text()

    @pytest.mark.parametrize(
        ("query", "since"), [("", "since 0"), ("?since=", "since 0"), ("?since=90", "since 90")]
    )
    async def test_the_proof_is_a_download(self, face: Face, query: str, since: str) -> None:
        response = await face.get(f"/integrity/proof{query}", headers=AUDITOR)

        assert response.headers["Content-Disposition"] == 'attachment; filename="proof-98.zip"'
        assert await response.text() == since

    async def test_drift_names_the_object_what_it_means_and_what_to_do(
        self, face: Face, services: FakeServices
    ) -> None:
        services.integrity.locks = some_locks()

        shown = await page(face, "/integrity", AUDITOR)
        answer = await (await face.get("/api/v1/integrity/locks", headers=AUDITOR)).json()

        assert "1 stored object was found otherwise than promised" in shown
        assert "keys/a/&lt;b&gt;.keys" in shown
        assert "the store would let it be deleted" in shown
        assert "Not compared: second copy: 1,200 of 4,000 segments compared" in shown
        assert "has no default retention" in shown
        newest = LocksDocument.model_validate(answer).newest
        assert newest is not None
        assert (newest["ok"], newest["whole"], newest["found"][0]["mended"]) == (False, False, True)

    async def test_before_the_first_run_nothing_is_claimed(self, face: Face) -> None:
        assert "Not compared yet" in await page(face, "/integrity", AUDITOR)
        answer = await (await face.get("/api/v1/integrity/locks", headers=AUDITOR)).json()
        assert answer == {"newest": None}

    async def test_locks_are_compared_now_by_whoever_may_verify(self, face: Face) -> None:
        response = await face.post("/integrity/locks", headers=AUDITOR, allow_redirects=False)
        queued = await face.post("/api/v1/integrity/locks", headers=AUDITOR)
        refused = await face.post("/api/v1/integrity/locks", headers=bearer(Role.REVIEWER))

        assert (response.status, queued.status, refused.status) == (303, 202, 403)
        assert response.headers["Location"].startswith("/jobs/")
        assert "Compare locks now" not in await page(face, "/integrity", bearer(Role.REVIEWER))

    async def test_the_status_is_as_it_is_described(self, face: Face) -> None:
        response = await face.get("/api/v1/integrity", headers=AUDITOR)

        assert IntegrityDocument.model_validate(await response.json()).state == "verified"


def some_locks() -> LockReport:
    """A run that found a hold missing and did not come to its end."""
    drift = Drift(
        kind=DriftKind.HOLD_MISSING,
        object_key="keys/a/<b>.keys",
        store="second copy",
        found="not held",
        mended=True,
    )
    return LockReport(
        at=AT,
        by="system",
        segments=1200,
        total=4000,
        objects=2400,
        extended_segments=3,
        extended=6,
        drift=1,
        mended=1,
        named=(drift,),
        unfinished=("second copy: 1,200 of 4,000 segments compared, then it was away",),
        bucket=("first store: bucket b has no default retention: set one day",),
    )


def upload(content: bytes, name: str = "posts.csv") -> FormData:
    form = FormData()
    form.add_field("csrf", "of a token")
    form.add_field("file", content, filename=name, content_type="text/csv")
    return form


def nested() -> MultipartWriter:
    outer, inner = MultipartWriter("form-data"), MultipartWriter("mixed")
    inner.append(b"x")
    outer.append_payload(inner).set_content_disposition("form-data", name="file", filename="a.csv")
    return outer


class TestImports:
    async def test_the_history_is_text(self, face: Face) -> None:
        shown = await page(face, "/imports", AUDITOR)

        assert "<script>alert" not in shown
        assert "/imports/new" not in shown  # an auditor imports nothing
        assert "/imports/new" in await page(face, "/imports", OPERATOR)
        answer = await face.get("/api/v1/imports", headers=AUDITOR)
        assert ImportList.model_validate(await answer.json()).total == 1

    async def test_a_file_is_sent_looked_at_and_imported(
        self, face: Face, services: FakeServices
    ) -> None:
        sent = await face.post(
            "/imports/new", data=upload(b"id,text\n1,a\n"), headers=OPERATOR, allow_redirects=False
        )
        assert sent.status == 303
        place = sent.headers["Location"]

        looked = await page(face, f"{place}?format=csv&map.post_id=id&account=%40acme", OPERATOR)
        assert "<script>alert" not in looked
        assert '<input type="hidden" name="map.post_id" value="id">' in looked

        started = await face.post(
            place,
            data={"format": "csv", "map.post_id": "id", "account": "@acme"},
            headers=OPERATOR,
            allow_redirects=False,
        )
        assert started.headers["Location"] == "/jobs/queued"
        assert services.imports.received[0].path.read_bytes() == b"id,text\n1,a\n"
        (asked,) = services.imports.started
        assert (asked.format, asked.fields, asked.account) == ("csv", ("post_id=id",), "@acme")

    async def test_choices_that_cannot_be_are_shown_as_they_were_made(self, face: Face) -> None:
        sent = await face.post(
            "/imports/new", data=upload(b"x"), headers=OPERATOR, allow_redirects=False
        )

        refused = await face.post(
            sent.headers["Location"],
            data={"format": "csv", "zone": "Mars"},
            headers=OPERATOR,
            allow_redirects=False,
        )

        assert refused.headers["Location"] == f"{sent.headers['Location']}?format=csv&zone=Mars"

    async def test_a_file_over_the_limit_is_cut_off_and_forgotten(
        self, face: Face, services: FakeServices
    ) -> None:
        response = await face.post("/imports/new", data=upload(bytes(2_000)), headers=OPERATOR)

        assert response.status == 413
        assert "MUNIMENT_IMPORT_LIMIT_MB" in await response.text()
        assert services.imports.received == []

    @pytest.mark.parametrize(
        "form",
        [
            pytest.param(lambda: FormData({"csrf": "t", "file": "no file"}), id="no file"),
            pytest.param(lambda: upload(b""), id="an empty file"),
            pytest.param(lambda: upload(b"x", name=".."), id="no name"),
            pytest.param(nested, id="a form in the form"),
        ],
    )
    async def test_a_form_without_a_whole_file_is_refused_beside_its_field(
        self, face: Face, form: Any, services: FakeServices
    ) -> None:
        response = await face.post("/imports/new", data=form(), headers=OPERATOR)

        assert response.status == 400
        assert services.imports.received == []

    @pytest.mark.parametrize(
        "content_type",
        [
            "multipart/form-data",
            "multipart/form-data; boundary=x",
            "text/plain",
            "application/json",
        ],
    )
    async def test_what_is_no_form_is_refused(self, face: Face, content_type: str) -> None:
        response = await face.post(
            "/imports/new",
            data=json.dumps({"file": "x"}).encode(),
            headers=OPERATOR | {"Content-Type": content_type},
        )

        assert response.status == 400

    async def test_a_file_in_a_coding_is_refused_unopened(self, face: Face) -> None:
        body = (
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n'
            b"Content-Transfer-Encoding: base64\r\n\r\neA==\r\n--x--\r\n"
        )

        response = await face.post(
            "/imports/new",
            data=body,
            headers=OPERATOR | {"Content-Type": "multipart/form-data; boundary=x"},
        )

        assert response.status == 400

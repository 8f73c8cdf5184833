"""The story of one privacy request over real posts, from the letter to the signed answer."""

import gzip
import itertools
import json
import os
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from archiver.access.destroyed_records import DestroyedRecord
from archiver.app import Services, open_services
from archiver.assurance.certificate_verifier import verify_certificate
from archiver.assurance.verification import verify_full
from archiver.audit.actions import Action
from archiver.capture import importers
from archiver.capture.fields import parse_field_map
from archiver.capture.importers import ImportOptions
from archiver.cli.init import establish
from archiver.clock import system_clock
from archiver.config import Settings
from archiver.db import records as record_rows
from archiver.db.privacy import decisions_among
from archiver.db.tables import metadata
from archiver.disposal.privacy_document import seal_text
from archiver.disposal.privacy_views import JudgedRecord, RequestView
from archiver.errors import Conflict, Denied, InvalidInput, NotFound
from archiver.legal.asking import Asked
from archiver.legal.term_reports import Wanted
from archiver.model.actor import Actor, Role
from archiver.model.post import Change
from archiver.model.privacy import PrivacyDecision
from archiver.preserve.ledger.note import Ed25519Verifier, open_note
from archiver.preserve.plan_versions import KNOWN_WITHIN
from search.query import FieldName
from tests.fakes.archive import AGENT, an_arrival, found_whole, publish, settings_for, stored_posts
from tests.fakes.database_fixtures import *  # noqa: F403 - pytest finds fixtures by name
from tests.fakes.disposal import Time, opened
from tests.fakes.disposal_people import ADA, BEN, RITA, employ
from tests.fakes.postgres import Postgres
from tests.integration.test_recover import lose_database, recover

DATA = Path(os.environ.get("MUNIMENT_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
DAY = DATA / "x" / "congresstweets" / "2020-10-22.json.gz"
MAPPED = ImportOptions(
    platform="x",
    account="congress",
    fields=parse_field_map(
        [
            "post_id=id",
            "author.handle=screen_name",
            "author.id=user_id",
            "posted_at=time",
            "text=text",
            "permalink=link",
        ]
    ),
)
WHY = "she asked us to"
OPERATOR = Actor(name="ike", roles=frozenset({Role.OPERATOR}), via="session", person_id="01IKE")
ALONE = Actor(name="rex", roles=frozenset({Role.REVIEWER}), via="session", person_id="01REX")


@pytest.fixture
def time() -> Time:
    return Time(system_clock() - timedelta(days=2))


@pytest.fixture
async def settings(tmp_path: Path, time: Time) -> Settings:
    return await found_whole(settings_for(tmp_path / "home"), clock=time)


@pytest.fixture
async def services(settings: Settings, time: Time) -> AsyncIterator[Services]:
    async with opened(settings, time) as each:
        await employ(each, RITA, ADA, BEN)
        yield each


async def without_a_lock(services: Services, time: Time) -> None:
    """Let the default class, which no law asks for, be one whose objects are not locked."""
    draft = await services.plan.drafts.make("default", reason=WHY, actor=RITA)
    body: dict[str, Any] = json.loads(draft.row.body) | {"lock": "none"}
    await services.plan.drafts.edit(draft.row.id, body=body, actor=RITA)
    await services.plan.life.submit(draft.row.id, actor=RITA)
    await services.plan.life.approve(draft.row.id, reason=WHY, actor=ADA)
    time.pass_by(KNOWN_WITHIN)
    await services.keeping.refiling.finish()


async def captured(services: Services, *texts: str) -> list[str]:
    arrivals = [an_arrival(text.encode()) for text in texts]
    return [each.record_id for each in await services.ingest.submit(arrivals, actor=AGENT)]


async def a_request(services: Services, ids: list[str], *, kind: str = "erasure") -> RequestView:
    requests = services.privacy
    view = await requests.requests.receive(kind=kind, person="Jo", reference="26-7", actor=RITA)
    return await requests.decisions.find(view.id, record_ids=ids, actor=RITA)


async def judged(services: Services, request_id: str) -> dict[str, JudgedRecord]:
    page = await services.privacy.requests.records(request_id, limit=1000, actor=RITA)
    return {each.asked.id: each for each in page.records}


async def executed(services: Services, batch_id: str, records: int) -> None:
    batches = services.disposition
    await batches.approvals.propose(batch_id, reason=WHY, actor=RITA)
    for who in (ADA, BEN):
        await batches.approvals.approve(batch_id, records=records, reason=WHY, actor=who)
    await batches.executions.execute(batch_id, actor=RITA)


@pytest.mark.skipif(not DAY.is_file(), reason="real posts are not here: set MUNIMENT_TEST_DATA")
async def test_a_person_asks_for_erasure_and_gets_a_signed_answer(  # noqa: PLR0915 - one story
    services: Services, time: Time, tmp_path: Path
) -> None:
    texts = json.loads(gzip.decompress(DAY.read_bytes()))[:120]
    day = tmp_path / "day.json"
    day.write_text(json.dumps(texts))
    person, many = Counter(each["screen_name"] for each in texts).most_common(1)[0]
    await without_a_lock(services, time)
    for chunk in importers.chunks("json", [day], MAPPED):
        await services.ingest.submit(list(importers.arrivals(chunk)), actor=AGENT)  # type: ignore[arg-type] # none is refused
    await services.loops.catch_up()
    hers = (await services.searching.ids(f"from:{person}", actor=RITA)).ids or ()
    assert len(hers) == many > 4
    by_law, held, restricted, other, *erased = hers
    await services.plan.reclassifying.reclassify(
        "us-sec-17a4-comms", record_ids=[by_law], reason="business", actor=RITA
    )
    hold = await services.holds.place(
        name="Q3 inquiry", matter="24-1", reason="suit", record_ids=[held], actor=ADA
    )

    work = services.privacy
    view = await work.requests.receive(
        kind="erasure", person=person, reference="letter of today", actor=RITA
    )
    days = (view.due_at - services.clock()) / timedelta(days=1)
    assert 27 < days < 33
    view = await work.requests.extend(view.id, months=2, reason="many posts", actor=RITA)
    frozen = await services.frozen_sets.freeze(f"from:{person}", actor=RITA)
    view = await work.decisions.find(view.id, set_id=frozen.id, actor=RITA)
    assert (view.records, view.next_step) == (many, f"decide {many} records")

    found = await judged(services, view.id)
    law = found[by_law].to_dict()
    assert law["open_decisions"] == ["refuse", "restrict"]
    assert law["suggested_grounds"] == ["legal-obligation"]
    bars: Any = law["against_erasure"]
    assert {bar["citation"] for bar in bars} == {"17 CFR 240.17a-4(b)(4)"}
    assert found[held].to_dict()["suggested_grounds"] == ["legal-claims"]
    assert found[erased[0]].to_dict()["open_decisions"] == ["erase", "refuse", "restrict"]

    for record_id, cited in ((by_law, "17a-4"), (held, f"hold {hold.id}")):
        with pytest.raises(Conflict, match=f"erase cannot be decided.*{cited}"):
            await work.decisions.decide(
                view.id, "erase", reason=WHY, record_ids=[record_id], actor=RITA
            )
    for record_id, decision, ground in (
        (by_law, "refuse", "legal-obligation"),
        (held, "refuse", "legal-claims"),
        (restricted, "restrict", ""),
        (other, "refuse", "not-about-the-person"),
    ):
        await work.decisions.decide(
            view.id, decision, ground=ground, reason=WHY, record_ids=[record_id], actor=RITA
        )
    view = await work.decisions.decide(view.id, "erase", reason=WHY, everything=True, actor=RITA)
    assert view.to_dict()["to_erase"] == len(erased)
    with pytest.raises(Conflict, match="are to be erased and are still there"):
        await work.closing.close(view.id, actor=RITA)

    (batch,) = await work.erasing.form(view.id, actor=RITA)
    assert (batch.row.action, batch.records) == ("privacy", len(erased))
    with pytest.raises(Conflict, match=r"nothing of privacy request .* waits to be erased"):
        await work.erasing.form(view.id, actor=RITA)
    await executed(services, batch.id, len(erased))
    certificate = await services.disposition.certificates.show(batch.id, actor=RITA)

    path = tmp_path / "certificate.json"
    path.write_text(certificate.row.body)
    checked = verify_certificate(path)
    assert checked["ok"], checked
    (request,) = json.loads(certificate.row.body)["certificate"]["requests"]
    assert request["request"] == view.id
    assert any(f"request {view.id}: event " in str(each["notes"]) for each in checked["checks"])

    view = await work.closing.close(view.id, remark="Sorry it took so long.", actor=RITA)
    assert view.next_step == "closed; 1 records stay restricted"
    answer = json.loads(await work.closing.document(view.id, actor=ADA))
    assert answer["request"]["counts"] == {
        "records": many,
        "erased": len(erased),
        "refused": 3,
        "restricted": 1,
        "restriction_lifted": 0,
    }
    told = {each["id"]: each for each in answer["request"]["records"]}
    assert told[by_law]["ground"]["citation"].startswith("GDPR art. 17(3)(b)")
    assert told[by_law]["kept_until"]
    assert {told[each]["certificate"] for each in erased} == {certificate.row.number}
    verifiers = [Ed25519Verifier.from_vkey(services.archive.vkey)]
    assert open_note(answer["seal"].encode(), verifiers).text == seal_text(answer["request"])
    assert "Q3 inquiry" not in json.dumps(answer)

    for record_id in erased:
        gone = await services.records.show(record_id, actor=RITA)
        assert isinstance(gone, DestroyedRecord)
    await services.loops.catch_up()
    report = await verify_full(services.verifying.target(), workers=1, content=True)
    assert report.problems == ()
    assert dict(report.counts)["destroyed, as the log says"] == len(erased)


async def test_a_post_that_was_edited_meanwhile_is_not_erased_and_not_answered_in_part(  # noqa: PLR0915 - one story
    services: Services, time: Time
) -> None:
    await without_a_lock(services, time)
    versions = itertools.count()

    async def a_version(post_id: str) -> str:
        said = an_arrival(b"version %d" % next(versions), post_id=post_id, change=Change.EDITED)
        (outcome,) = await services.ingest.submit([said], actor=AGENT)
        return outcome.record_id

    first = [await a_version("one"), await a_version("two")]
    view = await a_request(services, first)
    work, batches = services.privacy, services.disposition

    async def decided(decision: str, *ids: str, ground: str = "") -> None:
        await work.decisions.decide(
            view.id, decision, ground=ground, reason=WHY, record_ids=ids, actor=RITA
        )

    async def found_again() -> None:
        await work.decisions.find(view.id, record_ids=first, actor=RITA)

    await decided("erase", first[0])
    await decided("refuse", first[1], ground="legal-claims")
    later = await a_version("one")
    with pytest.raises(Conflict, match=f"1 versions of posts .* the first of them {later}"):
        await work.erasing.form(view.id, actor=RITA)
    await found_again()
    await decided("erase", later)
    (batch,) = await work.erasing.form(view.id, actor=RITA)

    await batches.approvals.propose(batch.id, reason=WHY, actor=RITA)
    for who in (ADA, BEN):
        await batches.approvals.approve(batch.id, records=2, reason=WHY, actor=who)
    latest = await a_version("one")
    with pytest.raises(Conflict, match=f"the first of them {latest}"):
        await batches.executions.execute(batch.id, actor=RITA)
    await found_again()
    await decided("restrict", latest)
    await batches.executions.execute(batch.id, actor=RITA)

    other = await a_version("two")
    with pytest.raises(Conflict, match=f"the first of them {other}"):
        await work.closing.close(view.id, actor=RITA)
    await work.decisions.find(view.id, record_ids=[other], actor=RITA)
    await decided("restrict", other)
    view = await work.closing.close(view.id, actor=RITA)
    assert (view.records, view.count("gone"), view.count("restrict")) == (5, 2, 2)


async def test_what_an_open_batch_left_out_is_in_no_other_and_that_is_said(
    services: Services, time: Time
) -> None:
    await without_a_lock(services, time)
    (record_id,) = await captured(services, "one")
    first = await a_request(services, [record_id])
    second = await a_request(services, [record_id])
    work, batches = services.privacy, services.disposition.batches
    for each in (first, second):
        await work.decisions.decide(each.id, "erase", reason=WHY, everything=True, actor=RITA)
    (batch,) = await work.erasing.form(first.id, actor=RITA)
    await batches.exclude(batch.id, [record_id], reason="a doubt", actor=RITA)

    with pytest.raises(Conflict, match=f"left out of batch {batch.id}.*or cancel it"):
        await work.erasing.form(second.id, actor=RITA)

    await batches.cancel(batch.id, reason=WHY, actor=RITA)
    (other,) = await work.erasing.form(second.id, actor=RITA)
    assert other.records == 1


async def test_who_may_not_gets_nothing_and_it_is_in_the_trail(services: Services) -> None:
    ids = await captured(services, "one")
    work = services.privacy
    with pytest.raises(Denied):
        await work.requests.receive(kind="erasure", person="Jo", actor=ADA)
    view = await a_request(services, ids)
    for refused in (
        work.decisions.decide(view.id, "restrict", reason=WHY, everything=True, actor=ADA),
        work.decisions.find(view.id, record_ids=ids, actor=ADA),
        work.erasing.form(view.id, actor=ADA),
        work.closing.close(view.id, actor=ADA),
        work.requests.list(actor=ALONE),
        work.requests.show(view.id, actor=ALONE),
        work.requests.records(view.id, actor=ALONE),
    ):
        with pytest.raises(Denied):
            await refused
    event = metadata.tables["event"]
    async with services.database.reading() as tx:
        rows = await tx.execute(select(event.c.action).where(event.c.result == "denied"))
        assert Counter(rows.scalars())["privacy:received"] == 1


async def test_what_is_asked_wrongly_is_refused_in_words(services: Services) -> None:
    ids = await captured(services, "one", "two")
    work = services.privacy
    view = await a_request(services, ids)
    for wrong, words in (
        ({"kind": "fame", "person": "Jo"}, "expected one of erasure"),
        ({"kind": "erasure", "person": " "}, "expected a person of 1"),
        (
            {
                "kind": "erasure",
                "person": "Jo",
                "received_at": services.clock() + timedelta(days=1),
            },
            "moment that has passed",
        ),
        (
            {"kind": "erasure", "person": "Jo", "received_at": datetime(26, 11, 20, tzinfo=UTC)},
            "since 1970",
        ),
    ):
        with pytest.raises(InvalidInput, match=words):
            await work.requests.receive(**wrong, actor=RITA)
    decide = work.decisions.decide
    for decision, ground, words in (
        ("forget", "", "expected one of erase"),
        ("refuse", "", "expected one of the grounds"),
        ("restrict", "legal-claims", "none otherwise"),
    ):
        with pytest.raises(InvalidInput, match=words):
            await decide(view.id, decision, ground=ground, reason=WHY, everything=True, actor=RITA)
    with pytest.raises(InvalidInput, match="one of the two"):
        await decide(view.id, "restrict", reason=WHY, actor=RITA)
    with pytest.raises(NotFound, match="not under privacy request"):
        await decide(view.id, "restrict", reason=WHY, record_ids=["x"], actor=RITA)
    with pytest.raises(Conflict, match="was changed since"):
        await decide(view.id, "restrict", reason=WHY, everything=True, version=1, actor=RITA)
    # The default class is locked: nothing of it may be erased, and nothing says it may.
    with pytest.raises(Conflict, match=r"The stored object is locked until .*object lock"):
        await decide(view.id, "erase", reason=WHY, record_ids=ids[:1], actor=RITA)
    with pytest.raises(InvalidInput, match="found none"):
        await decide(view.id, "erase", reason=WHY, everything=True, actor=RITA)
    with pytest.raises(Conflict, match=r"2 records .* are undecided"):
        await work.closing.close(view.id, actor=RITA)


async def test_a_decision_that_is_changed_after_the_approval_keeps_the_record(
    services: Services, time: Time
) -> None:
    await without_a_lock(services, time)
    ids = await captured(services, "goes", "is decided anew", "is held")
    await services.loops.catch_up()
    view = await a_request(services, ids)
    work = services.privacy
    await work.decisions.decide(view.id, "erase", reason=WHY, everything=True, actor=RITA)
    (batch,) = await work.erasing.form(view.id, actor=RITA)
    batches = services.disposition
    await batches.approvals.propose(batch.id, reason=WHY, actor=RITA)
    (wait,) = await services.waiting.list(actor=ADA)
    assert (wait.subject, wait.id, wait.barred) == ("privacy", batch.id, "")
    assert wait.title == "Erasure for privacy request 26-7: class default of acme on example"
    assert "3 records are destroyed for good before their schedule ends" in wait.consequence
    (theirs,) = await services.waiting.list(actor=OPERATOR)
    assert theirs.title == "Erasure for a privacy request: class default of acme on example"
    page = await services.records.page(ids[0], actor=ADA)
    assert page.batch is not None
    assert (page.batch.id, page.batch.state, page.batch.member) == (batch.id, "reviewed", "in")
    assert (await services.records.page(ids[0], actor=ALONE)).batch is None
    for who in (ADA, BEN):
        await batches.approvals.approve(batch.id, records=3, reason=WHY, actor=who)
    await work.decisions.decide(
        view.id,
        "refuse",
        ground="legal-claims",
        reason="a claim came",
        record_ids=ids[1:2],
        actor=RITA,
    )
    hold = await services.holds.place(
        name="Q3", matter="24-1", reason="suit", record_ids=ids[2:], actor=ADA
    )

    await batches.executions.execute(batch.id, actor=RITA)

    assert [row.id for row in await stored_posts(services)] == ids[1:]
    member = metadata.tables["batch_record"]
    async with services.database.reading() as tx:
        rows = await tx.execute(
            select(member.c.reason).where(member.c.state == "kept").order_by("log_index")
        )
        reasons = list(rows.scalars())
    assert reasons[0] == "no open privacy request has decided to erase it"
    assert reasons[1].startswith(f"On hold {hold.id} since")


async def test_a_rebuilt_database_knows_every_request(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "home")
    await establish(settings, {Role.ADMINISTRATOR})
    async with open_services(settings) as services:
        ids = await captured(services, "one", "two", "three")
        work = services.privacy
        view = await a_request(services, ids, kind="restriction")
        await work.requests.extend(view.id, months=1, reason=WHY, actor=RITA)
        await work.decisions.decide(view.id, "restrict", reason=WHY, everything=True, actor=RITA)
        await work.decisions.lift(
            view.id, told_at=services.clock(), reason=WHY, record_ids=ids[:1], actor=RITA
        )
        await work.closing.close(view.id, actor=RITA)
        await work.decisions.lift(
            view.id, told_at=services.clock(), reason=WHY, record_ids=ids[1:2], actor=RITA
        )
        still_open = await a_request(services, ids[:1])
        await publish(services)
        before = await rows_of(services)
    lose_database(settings)
    told = await recover(settings)
    assert told["problems"] == []
    async with open_services(settings) as services:
        assert await rows_of(services) == before
        assert len(before["privacy_record"]) == len(ids) + 1
        assert (await services.privacy.requests.show(still_open.id, actor=ADA)).records == 1


async def rows_of(services: Services) -> dict[str, set[tuple[object, ...]]]:
    async with services.database.reading() as tx:
        return {
            name: {tuple(row) for row in await tx.execute(select(metadata.tables[name]))}
            for name in ("privacy_request", "privacy_record")
        }


async def test_what_is_restricted_no_ordinary_search_finds(services: Services) -> None:
    await services.loops.catch_up()
    saved = await services.saved_searches.save(Asked(query="merger"), name="m", actor=ALONE)
    ids = await captured(services, "merger one", "merger two", "merger three")
    await services.loops.catch_up()
    before = await services.frozen_sets.freeze("merger", name="before", actor=ALONE)
    view = await a_request(services, ids[:2], kind="restriction")
    work = services.privacy.decisions
    await work.decide(view.id, "restrict", reason=WHY, record_ids=ids[:1], actor=RITA)
    await services.loops.catch_up()

    for actor, told in ((RITA, 1), (ADA, 1), (ALONE, None)):
        answer = await services.searching.ids("merger", actor=actor)
        assert (answer.count, answer.ids) == (2, tuple(ids[1:]))
        assert (answer.covered.records, answer.covered.restricted) == (2, told)
        assert answer.covered.is_exact
        asked = Asked(query="merger")
        seen = await services.searching.overview(asked, facets=[FieldName.ACCOUNT], actor=actor)
        assert (seen.answer.count, seen.facets[0].values) == (2, (("acme", 2),))
        assert sum(count for _, count in seen.histogram.bars) == 2 if seen.histogram else False
        assert [hit.id for hit in seen.answer.hits] == ids[:0:-1]
    assert (await services.searching.count("account:acme", actor=ALONE)).count == 2

    assert (await services.frozen_sets.ids(before.id, actor=ALONE)).ids == tuple(ids[1:])
    assert (await services.frozen_sets.page(before.id, actor=ADA)).shown == 2
    assert (await services.frozen_sets.freeze("merger", actor=RITA)).records == 2
    report = await services.term_reports.make(Wanted(terms="merger", set_id=before.id), actor=ALONE)
    assert (report.documents, report.terms[0].documents) == (2, 2)
    (news,) = (await services.saved_searches.list(actor=ALONE)).items
    assert news.new == 2
    assert saved.row.id == news.row.id


async def test_a_restriction_holds_in_the_search_after_it_which_is_one_event(
    services: Services,
) -> None:
    ids = await captured(services, "merger one", "merger two")
    await services.loops.catch_up()
    asked = Asked(query="merger")
    for _ in range(2):  # the second supposes what the first was told
        assert (await services.searching.overview(asked, actor=ALONE)).answer.count == 2
    view = await a_request(services, ids[:1], kind="restriction")
    await services.privacy.decisions.decide(
        view.id, "restrict", reason=WHY, record_ids=ids[:1], actor=RITA
    )

    answer = (await services.searching.overview(asked, actor=ALONE)).answer

    assert (answer.count, [hit.id for hit in answer.hits]) == (1, ids[1:])
    async with services.database.reading() as tx:
        told = await tx.execute(
            select(metadata.tables["event"].c.details)
            .where(metadata.tables["event"].c.action == Action.SEARCH_RUN.value)
            .order_by(metadata.tables["event"].c.record_id)
        )
        counts = [json.loads(details)["count"] for details in told.scalars()]
    assert counts == [2, 2, 1]


async def test_what_comes_later_of_a_restricted_post_is_restricted_until_that_is_lifted(  # noqa: PLR0915 - one story
    services: Services,
) -> None:
    async def a_version(text: str, post_id: str = "one") -> str:
        said = an_arrival(text.encode(), post_id=post_id, change=Change.EDITED)
        (outcome,) = await services.ingest.submit([said], actor=AGENT)
        return outcome.record_id

    first, other = await a_version("merger one"), await a_version("merger other", "two")
    view = await a_request(services, [first], kind="restriction")
    work = services.privacy
    await work.decisions.decide(view.id, "restrict", reason=WHY, everything=True, actor=RITA)
    await work.closing.close(view.id, actor=RITA)
    await services.loops.catch_up()
    asked = Asked(query="merger")
    for _ in range(2):  # the second supposes what the first was told
        assert (await services.searching.overview(asked, actor=ALONE)).answer.count == 1

    edit = await a_version("merger one, edited")
    await services.loops.catch_up()

    assert [h.id for h in (await services.searching.overview(asked, actor=ALONE)).answer.hits] == [
        other
    ]
    assert (await services.searching.ids("merger", actor=ALONE)).ids == (other,)
    assert (await services.searching.ids("is:restricted", actor=RITA)).ids == (first, edit)
    with pytest.raises(Denied, match="is restricted at the request of a person"):
        await services.records.show(edit, actor=ALONE)
    page = await services.records.page(edit, actor=RITA)
    assert [(each.request_id, each.is_later) for each in page.restrictions] == [(view.id, True)]
    view = await work.requests.show(view.id, actor=RITA)
    assert view.to_dict()["restricted_later"] == 1
    assert view.next_step == "closed; 2 records stay restricted"
    many = [
        an_arrival(b"merger %d" % each, post_id="one", change=Change.EDITED) for each in range(600)
    ]
    await services.ingest.submit(many, actor=AGENT)
    await services.loops.catch_up()
    assert (await services.searching.overview(asked, actor=ALONE)).answer.count == 1
    assert (await services.searching.count("is:restricted", actor=RITA)).count == 602
    async with services.database.reading() as tx:
        index = (await record_rows.get(tx, edit)).log_index
        assert await tx.run_sync(lambda connection: decisions_among(connection, [index])) == {
            index: {PrivacyDecision.RESTRICT}
        }
    report = await verify_full(services.verifying.target(), workers=1, content=True)
    assert report.problems == ()

    await work.decisions.lift(
        view.id, told_at=services.clock(), reason="settled", everything=True, actor=RITA
    )

    assert (await services.searching.count("merger", actor=ALONE)).count == 603
    assert (await services.records.show(edit, actor=ALONE)).to_dict()["restricted"] is False


async def test_who_may_read_restricted_records_asks_for_them(services: Services) -> None:
    ids = await captured(services, "merger one", "merger two", "merger three")
    view = await a_request(services, ids[:2], kind="restriction")
    work = services.privacy.decisions
    await work.decide(view.id, "restrict", reason=WHY, record_ids=ids[:1], actor=RITA)
    await services.loops.catch_up()

    with pytest.raises(Denied, match=r"is restricted at the request of a person \(GDPR art. 18"):
        await services.records.show(ids[0], actor=ALONE)
    with pytest.raises(Denied):
        await services.searching.count("is:restricted", actor=ALONE)
    for actor in (RITA, ADA):
        page = await services.records.page(ids[0], actor=actor)
        assert page.view.to_dict()["restricted"] is True
        assert [(each.request_id, each.reason) for each in page.restrictions] == [(view.id, WHY)]
        found = await services.searching.ids("merger AND is:restricted", actor=actor)
        assert found.ids == (ids[0],)
        everything = await services.searching.ids(
            "merger AND NOT (one AND NOT is:restricted)", actor=actor
        )
        assert everything.ids == tuple(ids)

    # For legal claims it counts: a hold takes it, and it is kept and verified as ever.
    hold = await services.holds.place(name="Q3", reason="suit", query="merger", actor=ADA)
    assert hold.records == 3
    with pytest.raises(InvalidInput, match="is:restricted, which change"):
        await services.holds.place(name="Q4", reason="s", query="is:restricted", actor=ADA)
    report_of = await verify_full(services.verifying.target(), workers=1, content=True)
    assert report_of.problems == ()

    with pytest.raises(InvalidInput, match="after the restriction"):
        await work.lift(
            view.id,
            told_at=services.clock() - timedelta(days=1),
            reason=WHY,
            everything=True,
            actor=RITA,
        )
    with pytest.raises(Conflict, match="lift that first"):
        await work.decide(
            view.id, "refuse", ground="legal-claims", reason=WHY, record_ids=ids[:1], actor=RITA
        )
    await work.lift(
        view.id, told_at=services.clock(), reason="settled", everything=True, actor=RITA
    )
    assert (await services.searching.count("merger", actor=ALONE)).count == 3
    assert (await services.records.show(ids[0], actor=ALONE)).to_dict()["restricted"] is False


async def test_a_request_is_answered_on_postgresql(
    postgres: Postgres, tmp_path: Path, time: Time
) -> None:
    settings = settings_for(tmp_path / "home", database_url=postgres.fresh_database())
    async with opened(await found_whole(settings, clock=time), time) as services:
        await employ(services, RITA, ADA, BEN)
        await without_a_lock(services, time)
        ids = await captured(services, "merger goes", "merger stays")
        await services.loops.catch_up()
        view, work = await a_request(services, ids), services.privacy
        await work.decisions.decide(view.id, "restrict", reason=WHY, record_ids=ids[1:], actor=RITA)
        await work.decisions.decide(view.id, "erase", reason=WHY, everything=True, actor=RITA)
        await services.loops.catch_up()
        assert (await services.searching.ids("merger", actor=ALONE)).ids == tuple(ids[:1])
        (batch,) = await work.erasing.form(view.id, actor=RITA)
        await executed(services, batch.id, 1)
        view = await work.closing.close(view.id, actor=RITA)
        assert (view.records, view.count("gone"), view.count("restrict")) == (2, 1, 1)
        assert (await work.requests.list(state="closed", actor=ADA)).total == 1

"""What people decided, changed by SQL, is found by a full verification that opens content.

One archive is built once: a batch of it was destroyed in part and certified, another is approved,
the execution of two died half-way; a request restricts a post and lifted another, and all disposal
is stopped. A search is saved and was looked at, a term report is made, a draft is begun, a release
of a hold was refused and is asked for again. Each test gets a copy of its folder and changes rows,
as somebody with the file could.
"""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from archiver.access.approvals import Act
from archiver.app import Services
from archiver.assurance import head
from archiver.errors import StorageUnavailable
from archiver.legal.asking import Asked
from archiver.legal.term_reports import Wanted
from archiver.model.actor import Role
from archiver.preserve.ledger.entry import disposal_entries
from tests.fakes.archive import AGENT, an_arrival, found_whole, settings_for
from tests.fakes.disposal import NINE_YEARS, Time, approved, opened, posts_saying
from tests.fakes.disposal_people import ADA, BEN, RITA
from tests.integration.test_altered_rows import NOBODY, OFFICER, Change, Copy, require_found

WHY = "she asked us to"


class Built(NamedTuple):
    """The archive. `restricted` and `freed` are log indexes of posts of the request.

    `gone` is the batch that was destroyed, `ready` the one that is approved; `spared` is a post
    that was in the first and is under a hold.
    """

    home: Path
    now: datetime
    request: str
    restricted: int
    freed: int
    gone: str
    ready: str
    spared: int
    spared_id: str
    stop: str
    ada: str
    rita: str
    token: str
    account: str
    draft: str
    saved: str
    report: str
    refused: str
    asked: str


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return asyncio.run(_build(tmp_path_factory.mktemp("built") / "home"))


async def _build(home: Path) -> Built:
    time = Time(datetime(2014, 3, 4, tzinfo=UTC))
    settings = await found_whole(settings_for(home), clock=time)
    async with opened(settings, time) as services:
        arrivals = [an_arrival(b"post %d" % n) for n in range(10)]
        answers = await services.ingest.submit(arrivals, actor=AGENT)
        ids = [each.record_id for each in answers]
        posts = await posts_saying(services, ids)
        await services.loops.catch_up()
        request = await _decide(services, ids[:2])
        account = await services.accounts.register(
            platform="example", handle="acme", unit="press", actor=OFFICER
        )
        token, _ = await services.tokens.create("feed", {Role.REVIEWER}, actor=OFFICER)
        await services.tokens.revoke(token.id, actor=OFFICER)
        draft = await services.plan.drafts.make("default", reason="counsel asks", actor=RITA)
        saved = await services.saved_searches.save(Asked(query="post"), name="S", actor=OFFICER)
        await services.saved_searches.open(saved.id, actor=OFFICER)
        frozen = await services.frozen_sets.freeze("post", name="F", actor=OFFICER)
        report = await services.term_reports.make(
            Wanted(terms="post", set_id=frozen.id), actor=OFFICER
        )
        time.pass_by(NINE_YEARS)
        gone = await approved(services, posts[2:5])
        hold = await services.holds.place(
            name="A", matter="24-1", reason="suit", record_ids=[ids[4]], actor=OFFICER
        )
        refused, asked = await _ask_for_release(services, hold.id)
        done = await services.disposition.executions.execute(gone, actor=RITA)
        assert done.certificate is not None
        ready = await approved(services, posts[5:8])
        await _interrupted(services, "_end", await approved(services, posts[8:9]))
        await _interrupted(services, "_destroy", await approved(services, posts[9:]))
        stop = (await services.disposition.stop.stop(reason="audit", actor=RITA)).stops[0]
        await services.loops.catch_up()
        return Built(
            home,
            time.now,
            request,
            posts[0].log_index,
            posts[1].log_index,
            gone,
            ready,
            posts[4].log_index,
            ids[4],
            stop.id,
            ADA.person_id,
            RITA.person_id,
            token.id,
            account.id,
            draft.row.id,
            saved.id,
            report.id,
            refused,
            asked,
        )


async def _ask_for_release(services: Services, hold_id: str) -> tuple[str, str]:
    """Have the release of a hold refused, and ask for it again; return both requests."""
    ask = services.approvals.request
    refused = await ask(Act.RELEASE_HOLD, "hold", hold_id, "settled", actor=ADA)
    await services.approvals.decide(refused.id, approve=False, actor=BEN)
    asked = await ask(Act.RELEASE_HOLD, "hold", hold_id, "settled now", actor=ADA)
    return refused.id, asked.id


async def _interrupted(services: Services, step: str, batch_id: str) -> None:
    """Let an execution die before one of its steps."""

    async def die(*_: object) -> None:
        raise StorageUnavailable("it died here")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(services.destruction, step, die)
        with pytest.raises(StorageUnavailable):
            await services.disposition.executions.execute(batch_id, actor=RITA)


async def _decide(services: Services, ids: list[str]) -> str:
    work = services.privacy
    view = await work.requests.receive(
        kind="restriction", person="Jo", reference="26-7", actor=RITA
    )
    await work.decisions.find(view.id, record_ids=ids, actor=RITA)
    await work.decisions.decide(view.id, "restrict", reason=WHY, everything=True, actor=RITA)
    told_at = services.clock()
    await work.decisions.lift(view.id, told_at=told_at, reason=WHY, record_ids=ids[1:], actor=RITA)
    return view.id


@pytest.fixture
def copy(built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Copy[Built]:
    monkeypatch.setattr(head, "PUBLICATION_S", 0.0)
    shutil.copytree(built.home, tmp_path / "home")
    return Copy(built, tmp_path / "home")


async def test_what_people_decided_is_no_problem(copy: Copy[Built]) -> None:
    report = await copy.verified()
    assert report.problems == ()
    assert not [each for each in report.not_checked if "kind" in each]


ALTERED: dict[str, tuple[Change, ...]] = {
    "privacy requests": (
        Change(
            "privacy request {request}, record at log index {restricted}: expected decision "
            "'restrict' as events state it, found 'lifted'",
            ("UPDATE privacy_record SET decision = 'lifted' WHERE log_index = {restricted}",),
            "database:privacy_record",
        ),
        Change(
            "privacy request {request}, record at log index {freed}: expected it as its events "
            "state it (decision 'lifted', ground ''), found no row",
            ("DELETE FROM privacy_record WHERE log_index = {freed}",),
            "database:privacy_record",
        ),
        Change(
            "privacy request {request}, record at log index {spared}: expected none, as no event "
            "states it, found one (decision 'erase', ground '')",
            ("INSERT INTO privacy_record VALUES ('{request}', {spared}, 'erase', '', '', 'x', 1)",),
            "database:privacy_record",
        ),
        Change(
            "privacy request {request}: expected state 'open' as events state it, found 'closed', "
            "expected restricts 1 as events state it, found 0, its person in the database is not",
            ("UPDATE privacy_request SET state = 'closed', restricts = 0, person = 'Al'",),
            "database:privacy_request",
        ),
    ),
    "what is destroyed": (
        Change(
            "batch {ready}: expected state 'approved' as events state it, found 'done'",
            ("UPDATE batch SET state = 'done' WHERE id = '{ready}'",),
            "database:batch",
        ),
        Change(
            f"batch {NOBODY}: expected none, as no event states it, found one (state 'approved'",
            (
                (
                    f"INSERT INTO batch SELECT '{NOBODY}', class_code, schedule_version, action, "
                    "platform, account, period, 'approved', log_size, records, bytes, method, "
                    "formed_by, formed_by_id, formed_at, proposed_by, proposed_by_id, proposal, "
                    "approvals_needed, stated_at FROM batch WHERE id = '{gone}'"
                ),
            ),
            "database:batch",
        ),
        Change(
            "batch {gone}, record at log index {spared}: expected state 'kept' as events state it,"
            " found 'in'",
            ("UPDATE batch_record SET state = 'in' WHERE log_index = {spared}",),
            "database:batch_record",
        ),
        Change(
            "batch {ready}, approval of 'x': expected none, as no event states it, found one",
            ("INSERT INTO batch_approval VALUES ('{ready}', 'x', 'x', 3, 'x', 1)",),
            "database:batch_approval",
        ),
        Change(
            "batch {ready}, approval of '{ada}': expected it as its events state it (records 3), "
            "found no row",
            ("DELETE FROM batch_approval WHERE batch_id = '{ready}' AND approver_id = '{ada}'",),
            "database:batch_approval",
        ),
        Change(
            "its body in the database is not what its events state",
            ("UPDATE certificate SET body = replace(body, '{gone}', '{ready}')",),
            "database:certificate",
        ),
        Change(
            "destroyed record at log index {spared}: expected none, as no event states it, found "
            "one (id '{spared_id}', batch_id '{gone}', method 'delete'",
            (
                (
                    "INSERT INTO disposed SELECT {spared}, '{spared_id}', entry_type, class_code, "
                    "rule, schedule_version, segment_id, frame, size, captured_at, batch_id, "
                    "'delete', dis_index, disposed_at FROM disposed LIMIT 1"
                ),
            ),
            "database:disposed",
        ),
        Change(
            "emergency stop {stop}, lifting '': expected it as its events state it, found no row",
            ("DELETE FROM disposal_stop",),
            "database:disposal_stop",
        ),
    ),
    "where records are filed": (
        Change(
            "class rules, version 1: its body in the database is not what its events state; look",
            (
                (
                    "UPDATE class_rules SET body = json_set(body, '$.default_class', "
                    "'us-sec-17a4-comms')"
                ),
            ),
            "database:class_rules",
        ),
        Change(
            "class rules, version 2: expected none, as no event states it, found one (in_force",
            (
                (
                    "INSERT INTO class_rules SELECT 2, json_set(body, '$.version', 2), "
                    "in_force_from FROM class_rules"
                ),
            ),
            "database:class_rules",
        ),
        Change(
            "class default: expected closed_at None as events state it, found 7, its body in",
            (
                (
                    "UPDATE file_class SET closed_at = 7, body = json_set(body, '$.title', 'x') "
                    "WHERE code = 'default'"
                ),
            ),
            "database:file_class",
        ),
        Change(
            "class x: expected none, as no event states it, found one (revision 1)",
            (
                (
                    "INSERT INTO file_class (code, body) SELECT 'x', json_set(body, '$.code', 'x') "
                    "FROM file_class WHERE code = 'default'"
                ),
            ),
            "database:file_class",
        ),
        Change(
            "class us-sec-17a4-comms: expected it as its events state it (revision 1), found no",
            ("DELETE FROM file_class WHERE code = 'us-sec-17a4-comms'",),
            "database:file_class",
        ),
        Change(
            "draft {draft}: expected state 'draft' as events state it, found 'submitted', its au",
            ("UPDATE plan_draft SET state = 'submitted', authors = '[\"x\"]'",),
            "database:plan_draft",
        ),
        Change(
            f"draft {NOBODY}: expected none, as no event states it, found one (subject 'schedule'",
            (
                (
                    f"INSERT INTO plan_draft SELECT '{NOBODY}', subject, class_code, based_on, "
                    "body, reason, state, in_force_from, simulation, revision, made_by, made_at, "
                    "authors, decided_by, stated_at FROM plan_draft"
                ),
            ),
            "database:plan_draft",
        ),
    ),
    "what is searched again": (
        Change(
            "saved search {saved}: its owner in the database is not what its events state; place",
            ("UPDATE saved_search SET owner = 'x'",),
            "database:saved_search",
        ),
        Change(
            "saved search {saved}, version 1: its query in the database is not what its events",
            ("UPDATE saved_search_version SET query = 'x'",),
            "database:saved_search_version",
        ),
        Change(
            "saved search {saved}, version 2: expected none, as no event states it, found one (a",
            (
                (
                    "INSERT INTO saved_search_version SELECT saved_search_id, 2, name, "
                    "description, 'x', normalised, asked, shared_with, archived, made_at, made_by "
                    "FROM saved_search_version"
                ),
            ),
            "database:saved_search_version",
        ),
        Change(
            "saved search {saved}, seen by ",
            ("DELETE FROM saved_search_visit",),
            "database:saved_search_visit",
        ),
        Change(
            "term report {report}: expected hits 9 as events state it, found 4; hand it to",
            ("UPDATE term_report SET hits = 4",),
            "database:term_report",
        ),
        Change(
            "term report {report}, term 1: expected it as its events state it, found no row",
            ("DELETE FROM term_hits",),
            "database:term_hits",
        ),
        Change(
            "term report {report}, term 7: expected none, as no event states it, found one",
            ("INSERT INTO term_hits VALUES ('{report}', 7, x'00')",),
            "database:term_hits",
        ),
    ),
    "what two people do": (
        Change(
            "request {refused} for a second person: expected the event of who decided it so, "
            "found none, and that it is approved; do not do what it asks for",
            ("UPDATE approval SET state = 'approved' WHERE id = '{refused}'",),
            "database:approval",
        ),
        Change(
            "request {asked} for a second person: its requester in the database is not what its",
            ("UPDATE approval SET requester_id = 'x' WHERE id = '{asked}'",),
            "database:approval",
        ),
        Change(
            f"request {NOBODY} for a second person: expected none, as no event asked for it, found "
            "one that is approved",
            (
                (
                    f"INSERT INTO approval SELECT '{NOBODY}', act, object_type, object_id, "
                    "reason, 'approved', requested_by, requester_id, requested_at, 'x', 1 "
                    "FROM approval WHERE id = '{asked}'"
                ),
            ),
            "database:approval",
        ),
    ),
    "who may act": (
        Change(
            "person {rita}, role 'counsel' in unit '', matter '': expected none, as no event "
            "states it, found one; look in the audit trail",
            ("INSERT INTO person_role VALUES ('{rita}', 'counsel', '', '')",),
            "database:person_role",
        ),
        Change(
            "person {ada}, role 'counsel' in unit '', matter '': expected it as its events state "
            "it, found no row",
            ("DELETE FROM person_role WHERE person_id = '{ada}'",),
            "database:person_role",
        ),
        Change(
            "person {ada}: expected state 'active' as events state it, found 'disabled', its email",
            ("UPDATE person SET state = 'disabled', email = 'a@b.c' WHERE id = '{ada}'",),
            "database:person",
        ),
        Change(
            "token {token}: expected roles 'reviewer' as events state it, found 'administrator', "
            "expected revoked_at ",
            ("UPDATE token SET roles = 'administrator', revoked_at = NULL WHERE id = '{token}'",),
            "database:token",
        ),
        Change(
            f"token {NOBODY}: expected none, as no event states it, found one (roles 'agent'",
            (
                (
                    f"INSERT INTO token SELECT '{NOBODY}', name, x'00', 'agent', created_at, "
                    "expires_at, NULL, unit, matter, created_by, last_used_at FROM token"
                ),
            ),
            "database:token",
        ),
        Change(
            "account {account}: expected unit 'press' as events state it, found 'sales'",
            ("UPDATE account SET unit = 'sales'",),
            "database:account",
        ),
    ),
}


@pytest.mark.parametrize("kind", ALTERED)
async def test_a_decision_that_no_event_states_is_found_and_only_it(
    copy: Copy[Built], kind: str
) -> None:
    copy.sql(*(statement for each in ALTERED[kind] for statement in each.statements))
    report = await copy.verified()
    require_found(report, copy, ALTERED[kind])
    assert len(report.problems) == len(ALTERED[kind]), report.problems


async def test_an_entry_that_lets_a_kept_record_go_is_found_though_it_is_signed(
    copy: Copy[Built],
) -> None:
    """It says that it is of the very moment in which the gate let others of the batch go."""
    built = copy.built
    with closing(sqlite3.connect(copy.home / "archive.db")) as connection:
        (moment,) = connection.execute("SELECT max(disposed_at) FROM disposed").fetchone()
    (entry,) = disposal_entries(built.gone, "delete", {built.spared: built.spared_id}, moment)
    copy.sql(
        "INSERT INTO log_entry SELECT next_index, x'" + entry.hex() + "' FROM log_state",
        "UPDATE log_state SET next_index = next_index + 1",
    )

    (problem,) = (await copy.verified()).problems

    assert "it states that 1 records of batch {gone} may be gone".format(**copy.words) in (
        problem.what
    )


async def test_where_an_event_is_lost_the_row_it_made_is_said_to_lack_it_for_that(
    copy: Copy[Built],
) -> None:
    with closing(sqlite3.connect(copy.home / "archive.db")) as connection:
        (key,) = connection.execute(
            "SELECT object_key FROM segment JOIN record ON segment_id = segment.id "
            "JOIN event ON record_id = record.id WHERE action = 'privacy:lifted'"
        ).fetchone()
    (path,) = copy.home.rglob(Path(key).name)
    path.unlink()

    problems = (await copy.verified()).problems

    assert any(
        each.what.startswith(f"privacy request {copy.built.request}")
        and "; not all records of the log could be opened" in each.what
        for each in problems
    ), problems

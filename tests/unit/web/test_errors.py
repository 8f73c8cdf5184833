import pytest

from archiver import errors
from archiver.errors import ArchiverError
from archiver.model.actor import Role
from archiver.web.errors import STATUS, problem_of, status_of
from tests.unit.web.fake_services import Face, FakeServices, bearer

SEARCH = "/api/v1/search?q=word"


def leaves(family: type[ArchiverError]) -> set[type[ArchiverError]]:
    below = [each for each in family.__subclasses__() if each.__module__ == errors.__name__]
    return {family} if not below else set().union(*map(leaves, below))


def test_every_leaf_of_the_error_tree_has_its_status() -> None:
    assert leaves(ArchiverError) <= set(STATUS)


def test_who_is_not_signed_in_is_401_and_who_may_not_is_403() -> None:
    assert status_of(errors.Denied("x", authenticated=False)) == 401
    assert status_of(errors.Denied("x")) == 403


def test_a_problem_names_the_field_it_is_about() -> None:
    problem, _ = problem_of(errors.InvalidInput("too long", pointer="/name"), "r-1")

    assert problem.errors == ({"pointer": "/name", "detail": "too long"},)
    assert (problem.type, problem.instance) == ("urn:muniment:problem:invalid-input", "r-1")


@pytest.mark.parametrize(
    "failure",
    [
        RuntimeError("password=hunter2 at /srv/secret"),
        errors.ConfigurationError("keyring at /srv/secret, password=hunter2"),
        errors.IntegrityError("segment /srv/secret password=hunter2 differs"),
    ],
)
async def test_faults_of_ours_tell_the_caller_an_instance_and_nothing_else(
    face: Face, services: FakeServices, failure: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    services.searching.failure = failure

    response = await face.get(SEARCH, headers=bearer(Role.COUNSEL))

    body = await response.text()
    assert response.status == 500
    assert "hunter2" not in body
    assert "/srv" not in body
    assert "Traceback" not in body
    assert response.headers["X-Request-Id"] in capsys.readouterr().out


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("PUT", "/api/v1/holds", 405),
        ("GET", "/log/../../etc/passwd", 404),
        ("GET", "/log/tile/0/%2e%2e/000", 404),
        ("GET", "/log/tile/64/000", 404),
        ("GET", "/log/tsr/1/a.tsr", 404),
    ],
)
async def test_what_the_router_refuses_is_a_problem_document_too(
    face: Face, method: str, path: str, status: int
) -> None:
    response = await face.request(method, path, headers=bearer(Role.AUDITOR))

    problem_or_page = response.content_type
    assert response.status == status
    if path.startswith(("/api/", "/log/")) and ".." not in path:
        assert problem_or_page == "application/problem+json"


async def test_a_sound_request_id_is_kept_and_an_unsound_one_replaced(face: Face) -> None:
    kept = await face.get("/livez", headers={"X-Request-Id": "trace-1.A_b"})
    made = await face.get("/livez", headers={"X-Request-Id": "<script>"})

    assert kept.headers["X-Request-Id"] == "trace-1.A_b"
    assert "<" not in made.headers["X-Request-Id"]


async def test_the_access_log_holds_neither_query_nor_token(
    face: Face, capsys: pytest.CaptureFixture[str]
) -> None:
    await face.get("/api/v1/search?q=merger", headers=bearer(Role.COUNSEL))
    await face.get("/api/v1/nothing/merger?q=merger", headers=bearer(Role.COUNSEL))

    written = "".join(capsys.readouterr())
    assert "/api/v1/search" in written
    assert "merger" not in written
    assert "mun_counsel" not in written

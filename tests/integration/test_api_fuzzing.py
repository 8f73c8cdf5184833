"""Every operation of the API document, called with what fits it and with what does not.

Schemathesis makes the requests from `/api/v1/openapi.json` of a served archive and judges the
answers. Off is `positive_data_acceptance`: what fits a schema may still name nothing (404), be
taken (409) or make no sense (a malformed query). Off are `unsupported_method` and the checks on
credentials: `tests/unit/web` tries every method and every way to come without a token.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
import schemathesis.openapi
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from archiver.model.actor import Actor, Role
from archiver.web.routes import ROUTES
from archiver.web.routing import Route
from tests.browser.site import Site

OPERATIONS = [route for route in ROUTES if not route.is_page]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
EXAMPLES = 20
SEED = 20261122
ROOT = Actor(name="root", roles=frozenset({Role.ADMINISTRATOR}), via="cli")


class Api:
    """A served archive, its document, a token of all roles, and ids that are of something."""

    def __init__(self, site: Site) -> None:
        self.url = site.url
        services = site.services
        _, secret = site.run(services.tokens.create("all roles", set(Role), actor=ROOT))
        self.headers = {"Authorization": f"Bearer {secret}"}
        document = requests.get(f"{site.url}/api/v1/openapi.json", timeout=60).json()
        self.paths: dict[str, dict[str, Any]] = document["paths"]
        self.schema = schemathesis.openapi.from_dict(document)
        self.schema.config.update(base_url=site.url)
        self.schema.config.generation.update(with_security_parameters=False)
        self.ids = self._ids()
        self.answered: Counter[str] = Counter()

    def get(self, path: str) -> Any:
        answer = requests.get(self.url + path, headers=self.headers, timeout=60)
        assert answer.status_code == 200, f"{path}: {answer.text}"
        return answer.json()

    def _ids(self) -> dict[str, dict[str, str]]:
        """Return values of path parameters that are of something, by the path's beginning."""
        hit = self.get("/api/v1/search?q=the")["hits"][0]
        record = self.get(f"/api/v1/records/{hit['id']}")
        event = self.get("/api/v1/events")["items"][0]
        part = record["parts"][0]["name"] if record.get("parts") else ""
        return {
            "/api/v1/accounts/": {"id": self.get("/api/v1/accounts")["items"][0]["id"]},
            "/api/v1/records/": {"id": hit["id"], "name": part},
            "/api/v1/holds/": {"id": self.get("/api/v1/holds")["items"][0]["id"]},
            "/api/v1/classes/": {"code": self.get("/api/v1/classes")["items"][0]["code"]},
            "/api/v1/events/about/": {"type": "record", "object": hit["id"]},
            "/api/v1/events/": {"id": event["id"]},
            "/log/": {"object": "checkpoint"},
        }

    def real(self, route: Route) -> dict[str, str]:
        """Return what the route's path may be filled with to be of something; or nothing."""
        for beginning, values in self.ids.items():
            if route.template.startswith(beginning):
                return {name: values[name] for name in route.variables}
        return {}

    def call(self, route: Route, case: Case[Any]) -> None:
        """Send the case and check what comes back."""
        answer = case.call(headers=self.headers, timeout=120)
        self.answered[name_of(route)] += 1
        self.answered[f"{answer.status_code // 100}xx"] += 1
        case.validate_response(answer, checks=CHECKS, headers=self.headers)


def name_of(route: Route) -> str:
    return f"{route.method} {route.template}"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    site = Site(tmp_path_factory.mktemp("fuzzed") / "home")
    site.start()
    yield Api(site)
    site.stop()


@pytest.mark.parametrize("route", OPERATIONS, ids=name_of)
def test_an_operation_answers_as_its_description_says_whatever_it_is_sent(
    api: Api, route: Route
) -> None:
    operation = api.schema[route.template][route.method]
    real = api.real(route)

    @seed(SEED)
    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def try_it(data: st.DataObject) -> None:
        mode = data.draw(st.sampled_from(list(GenerationMode)))
        fits = mode is GenerationMode.POSITIVE or data.draw(st.booleans())
        filled = real if real and fits else None
        case = data.draw(operation.as_strategy(generation_mode=mode, path_parameters=filled))
        api.call(route, case)

    try_it()


def test_every_operation_of_the_document_was_called(api: Api) -> None:
    described = {
        f"{method.upper()} {path}" for path, methods in api.paths.items() for method in methods
    }
    assert described == {name_of(route) for route in OPERATIONS}
    called = {name for name in api.answered if name in described}
    statuses = {name: count for name, count in api.answered.items() if name not in described}
    print(f"{len(called)} operations, {sum(statuses.values())} requests: {statuses}")
    assert called == described
    assert statuses.get("5xx", 0) == 0

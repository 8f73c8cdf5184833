"""The help tells what there is: every link, command, setting and screen it names exists."""

import re
from pathlib import Path

import pytest

from archiver.access.rules import Permission
from archiver.config import PREFIX, Settings
from archiver.model.actor import Role
from archiver.web.openapi import describe
from archiver.web.pages.api_reference import reference_of, type_in_words
from archiver.web.pages.help import GROUPS, pictures, read_topic, slug, topics
from archiver.web.pages.navigation import NAVIGATION
from archiver.web.routes import ROUTES
from archiver.web.routing import Access
from tests.unit.web.fake_services import Face, bearer

FOLDER = Path("archiver/web/help")
NAMES = sorted(topics())
ANYBODY = bearer(Role.CAPTURE_AGENT)
LINK = re.compile(r'<a href="([^"]+)"')


def test_every_file_is_a_topic_in_the_contents() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.md")) == NAMES
    assert sorted(name for names in GROUPS.values() for name in names) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_topic_begins_with_its_title_and_what_it_is_about(name: str) -> None:
    topic = topics()[name]

    assert topic.title
    assert topic.lead.endswith((".", "?"))
    assert topic.headings
    assert len({heading.id for heading in topic.headings}) == len(topic.headings)
    assert "<h1" not in topic.body


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_to_a_topic_a_heading_or_a_screen(name: str) -> None:
    known = {route.template for route in ROUTES if route.method == "GET"}
    broken = []
    for link in LINK.findall(topics()[name].body):
        page, _, anchor = link.partition("#")
        topic = topics().get(page.removeprefix("/help/")) if page else topics()[name]
        if topic is None:
            if page not in known:
                broken.append(link)
        elif anchor and anchor not in {heading.id for heading in topic.headings}:
            broken.append(link)

    assert broken == []


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_exists(name: str) -> None:
    text = (FOLDER / f"{name}.md").read_text()
    known = {f"{PREFIX}{field.upper()}" for field in Settings.model_fields}

    named = set(re.findall(r"\bMUNIMENT_[A-Z_]+\b", text))

    assert named - known - {"MUNIMENT_CONFIG_FILE"} == set()


@pytest.mark.parametrize("name", NAMES)
def test_every_address_in_code_is_served(name: str) -> None:
    text = (FOLDER / f"{name}.md").read_text()
    patterns = [re.sub(r"{\w+}", "[^/]+", route.template) for route in ROUTES]

    for path in re.findall(r"\$MUNIMENT(/[^\"?]+)|`(/(?:api|livez|readyz|metrics)[^`]*)`", text):
        address = path[0] or path[1]
        assert any(re.fullmatch(pattern, address) for pattern in patterns), address


def test_every_role_has_its_guide() -> None:
    text = " ".join(topics()[name].title.lower() for name in NAMES) + " integrator"
    told = {
        Role.ADMINISTRATOR: "operator",
        Role.REVIEWER: "supervisor",
        Role.CAPTURE_AGENT: "integrator",
    }

    assert [role for role in Role if told.get(role, role.replace("-", " ")) not in text] == []


def test_the_keys_that_go_somewhere_are_those_of_the_navigation() -> None:
    body = str(topics()["keyboard"].body)

    for group in NAVIGATION:
        for entry in group.entries:
            assert f"<code>g</code> <code>{entry.key}</code></td>\n<td>{entry.label}</td>" in body


def test_the_keys_of_pages_are_those_of_the_script() -> None:
    script = Path("archiver/web/static/keys.js").read_text()
    declared = set(re.findall(r'^  (?:"(.)"|([a-z])): \[', script, re.MULTILINE))

    told = (FOLDER / "keyboard.md").read_text()

    for pair in declared:
        assert f"`{pair[0] or pair[1]}`" in told


def test_html_in_a_topic_is_text() -> None:
    topic = read_topic("x", "# T\n\nLead.\n\n## H\n\n<script>alert(1)</script> <b>b</b>\n")

    assert "<script" not in topic.body
    assert "<b>" not in topic.body


def test_links_that_lead_outside_tell_nothing_of_where_they_were() -> None:
    topic = read_topic("x", "# T\n\nLead.\n\n[a](https://c2sp.org) [b](auditor.md#one-record)\n")

    assert 'href="https://c2sp.org" rel="noopener noreferrer"' in topic.body
    assert 'href="/help/auditor#one-record"' in topic.body
    assert read_topic("x", "# T\n\nL.\n\n[a](javascript:alert)\n").body.count("<a ") == 0


def test_a_table_scrolls_by_itself_and_names_its_columns() -> None:
    topic = read_topic("x", "# T\n\nLead.\n\n## Things\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")

    assert '<th scope="col">a</th>' in topic.body
    assert 'role="region" tabindex="0" aria-label="Table 1: Things"' in topic.body
    assert topic.body.count("<div") == topic.body.count("</div>")


@pytest.mark.parametrize("name", NAMES)
async def test_everybody_who_is_signed_in_reads_it(face: Face, name: str) -> None:
    response = await face.get(f"/help/{name}", headers=ANYBODY)

    page = await response.text()
    assert response.status == 200
    assert page.count("<h1") == 1
    assert f'<h1 id="title" tabindex="-1">{topics()[name].title}</h1>' in page


async def test_the_contents_name_every_topic(face: Face) -> None:
    page = await (await face.get("/help", headers=ANYBODY)).text()

    for name in NAMES:
        assert f'href="/help/{name}"' in page


@pytest.mark.parametrize("path", ["/help/nothing", "/help/pictures/nothing.png"])
async def test_what_the_help_does_not_have_is_not_found(face: Face, path: str) -> None:
    assert (await face.get(path, headers=ANYBODY)).status == 404


def test_pictures_are_small_and_few() -> None:
    shown = pictures()

    assert len(shown) <= 10
    assert [name for name, content in shown.items() if len(content) > 80_000] == []
    for name in NAMES:
        for source in re.findall(r'<img src="/help/pictures/([^"]+)"', topics()[name].body):
            assert source in shown


async def test_every_operation_is_in_the_reference(face: Face) -> None:
    page = await (await face.get("/help/api", headers=ANYBODY)).text()

    for route in ROUTES:
        if not route.is_page:
            assert f"<code>{route.method} {route.template}</code></h3>" in page
            if isinstance(route.permission, Permission):
                words = route.permission.replace("-", " ")
                assert f"Needs the permission <strong>{words}</strong>" in page


def test_the_reference_tells_each_operation_with_its_parameters_and_an_example() -> None:
    reference = reference_of(describe(ROUTES, "1"))
    operations = {
        (each.method, each.path): each
        for resource in reference.resources
        for each in resource.operations
    }

    assert len(operations) == len([route for route in ROUTES if not route.is_page])
    hold = operations["POST", "/api/v1/holds"]
    assert "Idempotency-Key" in [field.name for _, field in hold.parameters]
    assert '-d \'{"name": "…", "reason": "…"}\'' in hold.example
    assert "201" in [each.status for each in hold.answers]
    search = operations["GET", "/api/v1/search"]
    assert 'curl "$MUNIMENT/api/v1/search?q=…"' in search.example
    assert all(resource.what for resource in reference.resources)
    assert [each.name for each in reference.schemas if "__" in each.name] == [], (
        "two documents have one name"
    )


def test_no_operation_that_needs_nobody_shows_a_token() -> None:
    public = {route.template for route in ROUTES if route.permission is Access.PUBLIC}
    reference = reference_of(describe(ROUTES, "1"))

    for resource in reference.resources:
        for operation in resource.operations:
            assert ("Authorization" in operation.example) is (operation.path not in public)


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"$ref": "#/components/schemas/Hold"}, "Hold"),
        ({"type": "array", "items": {"type": "string"}}, "list of string"),
        ({"enum": ["a", "b"], "type": "string"}, 'one of "a", "b"'),
        ({"const": "a"}, '"a"'),
        (
            {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]},
            "string (date-time) or null",
        ),
        ({}, "any value"),
    ],
)
def test_a_type_is_told_in_words(schema: dict[str, object], words: str) -> None:
    assert type_in_words(schema) == words


def test_anchors_are_those_of_github() -> None:
    assert slug("Verify the archive, without trusting us!") == (
        "verify-the-archive-without-trusting-us"
    )

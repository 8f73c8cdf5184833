"""What every template keeps to. Each rule is one that a browser or a reader would stumble over."""

import re
from pathlib import Path

import pytest

from archiver.web.pages.rendering import Pages

FOLDER = Path("archiver/web/templates")
TEMPLATES = sorted(FOLDER.rglob("*.html"))
PAGES = [
    path
    for path in TEMPLATES
    if "{% extends" in path.read_text() and not path.name.endswith("shell.html")
]
ALONE = {"certificate.html": "a file to be kept and printed, with nothing beside it to fetch"}
"""Documents that no page of ours shows, so they hold their own style, and why."""

PARTS = [path for path in TEMPLATES if path not in PAGES and path.name not in ALONE]

DRAWS_TABLES = {
    "components/lists.html": "the table of every list",
    "charts.html": "the numbers of a chart, as its twin",
}
"""Templates that may write a `<table>`, and why."""

BEFORE_SIGN_IN = re.compile(r"sign_in|accept_invitation|set_up_\w+")
"""Pages of those who have no session yet: no token could be theirs, and `Origin` is checked."""

HTMX = {"hx-get", "hx-post", "hx-target", "hx-swap", "hx-trigger", "hx-push-url", "hx-confirm"}
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'""", re.DOTALL)


def _named(path: Path) -> str:
    return path.relative_to(FOLDER).as_posix()


def _source(path: Path) -> str:
    # The style page shows templates as text; what is shown is not what is done.
    source = path.read_text()
    return _QUOTED.sub("''", source) if path.name == "style.html" else source


def test_there_are_templates_to_check() -> None:
    assert len(TEMPLATES) >= 12
    assert len(PAGES) >= 5


@pytest.mark.parametrize("template", TEMPLATES, ids=_named)
def test_a_template_can_be_compiled(template: Path) -> None:
    Pages()._templates.get_template(_named(template))


@pytest.mark.parametrize("template", TEMPLATES, ids=_named)
def test_a_template_uses_all_that_it_imports(template: Path) -> None:
    source = re.sub(r"{#.*?#}", "", template.read_text(), flags=re.DOTALL)
    lists = re.findall(r"{%-? from \S+ import (.+?) with context -?%}", source)
    imported = {name.split(" as ")[-1] for names in lists for name in names.split(", ")}
    imported |= set(re.findall(r"{%-? import \S+ as (\w+) with context -?%}", source))
    code = re.sub(r"{%-? (?:from|import) .*?%}", "", source)
    used = set(re.findall(r"\w+", " ".join(re.findall(r"{[{%].*?[}%]}", code, re.DOTALL))))

    # What a page extends imports for the page as well.
    assert imported - used == ({"shown"} if template.name == "shell.html" else set())


@pytest.mark.parametrize("template", TEMPLATES, ids=_named)
def test_a_template_holds_nothing_the_policy_forbids(template: Path) -> None:
    found = re.findall(
        r"\sstyle=|\son[a-z]+=|hx-on|javascript:|['\"]js:|hx-vals|hx-live|<style\b|<base\b",
        _source(template),
    )

    assert found == (["<style"] if template.name in ALONE else [])


@pytest.mark.parametrize("name", ALONE)
def test_a_document_that_stands_alone_fetches_nothing_and_runs_nothing(name: str) -> None:
    source = (FOLDER / name).read_text()

    assert "default-src 'none'" in source
    assert not re.search(r"<script|<link|<img|<form|\shref=|\ssrc=|url\(", source)


@pytest.mark.parametrize("template", TEMPLATES, ids=_named)
def test_a_script_is_a_file_whose_hash_is_told(template: Path) -> None:
    for tag in re.findall(r"<script\b[^>]*>.*?</script>", _source(template), re.DOTALL):
        assert re.match(r"<script\b[^>]*\ssrc=", tag)
        assert "integrity=" in tag
        assert re.search(r">\s*</script>$", tag)
        assert "defer" in tag or 'type="module"' in tag


@pytest.mark.parametrize("template", TEMPLATES, ids=_named)
def test_no_template_turns_escaping_off(template: Path) -> None:
    assert not re.search(r"\|\s*safe\b|autoescape|Markup\(", _source(template))


@pytest.mark.parametrize(
    "template", [each for each in TEMPLATES if not BEFORE_SIGN_IN.fullmatch(each.stem)], ids=_named
)
def test_every_form_that_posts_carries_the_token(template: Path) -> None:
    forms = re.findall(
        r"<form\b[^>]*method=\"post\".*?</form>", _source(template), re.DOTALL | re.IGNORECASE
    )

    assert [
        form for form in forms if not re.search(r"csrf(_field)?\((with_once=false)?\)", form)
    ] == []


@pytest.mark.parametrize("template", TEMPLATES, ids=_named)
def test_only_the_parts_of_htmx_that_can_be_replaced_are_used(template: Path) -> None:
    used = set(re.findall(r"\s((?:data-)?hx-[a-z:-]+)", _source(template)))

    assert used <= HTMX
    for trigger in re.findall(r'hx-trigger="([^"]*)"', _source(template)):
        assert "[" not in trigger, "a filter of a trigger is evaluated as a script"


@pytest.mark.parametrize("template", PAGES, ids=_named)
def test_a_page_stands_in_the_shell_and_is_composed_of_macros(template: Path) -> None:
    source = _source(template)

    assert re.match(r'{% extends "(\w+_)?shell.html" %}', source)
    assert "{% block title %}" in source
    assert '{% import "components.html" as ui with context %}' in source


@pytest.mark.parametrize("template", PARTS, ids=_named)
def test_what_is_no_page_is_a_part_of_one(template: Path) -> None:
    taken = re.compile(rf"""{{%-? (import|from|include|extends) "{re.escape(_named(template))}\"""")

    assert any(taken.search(each.read_text()) for each in TEMPLATES)


@pytest.mark.parametrize("template", TEMPLATES, ids=_named)
def test_tables_are_drawn_by_the_macros_only(template: Path) -> None:
    assert "<table" not in _source(template) or _named(template) in DRAWS_TABLES


@pytest.mark.parametrize("name", DRAWS_TABLES)
def test_whoever_may_draw_tables_does(name: str) -> None:
    assert "<table" in (FOLDER / name).read_text()


def test_the_dark_colours_are_the_same_by_choice_and_by_system() -> None:
    sheet = Path("archiver/web/static/tokens.css").read_text()
    blocks = re.findall(r"\{\s*color-scheme: dark;(.*?)\}", sheet, re.DOTALL)

    declared = [dict(re.findall(r"(--[\w-]+): ([^;]+);", block)) for block in blocks]

    assert len(declared) == 2
    assert declared[0] == declared[1]
    assert len(declared[0]) > 20


def test_colours_are_named_in_the_tokens_and_on_paper_only() -> None:
    for name in ("app.css", "parts.css"):
        sheet = Path("archiver/web/static", name).read_text()
        assert not re.search(r"#[0-9a-f]{3,8}\b", sheet), name

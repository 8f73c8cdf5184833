"""Every setting is documented as it is, and no other name is."""

import re
from pathlib import Path

import pytest

from archiver.config import PREFIX, Settings, load_settings
from archiver.errors import ConfigurationError
from tests.architecture.repository import ROOT, text_of, tracked_files

_ROW = re.compile(r"^\| `(MUNIMENT_\w+)` \| (?:`([^`]*)`)? *\| (.*) \|$", re.MULTILINE)
_NAME = re.compile(r"\bMUNIMENT_[A-Z][A-Z_]*[A-Z]\b")
# Not settings: which file to read them from, and what only tests and benchmarks ask for.
_OTHERS = re.compile(r"MUNIMENT_(CONFIG_FILE|TEST_\w+|BENCH_\w+)")


def _documented() -> dict[str, tuple[str, str]]:
    rows = _ROW.findall(text_of(Path("deploy/SETTINGS.md")))
    return {name: (default, meaning) for name, default, meaning in rows}


def _declared() -> dict[str, tuple[str, str]]:
    return {
        f"{PREFIX}{name.upper()}": (str(field.default or ""), field.description or "")
        for name, field in Settings.model_fields.items()
    }


def test_the_settings_page_tells_every_setting_with_its_default_and_meaning() -> None:
    assert _documented() == _declared()


def test_the_settings_page_is_in_the_order_of_the_code() -> None:
    assert list(_documented()) == list(_declared())


def test_every_setting_has_a_meaning() -> None:
    assert [name for name, (_, meaning) in _declared().items() if not meaning.endswith(".")] == []


def test_every_documented_default_is_taken_from_the_environment() -> None:
    environ = {name: default for name, (default, _) in _documented().items() if default}

    assert load_settings(environ) == load_settings({})


def test_no_file_speaks_of_a_setting_that_does_not_exist() -> None:
    known = set(_declared())
    unknown = {
        f"{path}: {name}"
        for path in tracked_files()
        if path.suffix in {".py", ".md", ".toml", ".yaml", ".service", ".sh", ".html", ""}
        and Path("tests") not in path.parents
        for name in _NAME.findall((ROOT / path).read_text(encoding="utf-8"))
        if name not in known and not _OTHERS.fullmatch(name)
    }

    assert unknown == set()


def test_a_misspelt_setting_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="MUNIMENT_STOREURL"):
        load_settings({"MUNIMENT_STOREURL": "file:x"})

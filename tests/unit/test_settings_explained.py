"""Each setting is told with its source, and no secret with it."""

import os
from pathlib import Path

import pytest

from archiver.config import (
    SettingSource,
    SettingView,
    explain_environment,
    explain_settings,
    load_settings,
    masked,
)
from archiver.errors import ConfigurationError


def told(environ: dict[str, str]) -> dict[str, SettingView]:
    return {each.name.removeprefix("MUNIMENT_"): each for each in explain_settings(environ)}


def test_a_setting_nobody_gave_is_told_with_what_takes_its_place(tmp_path: Path) -> None:
    found = told({"MUNIMENT_HOME": str(tmp_path)})

    assert found["STORE_URL"].source is SettingSource.DEFAULT
    assert found["STORE_URL"].value == f"file:{tmp_path / 'store'}"
    assert found["HOME"].source is SettingSource.ENVIRONMENT
    assert found["LOG_LEVEL"].to_dict() == {
        "name": "MUNIMENT_LOG_LEVEL",
        "value": "info",
        "source": "default",
        "default": "info",
        "description": "Least level that is logged.",
        "fixed_at_init": False,
        "restart_needed": True,
        "pending": "",
    }


def test_the_file_and_the_environment_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text('log_level = "debug"\nqueue_records = 10\n')

    found = told(
        {
            "MUNIMENT_CONFIG_FILE": str(path),
            "MUNIMENT_QUEUE_RECORDS": "20",
            "MUNIMENT_ORIGIN": "archive.example/acme",
        }
    )

    assert (found["LOG_LEVEL"].value, found["LOG_LEVEL"].source) == ("debug", SettingSource.FILE)
    assert (found["QUEUE_RECORDS"].value, found["QUEUE_RECORDS"].source) == (
        "20",
        SettingSource.ENVIRONMENT,
    )
    assert [name for name, each in found.items() if each.fixed] == [
        "ORIGIN",
        "ZONE",
        "DEFAULT_CLASS",
    ]


def test_an_unknown_key_of_the_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text('storeurl = "file:x"\n')

    with pytest.raises(ConfigurationError, match=r"MUNIMENT_STOREURL.*settings\.toml"):
        load_settings({"MUNIMENT_CONFIG_FILE": str(path)})


def test_what_changed_since_the_start_is_told_as_pending(tmp_path: Path) -> None:
    path = tmp_path / "muniment.toml"
    path.write_text('log_level = "debug"\n')
    environ = {"MUNIMENT_HOME": str(tmp_path)}
    running = load_settings(environ)

    path.write_text('log_level = "error"\n')
    found = {each.name: each for each in explain_settings(environ, running)}

    level = found["MUNIMENT_LOG_LEVEL"]
    assert (level.value, level.pending, level.source) == (
        "debug",
        "error",
        SettingSource.START,
    )


def test_a_home_given_on_the_command_line_is_told_as_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUNIMENT_HOME", str(tmp_path / "other"))
    settings = load_settings({"MUNIMENT_HOME": str(tmp_path)})

    home, *_ = explain_environment(settings)

    assert (home.value, home.source) == (str(tmp_path), SettingSource.START)
    assert os.environ["MUNIMENT_HOME"] != home.value


def test_a_home_that_nobody_named_is_not_said_to_be_the_environments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MUNIMENT_HOME", raising=False)
    (tmp_path / "muniment.toml").write_text('log_level = "debug"\n')
    settings = load_settings({"MUNIMENT_HOME": str(tmp_path)})

    found = {each.name: each for each in explain_environment(settings)}

    assert found["MUNIMENT_HOME"].source is SettingSource.START
    assert found["MUNIMENT_LOG_LEVEL"].source is SettingSource.FILE


def test_no_secret_and_no_path_of_one_is_told(tmp_path: Path) -> None:
    secret = tmp_path / "hunter2"
    found = told(
        {
            "MUNIMENT_KEYRING_PASSPHRASE_FILE": str(secret),
            "MUNIMENT_OIDC_CLIENT_SECRET_FILE": str(secret),
            "MUNIMENT_WORM_CREDENTIALS_FILE": str(secret),
            "MUNIMENT_KEYRING_KEY_FILE": str(secret),
            "MUNIMENT_DATABASE_URL": "postgresql://arch:hunter2@db.example/arch?sslpassword=hunter2",
            "MUNIMENT_STORE_URL": "s3://bucket/p?endpoint_url=https://AK:hunter2@s3.example",
            "MUNIMENT_SEARCH_URL": "tantivy:/index",
        }
    )

    assert "hunter2" not in str([each.to_dict() for each in found.values()])
    assert found["KEYRING_PASSPHRASE_FILE"].value == "set from a file"
    assert found["DATABASE_URL"].value == "postgresql://arch:•••@db.example/arch?sslpassword=•••"
    assert found["SEARCH_URL"].value == "tantivy:/index"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://token@host/path", "https://•••@host/path"),
        ("https://user:p@ss@host/", "https://user:•••@host/"),
        ("s3://b/p?access_key=x&region=eu", "s3://b/p?access_key=•••&region=eu"),
        ("https://host/a@b", "https://host/a@b"),
        ("a@b.example", "a@b.example"),
    ],
)
def test_credentials_in_a_url_are_masked(url: str, shown: str) -> None:
    assert masked(url) == shown

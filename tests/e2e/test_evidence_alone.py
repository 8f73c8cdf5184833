"""A bundle in a stranger's hands: its verifier runs without Muniment, its README with a shell."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import cryptography
import pytest

from archiver.config import Settings
from tests.e2e.command_line import CommandLine
from tests.fakes.evidence_bundles import courtroom

pytestmark = pytest.mark.e2e

_STEP = re.compile(r"^[1-9]\. ", re.MULTILINE)


@pytest.fixture
async def bundle(local_settings: Settings, tmp_path: Path) -> AsyncIterator[Path]:
    """A bundle of three records under two checkpoints, one of them with a timestamp."""
    async with courtroom(local_settings, tmp_path) as room:
        yield (await room.export(*room.records)).path


@pytest.fixture
def unpacked(bundle: Path, tmp_path: Path) -> Path:
    """The bundle's files in a folder."""
    with zipfile.ZipFile(bundle) as opened:
        opened.extractall(tmp_path / "unpacked")
    return tmp_path / "unpacked"


def alone(folder: Path, *words: str, runs: str) -> subprocess.CompletedProcess[str]:
    """Run a verifier with nothing but the standard library and `cryptography` to import."""
    packages = folder / "only-cryptography"
    if not packages.exists():
        packages.mkdir()
        site = Path(cryptography.__file__).parents[1]
        needed = [*site.glob("cryptography*"), *site.glob("cffi*"), *site.glob("_cffi_backend*")]
        for found in needed:
            (packages / found.name).symlink_to(found)
    start = f"import runpy, sys; sys.path.append({str(packages)!r}); sys.argv = sys.argv[1:]; "
    start += "runpy.run_path(sys.argv[0], run_name='__main__')"
    return subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", start, runs, *words],
        cwd=folder,
        env={"PATH": os.environ["PATH"]},
        check=False,
        capture_output=True,
        text=True,
    )


def commands(readme: str) -> str:
    """The lines of a README that its reader types, in order."""
    lines = [line[4:] for line in readme.splitlines() if line.startswith("    ")]
    return "\n".join(lines) + "\n"


def run_steps(folder: Path) -> str:
    """Run every command of the bundle's README by /bin/sh; return all it says."""
    done = subprocess.run(
        ["/bin/sh", "-u"],
        cwd=folder,
        input=commands((folder / "README.txt").read_text()),
        env={"PATH": os.environ["PATH"], "TMPDIR": str(folder.parent)},
        check=False,
        capture_output=True,
        text=True,
    )
    return done.stdout + done.stderr


def test_the_verifier_inside_a_bundle_needs_nothing_of_muniment(
    bundle: Path, unpacked: Path, tmp_path: Path
) -> None:
    runs = str(unpacked / "evidence_verifier.py")
    trust = (
        "--policy",
        str(unpacked / "policy.txt"),
        "--tsa-roots",
        str(unpacked / "tsa-roots.pem"),
    )

    done = alone(tmp_path, str(bundle), *trust, "--json", runs=runs)
    in_words = alone(tmp_path, str(bundle), runs=runs)
    absent = alone(tmp_path, str(tmp_path / "absent.zip"), runs=runs)

    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["ok"]
    assert len(report["records"]) == 3
    assert report["trust"] == []
    assert in_words.returncode == 0
    assert "Trust in the log's key was taken from the bundle itself" in in_words.stdout
    assert "log key archive.example.com/acme+" in in_words.stdout
    assert "existed by" in in_words.stdout
    assert absent.returncode == 2


def test_the_verifier_inside_a_bundle_refuses_an_altered_byte_and_says_which_check(
    bundle: Path, unpacked: Path, tmp_path: Path
) -> None:
    data = bundle.read_bytes()
    place = data.index(b'{"n": 0}')
    altered = tmp_path / "altered.zip"
    altered.write_bytes(data[:place] + b'{"n": 9}' + data[place + 8 :])

    done = alone(tmp_path, str(altered), runs=str(unpacked / "evidence_verifier.py"))

    assert done.returncode == 1
    for check in ("container", "files", "parts"):
        assert re.search(rf"FAILED +{check}:", done.stdout)
    assert "Refused: this bundle is no evidence." in done.stdout


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="sha256sum is not installed")
class TestReadme:
    def test_every_step_passes_with_a_shell_sha256sum_and_openssl(self, unpacked: Path) -> None:
        readme = (unpacked / "README.txt").read_text()

        assert len(_STEP.findall(readme)) == 7
        assert {"sha256sum", "openssl dgst", "openssl pkeyutl", "openssl ts -verify"} <= {
            each
            for each in ("sha256sum", "openssl dgst", "openssl pkeyutl", "openssl ts -verify")
            if each in commands(readme)
        }
        assert run_steps(unpacked) == ""

    @pytest.mark.parametrize(
        ("name", "says"),
        [
            ("page.html", "page.html: FAILED"),
            ("records/*/parts/000-*", "DIFFERS: records/"),
            ("records/*/manifest.json", "DIFFERS: records/"),
            ("records/*/frame.bin", "DIFFERS: records/"),
            ("records/*/entry.json", "NOT IN THE TREE: records/"),
            ("records/*/proof.tlog-proof", "NOT IN THE TREE: records/"),
            ("checkpoints/*", "NOT SIGNED BY THE LOG: checkpoints/"),
            ("seal.note", "NOT SIGNED BY THE LOG: seal.note"),
            ("tsr/*/*.tsr", "NO TIMESTAMP: tsr/"),
            ("tsa-roots.pem", "NO TIMESTAMP: tsr/"),
        ],
    )
    def test_a_step_names_what_was_altered(self, unpacked: Path, name: str, says: str) -> None:
        victim = min(unpacked.glob(name))
        data = bytearray(victim.read_bytes())
        place = {"proof.tlog-proof": data.find(b"\nindex ") + 14}.get(victim.name, len(data) // 3)
        data[place] = ord("A") if data[place] != ord("A") else ord("B")
        victim.write_bytes(bytes(data))

        assert says in run_steps(unpacked)


async def test_the_command_makes_and_verifies_a_bundle(
    local_settings: Settings, tmp_path: Path
) -> None:
    async with courtroom(local_settings, tmp_path) as room:
        records = room.records
    muniment = CommandLine(local_settings.home)
    made = tmp_path / "made.zip"
    policy = tmp_path / "policy.txt"

    told = muniment("evidence", *records, "--out", str(made), "--json").json()
    with zipfile.ZipFile(made) as opened:
        policy.write_bytes(opened.read("policy.txt"))
    elsewhere = CommandLine(tmp_path / "no-archive-here")
    checked = elsewhere("evidence", "verify", str(made), "--policy", str(policy), "--json").json()
    altered = tmp_path / "altered.zip"
    altered.write_bytes(made.read_bytes().replace(b'{"n": 0}', b'{"n": 7}'))
    refused = elsewhere("evidence", "verify", str(altered), expect=1)

    assert told["records"] == 3
    assert told["conclusion"] == checked["conclusion"]
    assert checked["ok"]
    assert not (tmp_path / "no-archive-here").exists()
    assert "FAILED" in refused.out
    assert made.stat().st_mode & 0o777 == 0o600

    again = muniment("evidence", *records, "--out", str(made), expect=2)
    assert "there is a file" in again.err
    muniment("evidence", *records, expect=2)
    muniment("evidence", "--out", str(tmp_path / "none.zip"), expect=2)
    elsewhere("evidence", "verify", str(tmp_path / "absent.zip"), expect=2)

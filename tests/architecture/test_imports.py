"""Imports point downwards, and importing does nothing."""

import ast
import json
import subprocess
import sys
from pathlib import Path

from importlinter.cli import lint_imports

from tests.architecture.repository import ROOT, modules

_PROBE = Path(__file__).with_name("import_probe.py")


def test_imports_keep_every_contract_of_pyproject(tmp_path: Path) -> None:
    config = str(ROOT / "pyproject.toml")
    code = lint_imports(config_filename=config, cache_dir=str(tmp_path), verbose=False)

    assert code == 0, "an import breaks a contract; `make contracts` says which"


def test_importing_any_module_has_no_effect(tmp_path: Path) -> None:
    names = [module.name for module in modules()]
    probe = subprocess.run(
        [sys.executable, "-I", "-B", str(_PROBE), str(ROOT), *names],
        cwd=tmp_path,
        env={},
        check=False,
        capture_output=True,
        text=True,
    )

    assert probe.returncode == 0, probe.stderr
    seen = json.loads(probe.stdout)
    assert seen == {"imported": len(names), "effects": [], "threads": ["MainThread"]}
    assert list(tmp_path.iterdir()) == []


def test_the_probe_sees_a_module_that_reads_the_environment_and_writes(tmp_path: Path) -> None:
    package = tmp_path / "archiver"
    package.mkdir()
    (package / "__init__.py").write_text(
        "import os, pathlib\nos.environ.get('HOME')\npathlib.Path('left').write_text('x')\n"
    )
    probe = subprocess.run(
        [sys.executable, "-I", "-B", str(_PROBE), str(tmp_path), "archiver"],
        cwd=tmp_path,
        env={},
        check=True,
        capture_output=True,
        text=True,
    )

    effects = json.loads(probe.stdout)["effects"]
    assert "archiver reads HOME from the environment" in effects
    assert any(effect.startswith("open") for effect in effects)


def test_every_package_says_what_it_is_for() -> None:
    packages = [module for module in modules() if module.path.name == "__init__.py"]

    silent = [module.name for module in packages if not ast.get_docstring(module.tree)]

    assert silent == []

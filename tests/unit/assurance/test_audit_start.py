"""What an audit from outside loads: it has no database and is no server."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
_OF_THE_APPLICATION = "('sqlalchemy', 'alembic', 'aiohttp', 'tantivy', 'pydantic', 'archiver.app')"


def test_an_audit_from_outside_starts_without_the_application() -> None:
    probe = (
        "import sys, archiver.cli.main, archiver.cli.verifying\n"
        f"print([name for name in {_OF_THE_APPLICATION} if name in sys.modules])"
    )

    told = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert told.stdout.strip() == "[]"

"""The files of others that are shipped: what the lock says of them, and the notices made of it.

`python -m tests.architecture.vendored > THIRD-PARTY-NOTICES.md` writes the notices anew.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from tests.architecture.repository import ROOT

VENDOR = ROOT / "archiver/web/static/vendor"
NOTICES = ROOT / "THIRD-PARTY-NOTICES.md"
_HEAD = """# Third-party notices

Muniment is licensed under Apache-2.0 (`LICENSE`). It ships the files below unmodified, in
`archiver/web/static/vendor/`. Where each came from, with the hashes of package and file, is in
`vendor.lock.json` there. Python packages are dependencies and not part of Muniment.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One vendored file: its place in the repository, its path in the package, its hash."""

    place: Path
    path: str
    sha384: str

    def found(self) -> str:
        digest = hashlib.sha384(self.place.read_bytes()).digest()
        return "sha384-" + base64.b64encode(digest).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One package from the npm registry; `integrity` is of its tarball, as the registry says."""

    name: str
    version: str
    license: str
    tarball: str
    integrity: str
    folder: str
    files: tuple[File, ...]


def packages() -> tuple[Package, ...]:
    """Return what the lock says."""
    lock = json.loads((VENDOR / "vendor.lock.json").read_text())
    return tuple(
        Package(
            **{
                **each,
                "files": tuple(
                    File(
                        place=VENDOR / each["folder"] / file["file"],
                        path=file["path"],
                        sha384=file["sha384"],
                    )
                    for file in each["files"]
                ),
            }
        )
        for each in lock["packages"]
    )


def notices() -> str:
    """Return the notices as they must stand."""
    parts = [_HEAD]
    for package in packages():
        text = (VENDOR / package.folder / "LICENSE").read_text().strip()
        fenced = "\n".join(line.rstrip() for line in text.splitlines())
        parts.append(
            f"## {package.name} {package.version} ({package.license})\n\n"
            f"<{package.tarball}>\n\n```text\n{fenced}\n```\n"
        )
    return "\n".join(parts)


if __name__ == "__main__":
    print(notices(), end="")

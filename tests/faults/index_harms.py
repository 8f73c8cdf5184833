"""Harm to the index of a process that is dead: flipped bits, files gone or cut, all of it gone.

Only ever inside the index of the archive under test: the folder is checked before anything is done,
for whatever names it may itself have been harmed.
"""

import random
import shutil
from pathlib import Path

from search.errors import IndexMissing
from search.generations import FolderGenerations

HARMS = ("none", "none", "flip", "flip", "remove", "remove", "cut", "pointer", "everything")


def harm(generations: FolderGenerations, index: Path, drawn: random.Random) -> str:
    """Harm the index that stands in the folder `index`; return how, "none" if there is none."""
    if not index.is_absolute() or index.name != "index":
        raise ValueError(f"expected the absolute path of an archive's index, found {index}")
    kind = drawn.choice(HARMS)
    try:
        folder = generations.folder()
    except IndexMissing:
        return "none"
    if folder.parent.parent != index:
        raise ValueError(f"expected a generation in {index}, found {folder}")
    files = sorted(each for each in folder.iterdir() if each.is_file() and each.stat().st_size)
    if kind == "pointer":
        (folder.parent / "current").write_bytes(drawn.randbytes(7))
    elif kind == "everything":
        shutil.rmtree(index)
    elif kind != "none" and files:
        _harm_files(kind, files, drawn)
    return kind


def _harm_files(kind: str, files: list[Path], drawn: random.Random) -> None:
    file = drawn.choice(files)
    if kind == "flip":
        content = bytearray(file.read_bytes())
        content[drawn.randrange(len(content))] ^= 1 << drawn.randrange(8)
        file.write_bytes(content)
    elif kind == "cut":
        file.write_bytes(file.read_bytes()[: drawn.randrange(file.stat().st_size)])
    else:
        for each in drawn.sample(files, drawn.randint(1, min(3, len(files)))):
            each.unlink()

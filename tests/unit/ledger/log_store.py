"""A log's objects in memory, as the integrator would write them."""

from collections.abc import Sequence

from archiver.errors import NotFound
from archiver.preserve.ledger.merkle import Frontier
from archiver.preserve.ledger.tiles import grow, parse_tile_path


class LogStore:
    """Objects by path; refuses to change one, counts what is read."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.reads: list[str] = []
        self.frontier = Frontier()

    def read(self, path: str) -> bytes:
        self.reads.append(path)
        if path not in self.objects:
            raise NotFound(path)
        return self.objects[path]

    def append(self, entries: Sequence[bytes]) -> None:
        growth = grow(self.frontier, entries, self.read)
        for path, body in growth.objects:
            assert self.objects.setdefault(path, body) == body, f"{path} was changed"
        self.frontier = growth.frontier

    def drop_superseded_partials(self) -> None:
        """Remove every partial object whose full one is there, as garbage collection may."""
        for path in list(self.objects):
            name = parse_tile_path(path)
            if path.partition(".p/")[0] in self.objects and ".p/" in path:
                assert name.width < 256
                del self.objects[path]

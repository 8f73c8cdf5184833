"""Every small way to damage bytes: each byte changed, each prefix, some bytes more."""

from collections.abc import Iterator


def mutations(data: bytes, *, step: int = 1) -> Iterator[bytes]:
    """Yield `data` with every `step`-th byte changed in two ways, cut short, and made longer."""
    for place in range(0, len(data), step):
        for bit in (0x01, 0x20):
            yield data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :]
        yield data[:place]
        yield data[:place] + data[place + 1 :]
    yield from (data + more for more in (b"\n", b" ", b"\x00", b"A", data))
    yield from (more + data for more in (b"\n", b" ", b"\x00", b"A"))

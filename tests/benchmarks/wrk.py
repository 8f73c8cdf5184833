"""Load from wrk (one thread, keep-alive): posts that are all different, with a bearer token.

Debian: `apt-get install wrk`. Client and server share the machine's cores; the reference is loaded
by the same client with the same bodies, so that the client's own cost is on both sides.
"""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.machine import Watch, await_quiet
from tests.benchmarks.outcome import Run
from tests.benchmarks.posts import ID_MARK, PostSource
from tests.benchmarks.serving import Server

_TEMPLATES = 2_000

# The body is cut at the marks once; `request` then only joins. Numbers and status codes are told by
# `done`, because a `response` function would make wrk copy every answer into Lua.
_SCRIPT = r"""
wrk.method = "POST"
local templates, run, batch, counter = {}, "", 1, 0

local function cut(line, mark)
  local pieces, from = {}, 1
  while true do
    local first, last = line:find(mark, from, true)
    if not first then break end
    pieces[#pieces + 1] = line:sub(from, first - 1)
    from = last + 1
  end
  pieces[#pieces + 1] = line:sub(from)
  return pieces
end

function init(args)
  run, batch = args[1], tonumber(args[3])
  for line in io.lines(args[2]) do templates[#templates + 1] = cut(line, args[4]) end
end

local function post()
  counter = counter + 1
  return table.concat(templates[counter % #templates + 1], run .. "-" .. counter)
end

function request()
  if batch == 1 then return wrk.format(nil, nil, nil, post()) end
  local lines = {}
  for number = 1, batch do lines[number] = post() end
  return wrk.format(nil, nil, nil, table.concat(lines, "\n"))
end

function done(summary, latency)
  local failed = summary.errors
  io.write(string.format("TOLD %d %d %d %d %d %d %d\n", summary.requests, summary.duration,
    failed.status, failed.connect + failed.read + failed.write + failed.timeout,
    latency:percentile(50), latency:percentile(99), latency.max))
end
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How a server is loaded. `batch` posts a request; more than one is sent as NDJSON."""

    connections: int
    seconds: float
    batch: int = 1


class LoadGenerator:
    """Runs wrk. Each run's posts have ids of their own."""

    def __init__(self, folder: Path, token: str, *, seed: int = 7) -> None:
        if shutil.which("wrk") is None:
            raise RuntimeError("the HTTP benchmarks need wrk: apt-get install wrk")
        folder.mkdir(parents=True, exist_ok=True)
        self._script, self._posts = folder / "posts.lua", folder / "templates.ndjson"
        self._token = token
        self._runs = 0
        self._script.write_text(_SCRIPT, encoding="ascii")
        self._posts.write_bytes(b"\n".join(PostSource(seed).templates(_TEMPLATES)) + b"\n")

    def run(self, server: Server, load: Load, *, settle: bool = True) -> Run:
        """Load a server and return the run in acknowledged posts a second.

        With `settle`, waits until what the server does after its answers is done; the run's fact
        `cpu_us_with_followers` has that work in it.

        Raises:
            RuntimeError: a request got no answer, or not 2xx.
        """
        pid = server.process.pid
        with Watch(pid) as watch:
            told = subprocess.run(self._line(server, load), capture_output=True, check=True)
        numbers = re.search(rb"TOLD (.*)", told.stdout)
        if numbers is None:
            raise RuntimeError(f"wrk told nothing: {told.stdout.decode()} {told.stderr.decode()}")
        requests, duration, refused, lost, p50, p99, most = map(int, numbers[1].split())
        if refused or lost or not requests:
            raise RuntimeError(f"{refused} of {requests} requests were refused, {lost} were lost")
        after = await_quiet(pid) if settle else 0.0
        return Run.of(
            watch,
            operations=requests * load.batch,
            seconds=duration / 1e6,
            acknowledged=requests * load.batch,
            p50_ms=p50 / 1e3,
            p99_ms=p99 / 1e3,
            max_ms=most / 1e3,
            cpu_us_with_followers=(watch.cpu_s + after) / (requests * load.batch) * 1e6,
        )

    def _line(self, server: Server, load: Load) -> list[str]:
        self._runs += 1
        kind = "application/json" if load.batch == 1 else "application/x-ndjson"
        return [
            *("wrk", "-t1", f"-c{load.connections}", f"-d{load.seconds:g}s", "--timeout", "30s"),
            *("-s", str(self._script), "-H", f"Content-Type: {kind}"),
            *("-H", f"Authorization: Bearer {self._token}", "-H", "Host: bench"),
            f"{server.url}/api/v1/captures",
            *("--", f"run{self._runs}", str(self._posts), str(load.batch), ID_MARK),
        ]

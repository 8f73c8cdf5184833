"""Prometheus metrics of this process, in a registry of its own application.

Labels are few and bounded: route patterns, methods, status codes; never an account, a user or a
path as sent. Gauges of other parts are read when scraped.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A number some part of the application can tell at any time, such as `index_lag_seconds`."""

    name: str
    what: str
    read: Callable[[], float]


class Metrics:
    """What this process counts, and `expose` to tell it."""

    def __init__(self, version: str, readings: Sequence[Reading] = ()) -> None:
        self._registry = CollectorRegistry()
        self._seconds = Histogram(
            "muniment_http_request_duration_seconds",
            "Time to answer, by route pattern.",
            ("method", "route", "status"),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._captures = Counter(
            "muniment_captures",
            "Posts answered by the capture API, by outcome.",
            ("status",),
            registry=self._registry,
        )
        self._series: dict[tuple[str, str, int], Histogram] = {}
        info = Gauge(
            "muniment_build_info", "The running version.", ("version",), registry=self._registry
        )
        info.labels(version).set(1)
        for reading in readings:
            gauge = Gauge(f"muniment_{reading.name}", reading.what, registry=self._registry)
            gauge.set_function(reading.read)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        key = (method, route, status)
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = self._seconds.labels(*map(str, key))
        series.observe(seconds)

    def captured(self, status: str, posts: int = 1) -> None:
        """Count posts answered `captured`, `unchanged` or `refused`."""
        self._captures.labels(status).inc(posts)

    def expose(self) -> bytes:
        """Return the text exposition format."""
        return generate_latest(self._registry)


METRICS: web.AppKey[Metrics] = web.AppKey("metrics", Metrics)

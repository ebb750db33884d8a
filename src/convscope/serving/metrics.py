"""What a server counts, for Prometheus: requests, latency, batches, queue, classes, and how unlike the images are."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from convscope.api.prediction_stream import ClassifiedImage
from convscope.serving.network import Network
from convscope.serving.workers import SHARED

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
SIZES = (1, 2, 4, 8, 16, 32, 64)
RECENT = 1_000
"""Images that the two measures of drift look back on."""


class Recent:
    """Sums over the last images of a network."""

    def __init__(self) -> None:
        self.unknown = 0
        self.ranked = 0
        self.ranks = 0.0
        self._last: deque[tuple[bool, float | None]] = deque()

    @property
    def n(self) -> int:
        """Number of images."""
        return len(self._last)

    def add(self, unknown: bool, rank: float | None) -> None:
        """Add an image, and drop the oldest if there are too many."""
        self._last.append((unknown, rank))
        self._count(unknown, rank, 1)
        if len(self._last) > RECENT:
            self._count(*self._last.popleft(), -1)

    def _count(self, unknown: bool, rank: float | None, sign: int) -> None:
        self.unknown += sign * unknown
        if rank is not None:
            self.ranked += sign
            self.ranks += sign * rank


class Metrics:
    """The counters of one server; with several processes, of all of them.

    Args:
        unfinished: The number of images that wait or are being classified.
    """

    def __init__(self, unfinished: Callable[[], int]) -> None:
        self._registry = CollectorRegistry()
        own = self._registry
        self.requests = Counter(
            "convscope_requests", "Requests by route and status.", ["route", "status"], registry=own
        )
        self.seconds = Histogram(
            "convscope_request_seconds",
            "Time from the request line to the answer.",
            ["route"],
            buckets=SECONDS,
            registry=own,
        )
        self.batches = Histogram("convscope_batch_images", "Images computed at once.", buckets=SIZES, registry=own)
        self.queue = Gauge(
            "convscope_queue_images", "Images waiting or being classified.", multiprocess_mode="livesum", registry=own
        )
        self.images = Counter(
            "convscope_images",
            "Images by outcome: answered, unknown, no_ink, unreadable.",
            ["network", "outcome"],
            registry=own,
        )
        self.classes = Counter("convscope_classes", "Answered images by class.", ["network", "class"], registry=own)
        self.unknown = Gauge(
            "convscope_unknown_fraction",
            "Of the last 1,000 images, the fraction unlike the training images.",
            ["network"],
            multiprocess_mode="mostrecent",
            registry=own,
        )
        self.rank = Gauge(
            "convscope_score_rank_mean",
            "Of the last 1,000 images, the mean fraction of held-out images that are more familiar; 0.5 without drift.",
            ["network"],
            multiprocess_mode="mostrecent",
            registry=own,
        )
        self.reloads = Counter(
            "convscope_reloads", "Changed runs by outcome: served, refused.", ["network", "outcome"], registry=own
        )
        self.info = Gauge(
            "convscope_network", "1 for each network that is served, 0 for one that was.", ["network", "version"],
            multiprocess_mode="mostrecent", registry=own,
        )  # fmt: skip
        self._unfinished = unfinished
        self._served: set[tuple[str, str]] = set()
        self._recent: dict[str, Recent] = {}
        self._of = cache(lambda metric, *values: metric.labels(*values))
        """A metric with labels: prometheus_client takes longer to find it."""

    def served_networks(self, served: set[tuple[str, str]]) -> None:
        """Note the names and versions of all networks that are served."""
        for one in self._served - served:  # several processes cannot take back a label
            self.info.labels(*one).set(0)
        for one in served:
            self.info.labels(*one).set(1)
        self._served |= served

    def answered_request(self, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._of(self.requests, route, str(status)).inc()
        self._of(self.seconds, route).observe(seconds)

    def answered(self, network: Network, answers: list[ClassifiedImage]) -> None:
        """Count the answers to a request."""
        recent = self._recent.setdefault(network.name, Recent())
        for answer in answers:
            if answer.skipped:
                self._of(self.images, network.name, "unreadable").inc()
            for one in answer.predictions:
                outcome = "answered" if one.choices else "no_ink" if one.report.blank else "unknown"
                self._of(self.images, network.name, outcome).inc()
                if one.choices:
                    self._of(self.classes, network.name, one.choices[0].name).inc()
                recent.add(outcome == "unknown", one.score_rank)
        if recent.n:
            self._of(self.unknown, network.name).set(recent.unknown / recent.n)
        if recent.ranked:
            self._of(self.rank, network.name).set(recent.ranks / recent.ranked)

    def text(self) -> bytes:
        """All of them in Prometheus's text format."""
        self.queue.set(self._unfinished())
        registry = self._registry
        if os.environ.get(SHARED):
            registry = CollectorRegistry()
            MultiProcessCollector(registry)
        return generate_latest(registry)

"""Counters and latencies for Prometheus, by repository, method and side; no label ever holds a value of a row.

    crosswalk_data_calls_total, _errors_total, _seconds      each call of each side
    crosswalk_data_compared_total                            verdict: equal, different, again, failed
    crosswalk_data_mismatches_total                          by kind
    crosswalk_data_skipped_total                             calls that were not compared, by reason
    crosswalk_data_missed_total, crosswalk_data_pending      writes that the second side lacks
    crosswalk_data_flags_refused                             changed flag files that were not taken

In a registry of its own unless the application gives one.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds."""


class Metrics:
    """The counters of one application; in a registry of their own unless one is given."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = CollectorRegistry() if registry is None else registry
        to = self.registry
        call = ("repository", "method", "side")
        self.calls = Counter("crosswalk_data_calls", "Calls of a side", call, registry=to)
        self.errors = Counter("crosswalk_data_errors", "Calls that raised", (*call, "error"), registry=to)
        self.seconds = Histogram("crosswalk_data_seconds", "Latency of a side", call, buckets=BUCKETS, registry=to)
        method = ("repository", "method")
        self.compared = Counter("crosswalk_data_compared", "Comparisons", (*method, "verdict"), registry=to)
        self.mismatches = Counter("crosswalk_data_mismatches", "Answers that differed", (*method, "kind"), registry=to)
        self.skipped = Counter("crosswalk_data_skipped", "Calls that were not compared", (*method, "why"), registry=to)
        self.missed = Counter("crosswalk_data_missed", "Writes that the second side lacks", method, registry=to)
        self.replayed = Counter("crosswalk_data_replayed", "Missed writes that were made up for", method, registry=to)
        self.pending = Gauge("crosswalk_data_pending", "Writes in the journal that are not done", registry=to)
        self.flags_refused = Gauge("crosswalk_data_flags_refused", "Changed flag files that were not taken", registry=to)

    def called(self, repository: str, method: str, side: str, seconds: float, error: BaseException | None) -> None:
        self.calls.labels(repository, method, side).inc()
        self.seconds.labels(repository, method, side).observe(seconds)
        if error is not None:
            self.errors.labels(repository, method, side, type(error).__name__).inc()

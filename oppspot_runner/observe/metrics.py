"""Metrics in the forms that Prometheus reads: the one module that knows its library."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from oppspot_runner.observe.catalog import Metric
from oppspot_runner.observe.counting import Sample
from oppspot_runner.observe.tallies import Distribution

Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily
FAMILIES: dict[str, type[CounterMetricFamily] | type[GaugeMetricFamily]] = {
    "counter": CounterMetricFamily,
    "gauge": GaugeMetricFamily,
}


class Metrics(Collector):
    """Metrics in a registry of their own.

    `own` give what this process did, `asked` what others say. What the system knows of a process
    is that of `pid`, else of this one.
    """

    def __init__(
        self,
        own: Sequence[Callable[[], Iterable[Sample]]],
        asked: Sequence[Callable[[], Awaitable[Iterable[Sample]]]] = (),
        pid: int | None = None,
    ) -> None:
        self.own = own
        self.asked = asked
        self._told: list[Sample] = []
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry, pid=lambda: "self" if pid is None else pid)

    async def scrape(self, accept: str = "") -> tuple[bytes, str]:
        """All of them as text, and its content type, of those that `accept` names."""
        encode, content_type = choose_encoder(accept)
        told = await asyncio.gather(*(ask() for ask in self.asked))
        self._told = [sample for samples in told for sample in samples]
        return encode(self._registry), content_type

    def describe(self) -> Iterable[Family]:
        """Nothing: no metric of ours is registered elsewhere."""
        return ()

    def collect(self) -> Iterator[Family]:
        """All families that have a number."""
        families: dict[Metric, Family] = {}
        for metric, labels, value in self._samples():
            family = families.setdefault(metric, _family(metric))
            if isinstance(family, HistogramMetricFamily):
                assert isinstance(value, Distribution)
                family.add_metric(labels, list(value.cumulative()), value.total)
            else:
                assert not isinstance(value, Distribution)
                family.add_metric(labels, value)
        yield from families.values()

    def _samples(self) -> Iterator[Sample]:
        yield from self._told
        for source in self.own:
            yield from source()


def _family(metric: Metric) -> Family:
    if metric.kind == "histogram":
        return HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
    return FAMILIES[metric.kind](metric.name, metric.help, labels=metric.labels)

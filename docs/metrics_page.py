"""Writes docs/reference/metrics.md from the catalog of metrics. A test compares it."""

from __future__ import annotations

from pathlib import Path

from oppspot_runner.observe.catalog import CATALOG

PAGE = Path(__file__).resolve().parent / "reference" / "metrics.md"
TEXT = """# Metrics

<!-- Made by docs/metrics_page.py from the code; change it there. -->

What `GET /metrics` answers; [Monitoring](../operations/monitoring.md) says how to use it. A counter grows
until its process ends. Histograms also have `_bucket` and `_sum`. Labels whose values have no end of
their own, such as names of tools, are bounded: what comes after the first some hundred is counted as
`other`. No label is an id. Besides, there are the usual `process_` metrics of memory, processor and open
files.

{tables}"""
SOURCES = {
    "runner": ("Of a runner", "Of the process that is asked, if it has a runner."),
    "database": (
        "Of the whole installation",
        "Read from the database when they are asked for, and kept for some seconds. Every process"
        " answers the same: take their `max`, not their sum.",
    ),
    "http": ("Of requests", "Of the process that is asked; `worker` is its pid."),
    "scrape": ("Of the reading itself", "Whether what the database knows is there."),
}


def metrics_page() -> str:
    return TEXT.format(tables="\n".join(map(_table, SOURCES)))


def _table(source: str) -> str:
    title, text = SOURCES[source]
    rows = "".join(
        f"| `{one.series[-1]}` | {one.kind} | {' '.join(f'`{name}`' for name in one.labels)}"
        f" | {one.help} |\n"
        for one in CATALOG
        if one.source == source
    )
    return f"## {title}\n\n{text}\n\n| metric | kind | labels | what it is |\n|---|---|---|---|\n{rows}"


if __name__ == "__main__":
    PAGE.write_text(metrics_page(), encoding="utf-8")

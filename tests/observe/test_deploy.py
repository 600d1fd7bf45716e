"""The board and the alerts of deploy/ ask only for what there is; each alert says what to do."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from oppspot_runner.observe.catalog import CATALOG

ROOT = Path(__file__).resolve().parents[2]
BOARD = json.loads((ROOT / "deploy/grafana/oppspot_runner.json").read_text(encoding="utf-8"))
ALERTS_FILE = ROOT / "deploy/prometheus/alerts.yml"
ALERTS = yaml.safe_load(ALERTS_FILE.read_text(encoding="utf-8"))
MONITORING = (ROOT / "docs/operations/monitoring.md").read_text(encoding="utf-8")

OF_PROMETHEUS = {"instance", "job", "le"}
OF_LIBRARY = {"process_resident_memory_bytes", "process_cpu_seconds_total"}
LABELS: dict[str, set[str]] = {
    **{series: {*one.labels, *OF_PROMETHEUS} for one in CATALOG for series in one.series},
    **dict.fromkeys(OF_LIBRARY, OF_PROMETHEUS),
}
VALUES = {
    "oppspot_tasks_total": {
        "outcome": {"completed", "failed", "retried", "snoozed", "cancelled", "released"}
    },
    "oppspot_runners": {"state": {"running", "paused", "stopping", "stopped", "dead"}},
    "oppspot_queue_depth": {"state": {"ready", "blocked", "scheduled", "waiting", "processing"}},
    "oppspot_settled_total": {"result": {"written", "dropped", "lost"}},
    "oppspot_saves_total": {"result": {"saved", "failed"}},
    "oppspot_errors_total": {"final": {"true", "false"}},
    "oppspot_schedules": {"state": {"active", "resting", "failed"}},
    "oppspot_breaker_state": {"state": {"open", "half-open"}},
    "oppspot_llm_tokens_total": {"kind": {"input", "output"}},
}
FUNCTIONS = {
    "absent", "and", "histogram_quantile", "increase", "max", "min", "min_over_time", "or", "rate",
    "sum", "topk", "vector",
}  # fmt: skip
SELECTOR = re.compile(r"([a-z_]\w*)\s*(?:\{([^}]*)\})?(?:\[[^\]]*\])?")
MATCHER = re.compile(r'(\w+)\s*(=~|!=|=|!~)\s*"([^"]*)"')
GROUPING = re.compile(r"\b(by|without)\s*\(([^)]*)\)")
COMPARISON = re.compile(r"\s[<>]\s")  # what is compared may be summed up by other labels


def expressions() -> Iterator[tuple[str, str]]:
    for panel in BOARD["panels"]:
        for target in panel.get("targets", ()):
            yield f"panel {panel['title']!r}", target["expr"]
    for rule in rules():
        yield f"alert {rule['alert']}", rule["expr"]


def rules() -> list[dict[str, Any]]:
    return [rule for group in ALERTS["groups"] for rule in group["rules"]]


def faults_of(expression: str) -> Iterator[str]:
    """What an expression names that does not exist."""
    bare = GROUPING.sub(" ", expression)
    metrics = set()
    for name, matchers in SELECTOR.findall(bare):
        if name in FUNCTIONS:
            continue
        if name not in LABELS:
            yield f"there is no metric {name}"
            continue
        metrics.add(name)
        for label, kind, value in MATCHER.findall(matchers):
            if label not in LABELS[name]:
                yield f"{name} has no label {label}"
            known = VALUES.get(name, {}).get(label)
            if known is not None and not set(value.split("|")) <= known:
                yield f"{name}: {label}{kind}{value} fits nothing"
    if not metrics:
        yield "it names no metric"
    yield from _wrong_groups(expression)


def _wrong_groups(expression: str) -> Iterator[str]:
    for side in COMPARISON.split(expression):
        groups = {x.strip() for _, names in GROUPING.findall(side) for x in names.split(",")}
        grouped = [name for name in re.findall(r"[a-z_]\w*", side) if name in LABELS]
        for label in groups:
            if any(label not in LABELS[name] for name in grouped):
                yield f"not all of {grouped} have the label {label}"


def test_every_expression_names_metrics_labels_and_values_that_exist() -> None:
    faults = [
        f"{where}: {fault}: {text}" for where, text in expressions() for fault in faults_of(text)
    ]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    "expression",
    [
        "sum(rate(oppspot_task_total[5m]))",
        'max(oppspot_runners{status="running"})',
        'max(oppspot_runners{state="alive"})',
        "sum by (agent) (oppspot_tasks_total)",
        "vector(0)",
    ],
)
def test_a_wrong_expression_is_found(expression: str) -> None:
    assert list(faults_of(expression))


def test_the_board_shows_every_metric_and_can_be_imported() -> None:
    shown = " ".join(text for _, text in expressions())
    missing = [one.name for one in CATALOG if not any(name in shown for name in one.series)]
    assert not missing, missing
    ids = [panel["id"] for panel in BOARD["panels"]]
    assert len(set(ids)) == len(ids)
    assert {"title", "uid", "schemaVersion", "templating", "time", "panels"} <= set(BOARD)
    for panel in BOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == "${datasource}", "no data source of somebody's own"


def test_no_two_panels_lie_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


def test_every_alert_has_its_lines_in_the_runbook() -> None:
    for rule in rules():
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert (ROOT / page).is_file()
        assert anchor == rule["alert"].lower()
        assert f"### {rule['alert']}\n" in MONITORING, rule["alert"]
    told = set(re.findall(r"^### (Oppspot\w+)$", MONITORING, re.MULTILINE))
    assert told == {rule["alert"] for rule in rules()}


def test_prometheus_takes_the_alerts_and_the_scrape(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("there is no promtool: Debian's package prometheus has it")
    scrape = yaml.safe_load((ROOT / "deploy/prometheus/scrape.yml").read_text(encoding="utf-8"))
    scrape[0]["authorization"]["credentials_file"] = str(tmp_path / "token")
    (tmp_path / "token").write_text("opr_x")
    whole = {"scrape_configs": scrape, "rule_files": [str(ALERTS_FILE)]}
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(whole))
    check = [promtool, "check", "config", str(tmp_path / "prometheus.yml")]
    done = subprocess.run(check, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr

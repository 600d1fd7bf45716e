"""Every metric that the program has: name, labels and meaning, in one place.

docs/reference/metrics.md is made from it, and the board and the alerts of deploy/ are checked
against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]
Source = Literal["runner", "database", "http", "scrape"]


@dataclass(frozen=True)
class Metric:
    """One metric. `name` is without the suffix `_total`; `source` says who knows its numbers."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    source: Source = "runner"

    @property
    def series(self) -> tuple[str, ...]:
        """The names by which it can be asked for."""
        if self.kind == "counter":
            return (f"{self.name}_total",)
        if self.kind == "histogram":
            return (f"{self.name}_bucket", f"{self.name}_sum", f"{self.name}_count")
        return (self.name,)


TASKS = Metric(
    "oppspot_tasks",
    "counter",
    "Attempts whose end was written. `outcome` is completed, failed, retried, snoozed, cancelled or"
    " released.",
    ("type", "agent_type", "outcome"),
)
DURATION = Metric(
    "oppspot_task_duration_seconds",
    "histogram",
    "How long the bodies of attempts ran.",
    ("agent_type",),
)
WAIT = Metric(
    "oppspot_task_wait_seconds",
    "histogram",
    "How long tasks were due before an attempt of them began.",
    ("type",),
)
ERRORS = Metric(
    "oppspot_errors",
    "counter",
    "Attempts that ended with an error, by the class of the exception or the code of the error;"
    " `final` says whether the task failed by it.",
    ("agent_type", "error", "final"),
)
RETRIES = Metric(
    "oppspot_retries",
    "counter",
    "Tasks that were put in line again. `reason` is error, snoozed, released, or crash: their"
    " runner died.",
    ("reason",),
)
SETTLED = Metric(
    "oppspot_settled",
    "counter",
    "What became of ends of attempts: written, dropped because somebody took the task back, or"
    " lost with the runner's lease.",
    ("result",),
)
SAVES = Metric(
    "oppspot_saves",
    "counter",
    "Calls of save_results: saved with the end of their task, or failed and rolled back.",
    ("agent_type", "result"),
)
RESULTS = Metric(
    "oppspot_result",
    "counter",
    "Sums of the numbers in the outputs of completed attempts, as results_summary has them.",
    ("agent_type", "name"),
)
LLM_CALLS = Metric(
    "oppspot_llm_calls",
    "counter",
    "Calls of models that were paid or failed; `outcome` is ok or the code of the error.",
    ("provider", "model", "outcome"),
)
LLM_TOKENS = Metric(
    "oppspot_llm_tokens",
    "counter",
    "Tokens that calls of models used, by kind.",
    ("provider", "model", "kind"),
)
LLM_COST = Metric(
    "oppspot_llm_cost_usd",
    "counter",
    "What calls of models cost, in US dollars, as far as it is known.",
    ("provider", "model"),
)
LLM_DURATION = Metric(
    "oppspot_llm_call_duration_seconds",
    "histogram",
    "How long models took to answer.",
    ("provider", "model"),
)
TOOL_CALLS = Metric(
    "oppspot_tool_calls",
    "counter",
    "Calls of tools by agents; `outcome` is ok or the code of the error.",
    ("tool", "outcome"),
)
TOOL_DURATION = Metric(
    "oppspot_tool_call_duration_seconds", "histogram", "How long calls of tools took.", ("tool",)
)
RESCUED = Metric(
    "oppspot_rescued_tasks",
    "counter",
    "Tasks of dead runners that this one found: put_back, or failed after too many crashes.",
    ("result",),
)
LEASE_LOST = Metric(
    "oppspot_lease_lost", "counter", "How often this runner was taken for dead and started over."
)
BREAKERS_MOVED = Metric(
    "oppspot_breaker_changes",
    "counter",
    "Breakers of agents that opened or closed by what ended here.",
    ("change",),
)
SCHEDULES_STOPPED = Metric(
    "oppspot_schedules_stopped", "counter", "Schedules that were stopped by an error."
)
DELIVERY_FAULTS = Metric(
    "oppspot_notification_faults",
    "counter",
    "How often notifications could not be gathered or begun, once for each reason.",
)
DATABASE_AWAY = Metric(
    "oppspot_database_away", "counter", "How often the database did not answer this runner."
)
DATABASE_AWAY_S = Metric(
    "oppspot_database_away_seconds", "counter", "For how long it did not, once it is back."
)
STANDSTILLS_S = Metric(
    "oppspot_loop_standstill_seconds",
    "counter",
    "For how long the event loop stood still, standstills of a second and more.",
)
RUNNER_INFO = Metric(
    "oppspot_runner_info", "gauge", "1; the labels say what runs.", ("version", "state", "wake")
)
RUNNER_SLOTS = Metric("oppspot_runner_slots", "gauge", "Slots of this runner.")
RUNNER_RUNNING = Metric("oppspot_runner_running", "gauge", "Attempts that are on in this runner.")
LOOP_LAG = Metric(
    "oppspot_loop_lag_seconds",
    "gauge",
    "How late the event loop of this runner was when it was last looked at, twice a second.",
)
POOL = Metric(
    "oppspot_pool_connections",
    "gauge",
    "Connections of this process to the database: in_use or idle.",
    ("state",),
)
POOL_WAITING = Metric(
    "oppspot_pool_waiting", "gauge", "How many in this process wait for a connection."
)

QUEUE_DEPTH = Metric(
    "oppspot_queue_depth",
    "gauge",
    "Tasks by state: ready, blocked (a limit holds them back), scheduled, waiting (their agents"
    " wait for something), processing.",
    ("state",),
    "database",
)
OLDEST = Metric(
    "oppspot_oldest_pending_seconds",
    "gauge",
    "For how long the task that is due longest has waited, of each type that has one; those that"
    " are paused, or held back by a limit on their own key, are left out.",
    ("type",),
    "database",
)
WANTED_SLOTS = Metric(
    "oppspot_wanted_slots",
    "gauge",
    "Slots that would begin all ready tasks within a minute, by what a runner must serve and have;"
    " an autoscaler divides it by the slots of a runner.",
    ("type", "labels"),
    "database",
)
DEAD_LETTERS = Metric(
    "oppspot_dead_letters",
    "gauge",
    "Tasks that failed and wait for people.",
    source="database",
)
RUNNERS = Metric(
    "oppspot_runners",
    "gauge",
    "Runners by state: running, paused, stopping, stopped; dead ones still have tasks in their"
    " name.",
    ("state",),
    "database",
)
SLOTS = Metric("oppspot_slots", "gauge", "Slots of all live runners.", source="database")
RUNNING = Metric(
    "oppspot_running", "gauge", "Tasks that hold slots of live runners.", source="database"
)
HEARTBEAT = Metric(
    "oppspot_heartbeat_age_seconds",
    "gauge",
    "Age of the oldest heartbeat of a live runner.",
    source="database",
)
SCHEDULE_LAG = Metric(
    "oppspot_schedule_lag_seconds",
    "gauge",
    "For how long the schedule that is due longest has not been fired.",
    source="database",
)
SCHEDULES = Metric(
    "oppspot_schedules",
    "gauge",
    "Schedules: active, resting (paused or inactive), failed.",
    ("state",),
    "database",
)
BREAKERS = Metric(
    "oppspot_breaker_state",
    "gauge",
    "Breakers that are not closed, of agents and of hosts; `state` is open or half-open.",
    ("kind", "state"),
    "database",
)
BUDGETS = Metric(
    "oppspot_budget_used_ratio",
    "gauge",
    "What the fullest budget of each scope and period has used and holds, as a part of it.",
    ("scope", "period"),
    "database",
)
PAUSES = Metric("oppspot_pauses", "gauge", "Pauses that are in force.", source="database")
UNDELIVERED = Metric(
    "oppspot_notifications_undelivered",
    "gauge",
    "Notifications that failed for good and wait for people.",
    source="database",
)

REQUESTS = Metric(
    "oppspot_http_requests",
    "counter",
    "Requests that were answered, by the template of the route and the class of the status.",
    ("route", "method", "status", "worker"),
    "http",
)
REQUEST_DURATION = Metric(
    "oppspot_http_request_duration_seconds",
    "histogram",
    "How long answers took, streams left out.",
    ("route", "worker"),
    "http",
)
OPEN_STREAMS = Metric(
    "oppspot_http_open_streams", "gauge", "Streams of events that are open.", ("worker",), "http"
)

SCRAPE_OK = Metric(
    "oppspot_scrape_ok",
    "gauge",
    "1 when the database answered in time; else what it knows is left out of this scrape.",
    source="scrape",
)
SCRAPE_DURATION = Metric(
    "oppspot_scrape_database_seconds",
    "gauge",
    "How long the last reading of the database took.",
    source="scrape",
)

CATALOG: tuple[Metric, ...] = tuple(
    one for one in tuple(globals().values()) if isinstance(one, Metric)
)

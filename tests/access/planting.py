"""A row in every table for one owner, an organisation or nobody; each text holds a mark."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

NOBODY = UUID(int=0)  # stands for no organisation in keys
# What is made, if something later names it, and how. `org` is NULL for nobody.
ROWS: tuple[tuple[str, str], ...] = (
    ("agent", "ai_agents (org_id, name, description, agent_type, configuration, schedule_cron)"
     " VALUES (%(org)s, %(mark)s, %(mark)s, 'llm', %(json)s, '0 9 * * *')"),
    ("stream", "streams (org_id, name, goal_criteria) VALUES (%(org)s, %(mark)s, %(json)s)"),
    ("assignment", "stream_agent_assignments (stream_id, agent_id, assignment_role)"
     " VALUES (%(stream)s, %(agent)s, %(mark)s)"),
    ("run", "stream_runs (stream_id, org_id, root_agent_id, payload, requested_by, open_nodes)"
     " VALUES (%(stream)s, %(org)s, %(agent)s, %(json)s, %(mark)s, 1)"),
    ("execution", "agent_executions (org_id, agent_id, stream_id, status, error_message,"
     " input_data, output_data) VALUES (%(org)s, %(agent)s, %(stream)s, 'failed', %(mark)s,"
     " %(json)s, %(json)s)"),
    ("task", "agent_tasks (org_id, agent_id, stream_id, run_id, task_type, status, payload,"
     " error_message, unique_key, requested_by, cancel_reason, finished_at, execution_id)"
     " VALUES (%(org)s, %(agent)s, %(stream)s, %(run)s, %(mark)s, 'failed', %(json)s, %(mark)s,"
     " %(mark)s, %(mark)s, %(mark)s, now(), %(execution)s)"),
    ("", "agent_steps (task_id, name, seq, result, attempt)"
     " VALUES (%(task)s, %(mark)s, 0, %(json)s, 1)"),
    ("", "task_waits (task_id, attempt, kind, name, run_id)"
     " VALUES (%(task)s, 1, 'event', %(mark)s, %(run)s)"),
    ("", "stream_run_nodes (run_id, agent_id, level, open_dependencies, status, task_id, reason)"
     " VALUES (%(run)s, %(agent)s, 0, 0, 'queued', %(task)s, %(mark)s)"),
    ("", "run_events (run_id, seq, type, data) VALUES (%(run)s, 9, 'log', %(json)s)"),
    ("", "run_signals (run_id, name, payload) VALUES (%(run)s, %(mark)s, %(json)s)"),
    ("", "schedule_ticks (schedule_id, due_at) SELECT id, now() FROM schedules"
     " WHERE agent_id = %(agent)s"),
    ("", "schedule_calls (schedule_id) SELECT id FROM schedules WHERE agent_id = %(agent)s"),
    ("", "agent_breakers (agent_id, failures, open_s, last_error)"
     " VALUES (%(agent)s, 1, 1, %(mark)s)"),
    ("", "task_pauses (scope, key, reason) VALUES ('agent', %(agent)s::text, %(mark)s)"),
    ("", "task_pauses (scope, key, reason) VALUES ('type', %(mark)s, %(mark)s)"),
    ("", "task_limits (scope, key, concurrency) VALUES ('agent', %(agent)s::text, 7)"),
    ("", "task_limits (scope, key, concurrency) VALUES ('key', %(mark)s, 7)"),
    ("budget", "budgets (scope, scope_id, limit_usd) VALUES ('agent', %(agent)s, 5)"),
    ("", "budget_periods (budget_id, starts_at) VALUES (%(budget)s, 'epoch')"),
    ("", "agent_keys (agent_id, provider, sealed) VALUES (%(agent)s, %(mark)s, %(mark)s)"),
    ("company", "companies (org_id, name, description, website, source, source_id)"
     " VALUES (%(org)s, %(shared)s, %(shared)s, %(shared)s, 'csv', %(shared)s)"),
    ("other", "companies (org_id, name) VALUES (%(org)s, %(shared)s)"),
    ("", "facts (company_id, org_id, field, value, source, confidence)"
     " VALUES (%(company)s, %(org)s, 'region', to_jsonb(%(shared)s::text), %(shared)s, 0.5)"),
    ("", "enrichment_checks (company_id, provider, outcome)"
     " VALUES (%(company)s, %(shared)s, 'ok')"),
    ("", "company_merges (company_id, merged_into, reason, undo)"
     " VALUES (%(company)s, %(other)s, %(mark)s, %(json)s)"),
    ("", "possible_duplicates (company_id, other_id, likeness)"
     " VALUES (least(%(company)s, %(other)s::uuid), greatest(%(company)s, %(other)s::uuid), 0.9)"),
    ("item", "stream_items (stream_id, company_id, metadata)"
     " VALUES (%(stream)s, %(company)s, %(json)s)"),
    ("", "stream_insights (stream_id, org_id, kind, title)"
     " VALUES (%(stream)s, %(org)s, 'note', %(mark)s)"),
    ("post", "source_items (org_id, platform, external_id, title, link, posted_at)"
     " VALUES (%(org)s, 'reddit', %(mark)s, %(mark)s, 'https://x.example/' || %(mark)s, now())"),
    ("", "source_item_companies (item_id, company_id, matched_by, found)"
     " VALUES (%(post)s, %(company)s, 'name', %(mark)s)"),
    ("", "source_cursors (agent_id, source, seen_until) VALUES (%(agent)s, %(mark)s, now())"),
    ("signal", "buying_signals (org_id, company_id, signal_type, title)"
     " VALUES (%(org)s, %(company)s, 'hiring', %(mark)s)"),
    ("", "schedule_signals (schedule_id, signal_id) SELECT id, %(signal)s FROM schedules"
     " WHERE agent_id = %(agent)s"),
    ("", "signal_sightings (signal_id, org_id, company_id, signal_type, source, key, url,"
     " confidence) VALUES (%(signal)s, %(org)s, %(company)s, 'hiring', 'news', %(mark)s,"
     " %(mark)s, 50)"),
    ("", "job_postings (org_id, company_id, watcher, service, board, external_id, title)"
     " VALUES (%(org)s, %(company)s, %(mark)s, %(mark)s, %(mark)s, %(mark)s, %(mark)s)"),
    ("", "signal_watches (org_id, company_id, watcher, outcome)"
     " VALUES (%(org)s, %(company)s, %(mark)s, 'ok')"),
    ("person", "people (org_id, name, name_norm, source)"
     " VALUES (%(org)s, %(mark)s, %(mark)s, 'register')"),
    ("", "appointments (org_id, person_id, company_number, company_name, role, source)"
     " VALUES (%(org)s, %(person)s, '01234567', %(mark)s, 'director', 'register')"),
    ("", "contacts (org_id, name, name_norm, source) VALUES (%(org)s, %(mark)s, %(mark)s, 'csv')"),
    ("", "suppressions (org_id, kind, value, reason)"
     " VALUES (%(org)s, 'domain', %(mark)s || '.example', %(mark)s)"),
    ("", "relationship_checks (org_key, company_id, outcome)"
     " VALUES (coalesce(%(org)s, %(nobody)s), %(company)s, 'ok')"),
    ("draft", "drafts (org_id, stream_id, company_id, channel, language, tone, subject, body,"
     " written_by, prompt_hash) VALUES (%(org)s, %(stream)s, %(company)s, 'email', 'en', 'plain',"
     " %(mark)s, %(mark)s, 'template', %(mark)s)"),
    ("rule", "notification_rules (org_id, name, event, channel, target)"
     " VALUES (%(org)s, %(mark)s, 'task_dead', 'email', %(mark)s || '@example.com')"),
    ("", "notifications (rule_id, count, examples, shares, first_at, last_at, due_at)"
     " VALUES (%(rule)s, 1, %(list)s, %(json)s, now(), now(), now())"),
    ("", "notification_events (event, org_id, facts) VALUES ('task_dead', %(org)s, %(json)s)"),
    ("call", "model_calls (id, task_id, attempt, run_token, org_id, agent_id, step, seq, model)"
     " VALUES (gen_random_uuid(), %(task)s, 1, 1, %(org)s, %(agent)s, %(mark)s, 0, %(mark)s)"),
    ("", "model_cost_days SELECT '2020-01-01', %(org)s, NULL, %(agent)s, %(mark)s,"
     " 1, 0, 0, 0, 0, 0, 0, 0"),
    ("", "tool_calls (tool, arguments, task_id, organization_id)"
     " VALUES (%(mark)s, %(json)s, %(task)s, %(org)s::text)"),
    ("", "tool_results (key, result, expires_at) VALUES (%(mark)s, %(json)s, now() + '1 day')"),
    ("", "tool_call_rates (key, window_s) VALUES (%(mark)s, 1)"),
    ("", "tool_call_starts (key, number, at) VALUES (%(mark)s, 1, now())"),
    ("", "http_cache (key, source, url, refusal, expires_at)"
     " VALUES (%(mark)s, %(mark)s, %(mark)s, %(mark)s, now())"),
    ("", "host_breakers (source, host, open_s, last_error)"
     " VALUES (%(mark)s, %(mark)s, 1, %(mark)s)"),
    ("", "task_runners (host, pid, version, slots, poll_s, lease_s, beat_s, lease_until)"
     " VALUES (%(mark)s, 1, %(mark)s, 1, 1, 1, 1, now() + '1 h')"),
    ("token", "api_tokens (org_id, name, scope, hash, beginning)"
     " VALUES (%(org)s, %(mark)s, 'admin', md5(%(mark)s) || md5(%(mark)s || '2'), %(mark)s)"),
    ("", "audit_log (org_id, actor, action, kind, target, before)"
     " VALUES (%(org)s, %(mark)s, 'task.retry', 'task', %(task)s::text, %(json)s)"),
    ("", "idempotency_keys (owner, key, fingerprint, status, body)"
     " VALUES (%(token)s::text, %(mark)s, %(mark)s, 200, to_json(%(mark)s::text)::text)"),
)  # fmt: skip


def plant(connection: psycopg.Connection[Any], org: UUID | None, mark: str) -> dict[str, UUID]:
    """Makes the rows; ids by the names above."""
    told: dict[str, Any] = {
        "org": org,
        "mark": mark,
        # Companies and facts of nobody are for all.
        "shared": mark if org else "shared",
        "json": Jsonb({"note": mark}),
        "list": Jsonb([{"note": mark}]),
        "nobody": NOBODY,
    }
    ids: dict[str, UUID] = {}
    with connection.cursor(row_factory=dict_row) as cursor:
        for name, rest in ROWS:
            text = f"INSERT INTO {rest}" + (" RETURNING id" if name else "")
            cursor.execute(text, told)  # type: ignore[arg-type]
            if name:
                row = cursor.fetchone()
                assert row is not None
                told[name] = ids[name] = row["id"]
        cursor.execute(
            "SELECT id FROM schedules WHERE agent_id = %(agent)s",
            {"agent": ids["agent"]},
        )
        row = cursor.fetchone()
        assert row is not None
        ids["schedule"] = row["id"]
    return ids


def new_mark() -> str:
    """A text that is nowhere else."""
    return f"mark{uuid4().hex}"

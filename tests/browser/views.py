"""Where the views are, with things in them that have something to show."""

from __future__ import annotations

from tests.browser.site import Site


def views_of(site: Site) -> dict[str, str]:
    """The path of each view by its name."""
    one = site.fleet.one
    stream = one("SELECT id FROM streams LIMIT 1")["id"]
    item = one("SELECT company_id AS id FROM stream_items ORDER BY quality_score DESC LIMIT 1")
    agent = one("SELECT id FROM ai_agents WHERE name = 'analyst'")["id"]
    run = one("SELECT id FROM stream_runs ORDER BY id LIMIT 1")["id"]
    signal = one("SELECT id FROM buying_signals ORDER BY id LIMIT 1")["id"]
    draft = one("SELECT id FROM drafts ORDER BY id LIMIT 1")["id"]
    group = one("SELECT fingerprint FROM dead_letter_tasks ORDER BY id LIMIT 1")
    return {
        "overview": "/",
        "tasks": "/tasks",
        "task": f"/tasks/{site.id_of('analyst')}",
        "failed-task": f"/tasks/{site.id_of('CRM sync')}",
        "running-task": f"/tasks/{site.id_of('Market report')}",
        "new-task": "/tasks/new",
        "streams": "/streams",
        "stream": f"/streams/{stream}",
        "stream-companies": f"/streams/{stream}/companies",
        "stream-company": f"/streams/{stream}/companies/{item['id']}",
        "runs": "/runs",
        "run": f"/runs/{run}",
        "schedules": "/schedules",
        "dead-letters": "/dead-letters",
        "dead-letter-group": f"/dead-letters/{group['fingerprint']}",
        "agents": "/agents",
        "agent": f"/agents/{agent}",
        "costs": "/costs",
        "runners": "/runners",
        "audit": "/audit",
        "signals": "/signals",
        "signal": f"/signals/{signal}",
        "drafts": "/drafts",
        "draft": f"/drafts/{draft}",
        "companies": "/companies",
        "company": f"/companies/{item['id']}",
        "notifications": "/notifications",
        "limits": "/limits",
        "login": "/login",
        "nothing-found": "/tasks?q=nothing-has-this",
    }

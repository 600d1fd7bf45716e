"""ScoutAgent: looks for signs that now is the time to speak to a company.

Watchers look at the companies of a stream, of a watch list, or of all streams of the organisation,
those first that were looked at longest ago. Each company is written when it is done. A signal is
new once, however often it is seen and by however many sources; scout_run.py has how looks go.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.definition import Agent
from oppspot_runner.agents.goal import options_of
from oppspot_runner.agents.options import AgentOptions
from oppspot_runner.agents.quiet_hours import QuietHours
from oppspot_runner.agents.scout_options import ScoutOptions
from oppspot_runner.agents.scout_run import ScoutRun
from oppspot_runner.agents.watchers import Watcher
from oppspot_runner.agents.watchers_feeds import Feed
from oppspot_runner.agents.watchers_jobs import HiringThread, JobBoard
from oppspot_runner.agents.watchers_register import register_watchers
from oppspot_runner.agents.watchers_technology import Technology
from oppspot_runner.base.cron import timezone_name
from oppspot_runner.base.errors import Fail, InvalidInputError, RateLimitExceededError, Snooze
from oppspot_runner.connectors.sources import not_configured
from oppspot_runner.signals.looks import NewSignal

MOST_SHOWN = 100  # new signals in the output; all are in the table
MOST_UNKNOWN = 20  # ids of a watch list in the output


class ScoutAgent(Agent):
    """The scout. Subclasses may bring other `watchers`; results are listed in `_results`."""

    agent_type: ClassVar[str] = "scout_agent"
    options: ClassVar[AgentOptions] = AgentOptions(time_limit=timedelta(minutes=30))

    @classmethod
    def watchers(cls, options: ScoutOptions) -> tuple[Watcher, ...]:
        """All watchers, made anew."""
        lookback = options.lookback
        return (
            JobBoard(lookback),
            HiringThread(lookback),
            *register_watchers(lookback),
            Feed(lookback, options.feeds),
            Technology(lookback),
        )

    async def execute_agent(self, state: dict[str, Any]) -> dict[str, Any]:
        """Looks at all companies that are due, and writes each of them."""
        options = options_of(ScoutOptions, self.ctx, "the agent cannot scout")
        _keep_quiet(options, self.ctx)
        usable, skipped = self.chosen(options, self.ctx.http.sources)
        if not usable:
            raise Fail(" ".join(dict.fromkeys(skipped.values())))
        run = ScoutRun(self.ctx, usable, options)
        await run.begin()
        await run.finish()
        if (failed := _failed(run)) is not None:
            return failed
        return {
            **self._results(run, await self.ctx.signals.of_task()),
            "expired": await self.ctx.step(
                "expired", self.ctx.signals.expire, self.ctx.task.started_at
            ),
            "skipped_sources": {**skipped, **run.refused},
            "unknown_companies": [
                str(one)
                for one in await self.ctx.signals.unknown(options.companies or (), MOST_UNKNOWN)
            ],
        }

    @classmethod
    def chosen(
        cls, options: ScoutOptions, configured: Collection[str]
    ) -> tuple[list[Watcher], dict[str, str]]:
        """The watchers that are wanted and can look, and why others cannot, by their names.

        Raises Fail where nobody sees what is wanted.
        """
        known = {watcher.name: watcher for watcher in cls.watchers(options)}
        names = list(known) if options.sources is None else options.sources
        if unknown := sorted(set(names) - set(known)):
            raise Fail(f"sources: unknown {', '.join(unknown)}; known: {', '.join(known)}")
        wanted = [
            watcher
            for name, watcher in known.items()
            if name in names and not set(watcher.types).isdisjoint(options.signals)
        ]
        if not wanted:
            signals = ", ".join(options.signals)
            raise Fail(f"signals: none of the sources {', '.join(names)} sees {signals}")
        skipped = {
            one.name: not_configured(one.web_source).one_line()
            for one in wanted
            if one.web_source is not None and one.web_source not in configured
        }
        return [one for one in wanted if one.name not in skipped], skipped

    def _results(self, run: ScoutRun, new: Sequence[NewSignal]) -> dict[str, Any]:
        totals = run.totals
        refreshed, below = (totals.counts[name] for name in ("refreshed", "below_threshold"))
        return {
            "companies_checked": totals.counts["items"],
            "signals_detected": len(new) + refreshed + below,
            "new": len(new),
            "refreshed": refreshed,
            "below_threshold": below,
            "postings_closed": totals.counts["postings_closed"],
            "by_type": dict(totals.by_type),
            "by_source": dict(totals.by_source),
            "by_watcher": {name: dict(ends) for name, ends in totals.by_watcher.items()},
            "new_signals": [_shown(one) for one in new[:MOST_SHOWN]],
            "errors": dict(run.errors),
            "api_calls": totals.counts["api_calls"],
            "ignored": sorted(set(self.ctx.execution_config) - set(ScoutOptions.model_fields)),
            "partial": bool(run.errors or run.next_cursor),
            # The next run begins there; it finds the place without being told.
            "next_cursor": run.next_cursor,
        }

    async def save_results(self, ctx: Context, tx: Any, results: dict[str, Any]) -> bool:
        """Writes the stream's progress; signals have their insights already."""
        if ctx.stream is not None and results["companies_checked"]:
            names = ("companies_checked", "signals_detected", "new")
            progress = {"signals": {name: results[name] for name in names}}
            await ctx.insights.set_progress(progress, tx=tx)
        return True


def _shown(signal: NewSignal) -> dict[str, Any]:
    return {
        "id": str(signal.id),
        "company_id": str(signal.company_id),
        "company": signal.company_name,
        "signal_type": signal.signal_type,
        "strength": signal.strength,
        "confidence": signal.confidence,
        "title": signal.title,
        "occurred_at": signal.occurred_at.isoformat(),
    }


def _failed(run: ScoutRun) -> dict[str, Any] | None:
    """The results of a run in which looks did nothing but fail. Raises what refused all of them."""
    if run.totals.answered or not run.errors:
        return None
    for refusal in run.web.refusals.values():
        if not isinstance(refusal, RateLimitExceededError):  # which lasts too long to wait for it
            raise refusal
    errors = dict(run.errors)
    last = f"; the last one: {run.last_failure}" if run.last_failure else ""
    return {"error": f"every look failed: {errors}{last}", "errors": errors}


def _keep_quiet(options: ScoutOptions, ctx: Context) -> None:
    """Raises Snooze in the quiet hours, until they end."""
    if options.quiet_hours is None:
        return
    try:
        zone = ZoneInfo(timezone_name(ctx.agent.timezone))
    except InvalidInputError as error:
        raise Fail(f"quiet_hours: schedule_timezone: {error.one_line()}") from None
    until = QuietHours.read(options.quiet_hours).end_after(ctx.task.started_at, zone)
    if until is not None:
        raise Snooze(until, reason=f"quiet hours: {options.quiet_hours}")

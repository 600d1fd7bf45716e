"""Writes to one company: the fact sheet, the model with its repairs, the template, the row."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.prompts import DATA_RULE, marked
from oppspot_runner.companies.company import Company
from oppspot_runner.drafts import request, template, validator
from oppspot_runner.drafts.answer import SCHEMA
from oppspot_runner.drafts.background import Background, NewDraft, Priority
from oppspot_runner.drafts.facts import Evidence, facts_of, names_of
from oppspot_runner.drafts.language import language
from oppspot_runner.drafts.sheet import Channel, Draft, Recipient, Sender, Sheet
from oppspot_runner.llm.errors import OutputSchemaError
from oppspot_runner.llm.messages import (
    AssistantMessage,
    Message,
    ModelRequest,
    Reply,
    UserMessage,
)

MOST_REPAIRS = 2
ENRICH_FIRST = "enrich_first"
# Addresses that are those of a role, not of a person.
ROLES = frozenset(
    [
        "info",
        "hello",
        "contact",
        "office",
        "sales",
        "enquiries",
        "enquiry",
        "inquiries",
        "mail",
        "team",
        "support",
        "admin",
    ]
)


class WriterConfig(BaseModel):
    """What is to be written, to whom, and by whom. Keys of others are passed over."""

    model_config = ConfigDict(extra="ignore")

    channel: Channel = "email"
    tone: Literal["friendly", "formal", "direct"] = "friendly"
    language: Literal["en"] = "en"
    sender: Sender
    recipients: dict[UUID, Recipient] = Field(default_factory=dict)
    company_ids: list[UUID] | None = Field(None, max_length=1_000)
    priority: Priority = "high"
    min_score: float | None = Field(None, ge=0, le=5)
    max_drafts: int = Field(20, ge=1, le=500)
    model: str | None = Field(None, min_length=1, max_length=200)
    temperature: float | None = Field(0.4, ge=0, le=2)
    max_tokens: int = Field(1_500, ge=100)


class Outcome(BaseModel):
    """What came of one company. `rejected` counts why answers were refused, by code."""

    draft_id: str | None = None
    skipped: str | None = None
    rejected: dict[str, int] = Field(default_factory=dict)
    repairs: int = 0
    by_template: bool = False
    tokens: int = 0
    cost_usd: float | None = 0.0


class Draftsman:
    """Writes to companies as `config` says."""

    def __init__(self, ctx: Context, config: WriterConfig) -> None:
        self.ctx = ctx
        self.config = config

    async def write(self, company_id: UUID) -> dict[str, Any]:
        """Writes to one company; what came of it, as JSON."""
        return (await self._write(company_id)).model_dump()

    async def _write(self, company_id: UUID) -> Outcome:
        ctx, config = self.ctx, self.config
        company = await ctx.companies.get(company_id)
        if company is None:
            return Outcome(skipped="gone")
        recipient = self._recipient(company)
        suppressed = await ctx.people.suppressed(
            emails=[recipient.email] if recipient.email else [], company_ids=[company_id]
        )
        if suppressed:
            return Outcome(skipped="suppressed")
        known = await ctx.drafts.background(company_id, config.channel)
        sheet = await self._sheet(company, recipient, known)
        if not sheet.facts:
            return Outcome(rejected={ENRICH_FIRST: 1})
        told = request.prompt_hash(sheet, config.model)
        if told in known.hashes and not ctx.force_execute:
            return Outcome(skipped="unchanged")
        conversation = Conversation(ctx, config, sheet, company_id)
        draft = await conversation.draft() if config.model else None
        outcome = conversation.outcome
        if draft is None:
            outcome.by_template = True
            draft, faults = template.write(sheet)
            if draft is None:
                conversation.reject({fault.code for fault in faults})
                return outcome
        new = NewDraft(
            company_id, sheet, draft, told, config.model, not outcome.by_template, outcome.repairs
        )
        outcome.draft_id = str(await ctx.drafts.save(new))
        return outcome

    def _recipient(self, company: Company) -> Recipient:
        """Who was supplied, else for e-mail the address of a role that the company publishes."""
        supplied = self.config.recipients.get(company.id)
        if supplied is not None or self.config.channel != "email":
            return supplied or Recipient()
        address = (company.email or "").strip().lower()
        if address.partition("@")[0] not in ROLES or address.count("@") != 1:
            return Recipient()
        return Recipient(email=address)

    async def _sheet(self, company: Company, recipient: Recipient, known: Background) -> Sheet:
        config, ctx = self.config, self.ctx
        recorded = (await ctx.companies.facts([company.id])).get(company.id, ())
        pages = {(one.field, one.source): one.source_url for one in recorded}
        facts = {
            field: replace(fact, source_url=pages.get((field, fact.source)))
            for field, fact in company.facts.items()
        }
        signals = (await ctx.signals.of([company.id])).get(company.id, ())
        evidence = Evidence(
            replace(company, facts=facts), signals, known.reasons, ctx.task.started_at, known.pages
        )
        return Sheet(
            company=company.name,
            names=names_of(company),
            facts=facts_of(evidence, language(config.language)),
            sender=config.sender,
            recipient=recipient,
            channel=config.channel,
            language=config.language,
            tone=config.tone,
        )


class Conversation:
    """Has a model write a draft. `outcome` is what came of it, also when there is none."""

    def __init__(self, ctx: Context, config: WriterConfig, sheet: Sheet, company_id: UUID) -> None:
        self.ctx = ctx
        self.config = config
        self.sheet = sheet
        self.step = f"model {company_id}"  # answers of companies must not be taken for each other
        self.outcome = Outcome()

    async def draft(self) -> Draft | None:
        """The first answer that says nothing but facts; None when repairs did not help."""
        rules = request.instructions(self.sheet)
        messages: list[Message] = [UserMessage(marked("facts", request.material(self.sheet)))]
        for turn in range(MOST_REPAIRS + 1):
            text = await self._answer(f"{rules}\n{DATA_RULE}", messages)
            draft, faults = validator.check(text, self.sheet, rules)
            if draft is not None and not faults:
                self.outcome.repairs = turn
                return draft
            self.reject({fault.code for fault in faults})
            messages += [
                AssistantMessage(request.repeated(text)),
                UserMessage(request.repair(faults)),
            ]
        self.outcome.repairs = MOST_REPAIRS
        return None

    def reject(self, codes: set[str]) -> None:
        """Counts an answer that was refused under each of its reasons."""
        self.outcome.rejected = dict(Counter(self.outcome.rejected) + Counter(codes))

    async def _answer(self, rules: str, messages: list[Message]) -> str:
        asked = ModelRequest(
            tuple(messages),
            instructions=rules,
            output_schema=SCHEMA,
            temperature=self.config.temperature,
            max_tokens=self.config.max_tokens,
        )
        try:
            reply = await self.ctx.llm.ask(
                asked, model=self.config.model, step=self.step, goes_on=True
            )
        except OutputSchemaError as error:
            if error.reply is None:
                raise
            reply = error.reply
        self._count(reply)
        return reply.text

    def _count(self, reply: Reply) -> None:
        outcome = self.outcome
        outcome.tokens += reply.usage.total
        cost: Decimal | None = reply.cost
        known = outcome.cost_usd is not None and cost is not None
        outcome.cost_usd = float(outcome.cost_usd or 0) + float(cost or 0) if known else None

"""Writes a draft without a model: the same sheet gives the same draft, to the letter.

What it writes goes through the same check as what models write; a fact that does not pass, because
its words come from outside, is left out.
"""

from __future__ import annotations

from collections.abc import Sequence

from oppspot_runner.drafts.faults import Fault
from oppspot_runner.drafts.language import Language, language
from oppspot_runner.drafts.sheet import ROOMS, Claim, Draft, Fact, Sheet
from oppspot_runner.drafts.tokens import holds, keys_of
from oppspot_runner.drafts.validator import check_draft

MOST_TOLD = 3  # facts


def write(sheet: Sheet) -> tuple[Draft | None, list[Fault]]:
    """A draft with as many facts as there is room for; or None, and why there can be none."""
    faults: list[Fault] = [Fault("no_fact", "")]
    usable: list[Fact] = []
    for fact in sheet.facts:
        if found := check_draft(_written(sheet, [fact]), sheet):
            faults = found
        else:
            usable.append(fact)
    for count in range(min(MOST_TOLD, len(usable)), 0, -1):
        draft = _written(sheet, usable[:count])
        if not check_draft(draft, sheet):
            return draft, []
    return None, faults


def _written(sheet: Sheet, facts: Sequence[Fact]) -> Draft:
    known = language(sheet.language)
    parts, tone = known.templates[sheet.channel], known.tones[sheet.tone]
    company, sender, recipient = sheet.names[-1], sheet.sender, sheet.recipient.name
    said = [Claim(text=_sentence(fact, sheet, known), fact_ids=(fact.id,)) for fact in facts]
    values = {
        "company": company,
        "sender_name": sender.name,
        "sender_company": sender.company,
        "offer": sender.offer.rstrip("."),
        "url": parts["url"].format(value=sender.url) if sender.url else "",
        "facts": " ".join(claim.text for claim in said),
        "opening": tone["opening"].format(company=company),
        "cta": tone["cta"],
        "closing": tone["closing"],
    }
    greeting = parts["greeting" if recipient else "greeting_nobody"].format(recipient=recipient)
    subject = parts["subject"].format(**values) if ROOMS[sheet.channel].subject else ""
    body = parts["body"].format(greeting=greeting, **values)
    return Draft(subject=subject, body=body, claims=tuple(said), cta=tone["cta"])


def _sentence(fact: Fact, sheet: Sheet, known: Language) -> str:
    if fact.kind == "description" or fact.day is None or not fact.quoted:
        return fact.text if fact.text.endswith(".") else f"{fact.text}."
    named = any(holds(keys_of(fact.text), keys_of(name)) for name in sheet.names)
    form = known.facts["news"] if named else known.facts.get(fact.kind, known.facts["news_of"])
    value, day = fact.text.rstrip(". "), known.written(fact.day)
    return form.format(company=sheet.names[-1], value=value, day=day)

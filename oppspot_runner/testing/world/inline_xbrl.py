"""Annual accounts as companies file them: a page to read, with tagged values in it.

Different programs write them in different ways, so the number of the company decides on prefixes,
formats and scales. Each document also has values that are no head count of the company: of one of
its parts, and of money, with a sign and a scale.
"""

from __future__ import annotations

from datetime import date, timedelta
from html import escape

from oppspot_runner.testing.world.content import Accounts, RegisteredCompany

YEAR = timedelta(days=365)
PREFIXES = ("core", "uk-core", "ns5")

PAGE = """<?xml version="1.0" encoding="UTF-8"?>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:ix="http://www.xbrl.org/2013/inlineXBRL"
 xmlns:ixt2="http://www.xbrl.org/inlineXBRL/transformation/2011-07-31"
 xmlns:xbrli="http://www.xbrl.org/2003/instance" xmlns:xbrldi="http://xbrl.org/2006/xbrldi"
 xmlns:link="http://www.xbrl.org/2003/linkbase" xmlns:xlink="http://www.w3.org/1999/xlink"
 xmlns:iso4217="http://www.xbrl.org/2003/iso4217"
 xmlns:{prefix}="http://xbrl.frc.org.uk/fr/2021-01-01/core">
<head><title>{name}</title></head>
<body>
<div style="display:none"><ix:header><ix:references><link:schemaRef xlink:type="simple"
 xlink:href="https://xbrl.frc.org.uk/FRS-102/2021-01-01/FRS-102-2021-01-01.xsd"/></ix:references>
<ix:resources>
{contexts}
<xbrli:unit id="pure"><xbrli:measure>xbrli:pure</xbrli:measure></xbrli:unit>
<xbrli:unit id="GBP"><xbrli:measure>iso4217:GBP</xbrli:measure></xbrli:unit>
</ix:resources></ix:header></div>
<h1>{name}</h1>
<p>Registered number: {number}. Accounts for the year ended {ends:%d %B %Y}.</p>
<table>
{rows}
</table>
</body>
</html>
"""
CONTEXT = """<xbrli:context id="{id}"><xbrli:entity><xbrli:identifier
 scheme="http://www.companieshouse.gov.uk/">{number}</xbrli:identifier>{part}</xbrli:entity>
<xbrli:period><xbrli:startDate>{starts}</xbrli:startDate><xbrli:endDate>{ends}</xbrli:endDate>
</xbrli:period></xbrli:context>"""
PART = (
    '<xbrli:segment><xbrldi:explicitMember dimension="{prefix}:EmployeeCategoryDimension">'
    "{prefix}:Administration</xbrldi:explicitMember></xbrli:segment>"
)
VALUE = (
    '<td><ix:nonFraction name="{prefix}:{tag}" contextRef="{context}" unitRef="{unit}"'
    ' decimals="0"{more}>{text}</ix:nonFraction></td>'
)
HEAD_COUNT = "AverageNumberEmployeesDuringPeriod"


def accounts_document(
    company: RegisteredCompany, accounts: Accounts, before: Accounts | None
) -> bytes:
    """The accounts, with the figures of the year before beside them."""
    style = int("".join(filter(str.isdecimal, company.number)) or "0")
    prefix = PREFIXES[style % len(PREFIXES)]
    years = {"now": accounts.made_up_to, "before": accounts.made_up_to - YEAR}
    if before is not None:
        years["before"] = before.made_up_to
    part = PART.format(prefix=prefix)
    contexts = [_context(company, name, ends) for name, ends in years.items()]
    contexts.append(_context(company, "part", accounts.made_up_to, part))
    people = {"now": accounts.employees, "before": before.employees if before else None}
    stated = [(name, count) for name, count in people.items() if count is not None]
    rows = [_money(prefix, accounts)]
    if stated:
        cells = [_people(prefix, name, count, style) for name, count in stated]
        rows.append(f"<tr><td>Average number of employees</td>{''.join(cells)}</tr>")
        few = VALUE.format(
            prefix=prefix, tag=HEAD_COUNT, context="part", unit="pure", more="", text="1"
        )
        rows.append(f"<tr><td>of whom in administration</td>{few}</tr>")
    return PAGE.format(
        prefix=prefix,
        name=escape(company.name.upper()),
        number=company.number,
        ends=accounts.made_up_to,
        contexts="\n".join(contexts),
        rows="\n".join(rows),
    ).encode()


def _context(company: RegisteredCompany, name: str, ends: date, part: str = "") -> str:
    starts = ends - YEAR + timedelta(days=1)
    return CONTEXT.format(id=name, number=company.number, part=part, starts=starts, ends=ends)


def _people(prefix: str, context: str, count: int, style: int) -> str:
    more, text = "", f"{count:,}"
    if count == 0:
        more, text = ' format="ixt2:zerodash"', "-"
    elif style % 4 == 1:
        more = ' format="ixt2:numdotdecimal"'
    elif style % 4 == 2:
        more, text = ' format="ixt2:numcommadecimal"', f"{count},0"
    elif style % 4 == 3 and count % 10 == 0:
        more, text = ' scale="1"', f"{count // 10}"
    return VALUE.format(
        prefix=prefix, tag=HEAD_COUNT, context=context, unit="pure", more=more, text=text
    )


def _money(prefix: str, accounts: Accounts) -> str:
    thousands = (accounts.employees or 1) * 12
    more = ' format="ixt2:numdotdecimal" scale="3" sign="-"'
    text = f"{thousands:,}"
    cell = VALUE.format(
        prefix=prefix, tag="ProfitLoss", context="now", unit="GBP", more=more, text=text
    )
    return f"<tr><td>Loss for the year, in thousands</td>{cell}</tr>"

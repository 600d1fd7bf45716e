"""A made register of twelve companies: who sits where, two directors who lend their names, a group.

Contacts: Kim Ward works at One; Jana Quist is a director of Two.

    One: Annika, both nominees    Seven: Fay, with Jana at Two until she left
    Two: Jana, Ledger Nominees    Eight: nominees only
    Three: Annika, Bo             Nine: Gil, Ledger Nominees
    Four: Bo, Cass                Ten: Hal; owned by Two
    Five: Cass, Dag               Eleven: another Annika, and one of whom no birth is known
    Six: Dag, Eske                Twelve: Ivo, whose offices the register does not know (404)
"""

from __future__ import annotations

from datetime import date

from oppspot_runner.testing.world.content import Content, Officer, Parent, RegisteredCompany

LEFT = date(2021, 11, 1)
ANNIKA = Officer("BERGSTRÖM, Annika", born=(1971, 3))
BO = Officer("ODEGARD, Bo", born=(1972, 4), occupation="Chief Executive")
CASS = Officer("O'NEILL, Cass", born=(1973, 5))
DAG = Officer("VINTER, Dag", born=(1974, 6))
ESKE = Officer("MARK, Eske", born=(1975, 7))
JANA = Officer("QUIST, Jana", born=(1976, 8))
FAY = Officer("LINDEN, Fay", born=(1977, 9))
FAY_THEN = Officer("LINDEN, Fay", born=(1977, 9), resigned=LEFT)
GIL = Officer("SERRA, Gil", born=(1978, 10))
HAL = Officer("TURNBULL, Hal", born=(1979, 11))
IVO = Officer("ZELLER, Ivo", born=(1981, 12))
OTHER_ANNIKA = Officer("BERGSTRÖM, Annika", born=(1990, 1))
NO_BIRTH = Officer("BERGSTRÖM, Annika", born=None, role="llp-member")
LENT = (
    Officer("LENDER, Norma", born=(1950, 1)),
    Officer("LENDER, Norbert", born=(1951, 2)),
)
AGENT = Officer("LEDGER NOMINEES LIMITED", role="corporate-secretary", born=None)
BOARDS: dict[str, tuple[Officer, ...]] = {
    "One": (ANNIKA, *LENT),
    "Two": (JANA, FAY_THEN, AGENT),
    "Three": (ANNIKA, BO),
    "Four": (BO, CASS),
    "Five": (CASS, DAG),
    "Six": (DAG, ESKE),
    "Seven": (FAY,),
    "Eight": LENT,
    "Nine": (GIL, AGENT),
    "Ten": (HAL,),
    "Eleven": (OTHER_ANNIKA, NO_BIRTH),
    "Twelve": (IVO,),
}
NAMES = tuple(BOARDS)
SHELLS = 1_001


def number(name: str) -> str:
    """The number of one of the twelve in the register."""
    return f"{NAMES.index(name) + 1:08}"


def content() -> Content:
    """The twelve, and the shells for which the nominees lend their names."""
    companies = [
        RegisteredCompany(
            number(name),
            f"COMPANY {name.upper()} LTD",
            officers=board,
            owners=(ANNIKA,) if name == "Three" else (),
            parents=(Parent("Company Two Ltd", number("Two")),) if name == "Ten" else (),
        )
        for name, board in BOARDS.items()
    ]
    shells = [
        RegisteredCompany(f"9{place:07}", f"SHELL {place} LTD", officers=LENT)
        for place in range(SHELLS)
    ]
    return Content(companies=[*companies, *shells])

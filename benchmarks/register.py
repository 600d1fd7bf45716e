"""Writes a made file in the form of BasicCompanyData: 55 columns, every field quoted.

`python -m benchmarks.register FILE [--rows N]`; a FILE that ends in .zip is one. Names, numbers and
addresses are made up, the same for the same number of rows. What is skewed in the register is
skewed here: a few towns and trades hold most companies, and one row in thirty states no trade.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from random import Random

import click

from oppspot_runner.companies.sic import sic_codes

HEADER = """
CompanyName, CompanyNumber,RegAddress.CareOf,RegAddress.POBox,RegAddress.AddressLine1,
 RegAddress.AddressLine2,RegAddress.PostTown,RegAddress.County,RegAddress.Country,
RegAddress.PostCode,CompanyCategory,CompanyStatus,CountryOfOrigin,DissolutionDate,
IncorporationDate,Accounts.AccountRefDay,Accounts.AccountRefMonth,Accounts.NextDueDate,
Accounts.LastMadeUpDate,Accounts.AccountCategory,Returns.NextDueDate,Returns.LastMadeUpDate,
Mortgages.NumMortCharges,Mortgages.NumMortOutstanding,Mortgages.NumMortPartSatisfied,
Mortgages.NumMortSatisfied,SICCode.SicText_1,SICCode.SicText_2,SICCode.SicText_3,
SICCode.SicText_4,LimitedPartnerships.NumGenPartners,LimitedPartnerships.NumLimPartners,URI,
{previous},ConfStmtNextDueDate, ConfStmtLastMadeUpDate
"""
FIRST_WORDS = """
AMBER ARDEN BEACON BRIDGE CEDAR CLIFF CROWN DALE EAGLE ELM FERN FLINT GLEN GROVE HARBOUR HAZEL
HERON IRON IVY KESTREL LARK LIME MARSH MILL NORTH OAK OTTER PEAK PINE QUARRY RAVEN RIVER ROWAN
SABLE SILVER STONE TARN THORN VALE WREN YEW ZEPHYR
"""
SECOND_WORDS = """
ANALYTICS BAKERS BUILDERS CAPITAL CARE CATERING CLEANING CONSULTING DATA DESIGN DIGITAL
ELECTRICAL ENERGY ENGINEERING ESTATES EVENTS FITNESS FOODS FREIGHT GARDENS HEALTH HOLDINGS HOMES
INTERIORS JOINERY LEARNING LOGISTICS MEDIA MOTORS NETWORKS PAYMENTS PLUMBING PROPERTIES ROOFING
SECURITY SOFTWARE STUDIOS SYSTEMS TEXTILES TRADING TRANSPORT TRAVEL VENTURES WEALTH WORKS
"""
PREVIOUS = ",".join(
    f" PreviousName_{number}.CONDATE, PreviousName_{number}.CompanyName" for number in range(1, 11)
)
COLUMNS = HEADER.replace("\n", "").format(previous=PREVIOUS).split(",")
FIRST, SECOND = FIRST_WORDS.split(), SECOND_WORDS.split()
PREVIOUS_NAMES = 20  # cells of the ten previous names
FORMS = ("LIMITED", "LTD", "LTD.", "LLP", "PLC", "C.I.C.", "CYFYNGEDIG")
FORM_WEIGHTS = (45, 45, 3, 4, 1, 1, 1)
CATEGORIES = {
    "LLP": "Limited Liability Partnership",
    "PLC": "Public Limited Company",
    "C.I.C.": "Community Interest Company",
}
TOWNS = """
LONDON,,ENGLAND;MANCHESTER,LANCASHIRE,ENGLAND;BIRMINGHAM,WEST MIDLANDS,ENGLAND;GLASGOW,,SCOTLAND;
LEEDS,WEST YORKSHIRE,ENGLAND;BRISTOL,,ENGLAND;EDINBURGH,,SCOTLAND;CARDIFF,,WALES;
BELFAST,,NORTHERN IRELAND;STOKE-ON-TRENT,STAFFORDSHIRE,ENGLAND;NORWICH,NORFOLK,ENGLAND;
NEWCASTLE UPON TYNE,TYNE AND WEAR,ENGLAND;KING'S LYNN,NORFOLK,UNITED KINGDOM;EXETER,DEVON,;
READING,BERKSHIRE,UNITED KINGDOM;SWANSEA,,WALES;YORK,,;DUNDEE,,SCOTLAND;HULL,EAST YORKSHIRE,;
BATH,SOMERSET,ENGLAND
"""
PLACES = TOWNS.replace("\n", "").split(";")
STATUSES = ("Active", "Active - Proposal to Strike off", "Liquidation", "In Administration")
STATUS_WEIGHTS = (92, 5, 2, 1)
COMMON_SIC = ("62012", "62020", "70229", "68209", "47910", "41100", "43390", "56101", "82990")
ACCOUNTS = ("MICRO ENTITY", "TOTAL EXEMPTION FULL", "DORMANT", "UNAUDITED ABRIDGED", "SMALL")
BATCH = 10_000


def rows(count: int) -> Iterator[list[str]]:
    """The cells of `count` companies, without the header."""
    random = Random(count)
    codes = [*COMMON_SIC, *sic_codes()]
    cumulated = list(accumulate([40.0] * len(COMMON_SIC) + [1.0] * len(sic_codes())))
    town_weights = [1 / (place + 1) for place in range(len(PLACES))]
    for start in range(0, count, BATCH):
        size = min(BATCH, count - start)
        towns = random.choices(PLACES, town_weights, k=size)
        forms = random.choices(FORMS, FORM_WEIGHTS, k=size)
        statuses = random.choices(STATUSES, STATUS_WEIGHTS, k=size)
        trades = random.choices(codes, cum_weights=cumulated, k=size)
        drawn = zip(towns, forms, statuses, trades, strict=True)
        for number, (town, form, status, trade) in enumerate(drawn, start):
            yield _cells(number, town, form, status, trade, random)


def _cells(number: int, town: str, form: str, status: str, trade: str, random: Random) -> list[str]:
    chance = random.getrandbits(32)
    name = f"{FIRST[chance % len(FIRST)]} {SECOND[chance // 64 % len(SECOND)]}"
    if chance % 3:
        name += f" {number}"
    place, county, country = town.split(",")
    key = f"{'SC' if country == 'SCOTLAND' else '00'}{number:06}"
    year, month, day = 1960 + chance % 66, 1 + chance % 12, 1 + chance % 28
    since = f"{day:02}/{month:02}/"
    trades = ["None Supplied"] if chance % 30 == 0 else [f"{trade} - Trade of the class {trade}"]
    if chance % 5 == 0 and len(trades[0]) > 13:
        trades.append("62090 - Other trade of computers")
    return [
        *(f"{name} {form}", key, "", "", f"{1 + chance % 200} HIGH STREET", "", place, county),
        *(country, f"ZZ{chance % 10} {chance % 9}ZZ", CATEGORIES.get(form, _PRIVATE), status),
        *("United Kingdom", "", f"{since}{year}", f"{day}", f"{month}", f"{since}2027"),
        *(f"{since}2025", ACCOUNTS[chance % len(ACCOUNTS)], f"{since}2027", f"{since}2025"),
        *("0", "0", "0", "0", *trades, *("",) * (4 - len(trades)), "0", "0"),
        f"http://register.example/company/{key}",
        *("",) * PREVIOUS_NAMES,
        *(f"{since}2027", f"{since}2026"),
    ]


_PRIVATE = "Private Limited Company"


def write(path: Path, count: int) -> None:
    """Writes the file; a ZIP with one CSV in it when the name ends so."""
    if path.suffix.lower() != ".zip":
        with path.open("w", newline="", encoding="utf-8") as file:
            _write(file, count)
        return
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        member = archive.open("BasicCompanyDataAsOneFile.csv", "w", force_zip64=True)
        with io.TextIOWrapper(member, encoding="utf-8", newline="") as file:
            _write(file, count)


def _write(file: io.TextIOBase, count: int) -> None:
    csv.writer(file).writerow(COLUMNS)
    csv.writer(file, quoting=csv.QUOTE_ALL).writerows(rows(count))


@click.command()
@click.argument("path", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--rows", "count", default=1_000_000, show_default=True, type=click.IntRange(1))
def main(path: Path, count: int) -> None:
    """Write a made register of companies."""
    write(path, count)


if __name__ == "__main__":
    main()

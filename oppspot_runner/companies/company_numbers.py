"""Numbers of companies in the register of the United Kingdom."""

from __future__ import annotations

import re

LENGTH = 8
# Two letters for where or what a company is (SC, NI, OC ...), or R for old Northern Irish ones.
PREFIXED = re.compile(r"([A-Z]{2}|R)(\d{1,7})")
NUMBER = re.compile(r"[A-Z0-9]{8}")


def uk_company_number(text: str) -> str | None:
    """The number as the register writes it: `"sc 12345"` is `"SC012345"`, `"445790"` `"00445790"`.

    None for what can be no number there.
    """
    number = "".join(text.split()).upper()
    if not number.isascii():
        return None
    if number.isdigit():
        number = number.zfill(LENGTH)
    elif prefixed := PREFIXED.fullmatch(number):
        prefix, digits = prefixed.groups()
        number = prefix + digits.zfill(LENGTH - len(prefix))
    return number if NUMBER.fullmatch(number) and any(map(str.isdigit, number)) else None

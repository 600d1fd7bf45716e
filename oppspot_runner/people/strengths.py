"""How strong a tie between two people is, from 0 to 1; a path is worth the product of its ties.

Estimates, not measurements: they order paths, and a path of one strong tie before one of two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tie = Literal["self", "colleague", "fellow", "former", "group"]


@dataclass(frozen=True)
class Strengths:
    """Ties of people in office: now (`fellow`), earlier (`former`), in a `group`; of contacts.

    `itself`: the contact is that person; `colleague`: works where that person is in office. Both
    halve every `contact_half_life` days without contact; `unknown_contact` stands for a contact
    of whom nobody noted when. `former` halves every `half_life` years since somebody left.
    """

    itself: float = 1.0
    colleague: float = 0.6
    fellow: float = 0.8
    former: float = 0.5
    group: float = 0.4
    half_life: float = 5.0
    contact_half_life: float = 365.0
    unknown_contact: float = 0.3


STRENGTHS = Strengths()

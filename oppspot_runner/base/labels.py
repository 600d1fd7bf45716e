"""Labels: what a runner offers and an agent may ask for, such as `gpu`, `eu` or `zone=a`."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Strict
from pydantic_core import PydanticCustomError

# The same form as configured_labels in sql has.
FORM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:=/-]{0,62}")


def _checked(label: str) -> str:
    if FORM.fullmatch(label):
        return label
    raise PydanticCustomError(
        "label",
        "a label has 1 to 63 letters, digits and _.:=/-, and begins with a letter or a digit",
    )


Label = Annotated[str, Strict(), AfterValidator(_checked)]

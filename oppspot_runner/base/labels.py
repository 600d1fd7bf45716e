"""Labels: what a runner offers and an agent may ask for, such as `gpu`, `eu` or `zone=a`."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

# The same form as configured_labels in sql has.
Label = Annotated[
    str, StringConstraints(strict=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:=/-]{0,62}$")
]

"""Models of what sources answer, as far as it is used here.

What is required and missing makes the item unreadable; what is not required and cannot be read is
not known; what is not named is ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, WrapValidator


def or_none(value: Any, read: Callable[[Any], Any]) -> Any:
    """What `read` makes of the value, None where that is nothing."""
    try:
        return read(value)
    except ValidationError:
        return None


Text = Annotated[str | None, WrapValidator(or_none)]
Day = Annotated[date | None, WrapValidator(or_none)]
# Zero, in whichever calendar, is how some write that they do not know.
PLAUSIBLE = Field(gt=datetime(1970, 1, 2, tzinfo=UTC), lt=datetime(9000, 1, 1, tzinfo=UTC))
Moment = Annotated[Annotated[AwareDatetime, PLAUSIBLE] | None, WrapValidator(or_none)]
Flag = Annotated[bool | None, WrapValidator(or_none)]
Texts = Annotated[tuple[str, ...] | None, WrapValidator(or_none)]
Required = Annotated[str, Field(min_length=1)]


class Answered(BaseModel):
    """Something that a source answered."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)

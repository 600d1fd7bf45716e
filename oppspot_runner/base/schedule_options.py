"""How a schedule fires: what people write beside its cron expression."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from oppspot_runner.base.cron import cron_expression
from oppspot_runner.base.due_times import WORDS
from oppspot_runner.base.errors import InvalidInputError

MANUAL = "manual"
REALTIME = "realtime"


class ScheduleOptions(BaseModel):
    """The keys of `configuration.schedule` and `schedule_options`. Numbers of time are seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    misfire: Literal["skip", "last", "all"] = "last"
    overlap: Literal["allow", "skip", "queue"] = "skip"
    limit: int = Field(10, ge=1, le=1000)
    jitter: timedelta = Field(timedelta(0), ge=timedelta(0), le=timedelta(days=1))


class ScheduleOptionError(InvalidInputError):
    """An option that means nothing; `key` is None where the whole is no object."""

    def __init__(self, key: str | None, fault: str) -> None:
        known = ", ".join(ScheduleOptions.model_fields)
        super().__init__(
            f"the schedule's {key or 'options'}: {fault}", hint=f"Its keys are {known}."
        )
        self.key = key


def schedule_options(value: Any) -> ScheduleOptions:
    """`value`, read from JSON, as options. Raises ScheduleOptionError that names the key."""
    try:
        return ScheduleOptions.model_validate({} if value is None else value)
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0]) if first["loc"] else None
        raise ScheduleOptionError(key, first["msg"]) from None


def frequency(text: str) -> str:
    """`text` as an `execution_frequency`: one of the words, or a cron expression.

    Raises InvalidInputError.
    """
    word = text.strip().lower()
    if word in (*WORDS, MANUAL, REALTIME):
        return word
    try:
        return cron_expression(text)
    except InvalidInputError as error:
        words = ", ".join((*WORDS, REALTIME, MANUAL))
        raise InvalidInputError(
            str(error), hint=f"A frequency is {words}, or a cron expression. {error.hint or ''}"
        ) from None

"""`calculator`: arithmetic with decimal numbers, exact where the result has an end.

Numbers have a bounded count of digits, and so has every step of the work: no input takes longer
than a few milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import (
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
    Subnormal,
)
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from oppspot_runner.base.codes import Code
from oppspot_runner.base.tool_errors import ToolExecutionError
from oppspot_runner.tools.tool_base import ToolBase, ToolCall

MOST_PRECISION = 100
MOST_EXPONENT = 400  # wider than a float, so that every result of one fits
MOST_DIGITS = MOST_EXPONENT + 20  # of a number that is given: room for a result
# Every step has room for the largest whole number, the finest precision, and some digits to round.
WORK_DIGITS = MOST_EXPONENT + MOST_PRECISION + 20
MOST_TEXT = MOST_DIGITS + MOST_EXPONENT  # characters of a number that is given
TOO_LONG = f"a number has at most {MOST_DIGITS} digits"
FORM = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,6})?")
PLAIN_FROM = -15  # smaller numbers are written with an exponent

Operation = Literal["add", "subtract", "multiply", "divide", "power", "sqrt", "percent"]
ALONE = {"sqrt", "percent"}


def _bounded(value: Any) -> Decimal:
    """A number from its text, so that none is cut by becoming a float; long ones go unread."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("this is no number")  # noqa: TRY004 - pydantic reports ValueError only
    if isinstance(value, int) and abs(value) >= 10**MOST_TEXT:
        raise ValueError(TOO_LONG)  # Python itself refuses to write numbers that are much longer
    text = str(value).strip()
    if len(text) > MOST_TEXT:
        raise ValueError(TOO_LONG)
    form = FORM.fullmatch(text)
    if form is None:
        raise ValueError("this is no number")
    number = Decimal(text)
    if not number:
        return Decimal(0)
    if not -MOST_EXPONENT <= number.adjusted() <= MOST_EXPONENT:
        raise ValueError(f"a number is between 1E-{MOST_EXPONENT} and 1E+{MOST_EXPONENT}")
    if len(number.as_tuple().digits) > MOST_DIGITS:
        raise ValueError(TOO_LONG)
    return number


Number = Annotated[Decimal, BeforeValidator(_bounded, json_schema_input_type=float | str)]


class Calculation(BaseModel):
    """What to calculate. Numbers of more than 15 digits are given as text, to stay exact."""

    model_config = ConfigDict(extra="forbid")

    operation: Operation
    a: Number = Field(description="The first number, or the only one. Long ones as text.")
    b: Number | None = Field(
        None, description="The second number. Not for sqrt; for percent, what a percent are of."
    )
    precision: int = Field(
        10,
        ge=1,
        le=MOST_PRECISION,
        description="Significant digits of a result with a fraction. Whole parts stay whole.",
    )

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Calculation:
        if self.b is None and self.operation not in ALONE:
            raise ValueError(f"{self.operation} needs b")
        return self


class CalculatorTool(ToolBase):
    """Adds, subtracts, multiplies, divides, raises to a power, takes roots and percent."""

    def __init__(self) -> None:
        super().__init__(
            "calculator",
            "Performs arithmetic operations on decimal numbers, exactly where that is possible.",
            Calculation,
        )

    async def run(self, arguments: Calculation, call: ToolCall) -> dict[str, Any]:
        """`{"result": text, "exact": whether nothing was rounded}`."""
        return self.calculate(arguments)

    def calculate(self, asked: Calculation) -> dict[str, Any]:
        """The result of `asked`. Raises ToolExecutionError for what has none."""
        work = working_context()
        try:
            result = _OPERATIONS[asked.operation](work, asked.a, asked.b)
            if not result.is_finite():
                raise self._undefined(asked)
            exact = not work.flags[Inexact]
            rounded = _rounded(result, asked.precision)
        except (DivisionByZero, InvalidOperation):
            raise self._undefined(asked) from None
        except (Overflow, Subnormal):
            raise ToolExecutionError(
                self.name,
                Code.CALCULATION_TOO_LARGE,
                "the result is not between 1E-400 and 1E+400",
            ) from None
        return {"result": written(rounded), "exact": exact and rounded == result}

    def _undefined(self, asked: Calculation) -> ToolExecutionError:
        if asked.operation == "divide":
            return ToolExecutionError(self.name, Code.DIVISION_BY_ZERO, "this divides by 0")
        return ToolExecutionError(
            self.name,
            Code.CALCULATION_UNDEFINED,
            f"{asked.operation} has no real result for these numbers",
        )


def working_context() -> Context:
    """In which all steps are done: rounded half to even at a bounded count of digits."""
    return Context(
        prec=WORK_DIGITS,
        Emax=MOST_EXPONENT,
        Emin=-MOST_EXPONENT,
        traps=[DivisionByZero, InvalidOperation, Overflow, Subnormal],
    )


def written(number: Decimal) -> str:
    """A number as people write it: without needless zeros, very small ones with an exponent."""
    if number == 0:
        return "0"
    plain = number.normalize(working_context())
    return format(plain, "f") if plain.adjusted() >= PLAIN_FROM else str(plain)


def _rounded(result: Decimal, precision: int) -> Decimal:
    """`result` with `precision` digits, but never fewer than it has before its point."""
    digits = max(precision, result.adjusted() + 1)
    rounding = working_context()
    rounding.prec = digits
    return rounding.plus(result)


def _percent(work: Context, a: Decimal, b: Decimal | None) -> Decimal:
    return work.divide(a if b is None else work.multiply(a, b), Decimal(100))


_OPERATIONS: dict[str, Callable[[Context, Decimal, Any], Decimal]] = {
    "add": Context.add,
    "subtract": Context.subtract,
    "multiply": Context.multiply,
    "divide": Context.divide,
    "power": Context.power,
    "sqrt": lambda work, a, _: work.sqrt(a),
    "percent": _percent,
}

"""The calculator: 200 sums against exact fractions, and inputs that want to keep it busy."""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Context, localcontext
from fractions import Fraction
from math import isqrt
from typing import Any

import pytest

from oppspot_runner.base.tool_errors import ToolArgumentsError
from oppspot_runner.connectors.http.client import GuardedClient
from oppspot_runner.tools import calculator
from oppspot_runner.tools.calculator import CalculatorTool
from oppspot_runner.tools.tool_base import ToolCall, attempt


async def calculated(**arguments: Any) -> dict[str, Any]:
    return await attempt(CalculatorTool(), arguments, ToolCall(GuardedClient()))


def rounded(value: Fraction, precision: int) -> Fraction:
    """`value` half to even at `precision` digits, or at the point where it has more before it."""
    size, top = abs(value), 0
    while size >= 10:
        size, top = size / 10, top + 1
    while 0 < size < 1:
        size, top = size * 10, top - 1
    unit = Fraction(10) ** (top + 1 - max(precision, top + 1))
    return round(value / unit) * unit


def number(draw: random.Random) -> str:
    digits = draw.randint(1, 25)
    text = str(draw.randint(1, 10**digits))
    point = draw.randint(0, 12)
    return draw.choice(["", "-"]) + (f"{text}.{draw.randint(0, 10**point)}" if point else text)


def exact(operation: str, a: Fraction, b: Fraction) -> Fraction:
    match operation:
        case "add":
            return a + b
        case "subtract":
            return a - b
        case "multiply":
            return a * b
        case "divide":
            return a / b
        case "power":
            return Fraction(a ** int(b))
        case "percent":
            return a * b / 100
    raise AssertionError(operation)


def cases() -> Iterator[tuple[str, str, str, int]]:
    draw = random.Random(5)
    for operation in ("add", "subtract", "multiply", "divide", "percent"):
        for _ in range(34):
            yield operation, number(draw), number(draw), draw.randint(1, 100)
    for _ in range(30):
        yield (
            "power",
            f"{draw.randint(-999, 999) or 1}",
            str(draw.randint(-40, 100)),
            draw.randint(1, 100),
        )


CASES = list(cases())


@pytest.mark.parametrize(("operation", "a", "b", "precision"), CASES)
async def test_a_result_is_the_exact_one_rounded_once(
    operation: str, a: str, b: str, precision: int
) -> None:
    answer = await calculated(operation=operation, a=a, b=b, precision=precision)
    true = exact(operation, Fraction(a), Fraction(b))
    wanted = rounded(true, precision)
    assert Fraction(answer["result"]) == wanted
    assert answer["exact"] is (wanted == true)


def test_there_are_200_of_them() -> None:
    assert len(CASES) == 200


@pytest.mark.parametrize("square", ["0", "2", "9", "10", "0.0625", "1E-200", "12345678987654321"])
@pytest.mark.parametrize("precision", [1, 10, 100])
async def test_a_root_is_exact_or_rounded(square: str, precision: int) -> None:
    answer = await calculated(operation="sqrt", a=square, precision=precision)
    scale = 10**800
    root = isqrt(int(Fraction(square) * scale**2))
    assert Fraction(answer["result"]) == rounded(Fraction(root, scale), precision)


# What is given, then the result as it is written, and whether it is exact.
WRITTEN: list[tuple[dict[str, Any], str, bool]] = [
    ({"operation": "add", "a": 15, "b": 27, "precision": 5}, "42", True),
    ({"operation": "add", "a": 0.1, "b": 0.2}, "0.3", True),
    ({"operation": "add", "a": "1.10", "b": "2.20"}, "3.3", True),
    ({"operation": "add", "a": 123456789012, "b": 1}, "123456789013", True),
    ({"operation": "subtract", "a": 1, "b": 1}, "0", True),
    ({"operation": "subtract", "a": -0.0, "b": 0}, "0", True),
    ({"operation": "multiply", "a": 1e22, "b": 10}, "1" + "0" * 23, True),
    (
        {"operation": "multiply", "a": "99999999999999999999", "b": "99999999999999999999"},
        "9999999999999999999800000000000000000001",
        True,
    ),
    ({"operation": "divide", "a": 1, "b": 3}, "0.3333333333", False),
    ({"operation": "divide", "a": 2, "b": 3, "precision": 3}, "0.667", False),
    ({"operation": "divide", "a": 1000000, "b": 3}, "333333.3333", False),
    ({"operation": "divide", "a": 1000000, "b": 3, "precision": 1}, "333333", False),
    ({"operation": "divide", "a": 1, "b": "3e20"}, "3.333333333E-21", False),
    ({"operation": "divide", "a": 1, "b": 8, "precision": 2}, "0.12", False),
    ({"operation": "power", "a": 2, "b": 10}, "1024", True),
    ({"operation": "power", "a": 2, "b": 0.5}, "1.414213562", False),
    ({"operation": "power", "a": 2, "b": -2}, "0.25", True),
    ({"operation": "power", "a": 10, "b": 400}, "1" + "0" * 400, True),
    ({"operation": "sqrt", "a": 2, "b": None}, "1.414213562", False),
    ({"operation": "sqrt", "a": "1e-30"}, "0.000000000000001", True),
    ({"operation": "percent", "a": 50}, "0.5", True),
    ({"operation": "percent", "a": 19, "b": 250}, "47.5", True),
    ({"operation": "percent", "a": 19, "b": 0}, "0", True),
]


@pytest.mark.parametrize(("given", "result", "is_exact"), WRITTEN, ids=str)
async def test_a_result_is_written_as_people_do(
    given: dict[str, Any], result: str, is_exact: bool
) -> None:
    assert await calculated(**given) == {"result": result, "exact": is_exact}


async def test_a_result_can_be_the_next_input() -> None:
    big = await calculated(operation="power", a="9.9", b=400, precision=100)
    again = await calculated(operation="divide", a=big["result"], b=big["result"])
    assert again["result"] == "1"


NINES = "9" * 400
# The code that each of these gets; None: it has a result.
BUSY: list[tuple[dict[str, Any], str | None]] = [
    ({"operation": "power", "a": 9, "b": 999_999_999}, "CALCULATION_TOO_LARGE"),
    ({"operation": "power", "a": 9, "b": "1e400"}, "CALCULATION_TOO_LARGE"),
    ({"operation": "power", "a": "1e400", "b": "1e400"}, "CALCULATION_TOO_LARGE"),
    ({"operation": "power", "a": 0.5, "b": 999_999_999}, "CALCULATION_TOO_LARGE"),
    ({"operation": "power", "a": NINES, "b": NINES}, "CALCULATION_TOO_LARGE"),
    ({"operation": "power", "a": "0." + NINES, "b": "0." + NINES}, None),
    ({"operation": "power", "a": "1." + "0" * 300 + "1", "b": "1e300"}, None),
    ({"operation": "power", "a": 1, "b": "1e400"}, None),
    ({"operation": "power", "a": "1.0000001", "b": 1_000_000_000}, None),
    ({"operation": "multiply", "a": "1e400", "b": 10}, "CALCULATION_TOO_LARGE"),
    ({"operation": "divide", "a": "1e-400", "b": 3}, "CALCULATION_TOO_LARGE"),
    ({"operation": "multiply", "a": NINES, "b": NINES}, "CALCULATION_TOO_LARGE"),
    ({"operation": "add", "a": "1e400", "b": "1e-400"}, None),
    ({"operation": "divide", "a": 1, "b": NINES, "precision": 100}, None),
    ({"operation": "divide", "a": 1, "b": 0}, "DIVISION_BY_ZERO"),
    ({"operation": "divide", "a": 0, "b": 0}, "DIVISION_BY_ZERO"),
    ({"operation": "sqrt", "a": -1}, "CALCULATION_UNDEFINED"),
    ({"operation": "power", "a": 0, "b": 0}, "CALCULATION_UNDEFINED"),
    ({"operation": "power", "a": 0, "b": -1}, "CALCULATION_UNDEFINED"),
    ({"operation": "power", "a": -8, "b": "0.3333"}, "CALCULATION_UNDEFINED"),
]


@pytest.mark.parametrize(("given", "code"), BUSY, ids=lambda value: str(value)[:60])
async def test_no_number_makes_work_that_has_no_bound(
    given: dict[str, Any], code: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Context] = []

    def watched() -> Context:
        made.append(original())
        return made[-1]

    original = calculator.working_context
    monkeypatch.setattr(calculator, "working_context", watched)
    answer = await CalculatorTool().aexecute(given, ToolCall(GuardedClient()))
    assert answer.get("code") == code
    # All work was done in contexts with few digits and small exponents, and so is the answer.
    assert len(str(answer)) <= 1_100
    assert made
    assert all(one.prec <= 520 and one.Emax == 400 and one.Emin == -400 for one in made)


REFUSED: list[dict[str, Any]] = [
    {"operation": "add", "a": "0." + "9" * 421, "b": 1},
    {"operation": "add", "a": "9" * 1_000_000, "b": 1},
    {"operation": "add", "a": 10**4_000, "b": 1},
    {"operation": "add", "a": "1e401", "b": 1},
    {"operation": "add", "a": "1e-401", "b": 1},
    {"operation": "add", "a": "1e99999999", "b": 1},
    {"operation": "add", "a": "1e999999", "b": 1},
    {"operation": "add", "a": "NaN", "b": 1},
    {"operation": "add", "a": "Infinity", "b": 1},
    {"operation": "add", "a": "sNaN123", "b": 1},
    {"operation": "add", "a": "1_000", "b": 1},
    {"operation": "add", "a": "１", "b": 1},
    {"operation": "add", "a": "1,5", "b": 1},
    {"operation": "add", "a": "0x10", "b": 1},
    {"operation": "add", "a": "2**3", "b": 1},
    {"operation": "add", "a": "__import__('os')", "b": 1},
    {"operation": "add", "a": "", "b": 1},
    {"operation": "add", "a": True, "b": 1},
    {"operation": "add", "a": None, "b": 1},
    {"operation": "add", "a": [1], "b": 1},
    {"operation": "add", "a": 1},
    {"operation": "power", "a": 1},
    {"operation": "add", "b": 1},
    {"operation": "eval", "a": 1, "b": 1},
    {"a": 1, "b": 1},
    {"operation": "add", "a": 1, "b": 1, "c": 1},
    {"operation": "divide", "a": 1, "b": 3, "precision": 101},
    {"operation": "divide", "a": 1, "b": 3, "precision": 10**9},
    {"operation": "divide", "a": 1, "b": 3, "precision": 0},
    {"operation": "divide", "a": 1, "b": 3, "precision": -5},
    {"operation": "divide", "a": 1, "b": 3, "precision": "many"},
]


@pytest.mark.parametrize("given", REFUSED, ids=lambda value: str(value)[:60])
async def test_what_is_no_calculation_is_refused_before_any_work(
    given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calculator, "working_context", None)
    with pytest.raises(ToolArgumentsError) as refused:
        await calculated(**given)
    assert len(str(refused.value)) < 500


async def test_the_zeros_of_a_zero_do_not_count() -> None:
    assert (await calculated(operation="add", a="0e999999", b=1))["result"] == "1"


async def test_the_callers_own_decimal_context_does_not_matter() -> None:
    with localcontext(Context(prec=3)):
        answer = await calculated(operation="add", a=123456789, b="0.5")
    assert answer["result"] == "123456789.5"

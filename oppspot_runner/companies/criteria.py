"""What a stream looks for, read from `goal_criteria` and `target_metrics` and checked.

Does not judge companies (`scoring_criteria` does) and looks nothing up: labels stay as given.
Every key is optional. Keys that mean nothing here are kept and reported, not refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from uuid import UUID

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.base.jsonsafe import clean_text

# The criteria that can be weighted and made a must, in the order in which they are shown.
CRITERIA = (
    "industry",
    "location",
    "employee_count",
    "revenue",
    "growth_rate",
    "funding_stage",
    "tech_stack",
    "signals",
    "sic_codes",
    "keywords",
    "company_age_years",
    "company_status",
)
ALIASES = {
    "industries": "industry",
    "country": "location",
    "countries": "location",
    "locations": "location",
    "employees": "employee_count",
    "head_count": "employee_count",
    "team_size": "employee_count",
    "technologies": "tech_stack",
    "status": "company_status",
}
M = TypeVar("M", bound=BaseModel)

MOST_LABELS = 500
MOST_LABEL = 200  # characters


def _label(text: str) -> str:
    return clean_text(" ".join(text.split()))


def _as_list(value: Any) -> Any:
    """One label may stand without its brackets."""
    return [value] if isinstance(value, str) else value


def _unique(labels: list[str]) -> list[str]:
    return list(dict.fromkeys(label for label in labels if label))


Label = Annotated[str, AfterValidator(_label), Field(max_length=MOST_LABEL)]
Labels = Annotated[
    list[Label], BeforeValidator(_as_list), AfterValidator(_unique), Field(max_length=MOST_LABELS)
]
Number = Annotated[float, Field(allow_inf_nan=False)]
Name = Annotated[str, AfterValidator(lambda name: criterion_name(name))]


def criterion_name(name: str) -> str:
    """The name of a criterion in the form of CRITERIA. Raises ValueError for no criterion."""
    key = ALIASES.get(name, name)
    if key not in CRITERIA:
        raise ValueError(f"{name!r} is no criterion; there are {', '.join(CRITERIA)}")
    return key


def _alias(name: str) -> Any:
    others = [alias for alias, meant in ALIASES.items() if meant == name]
    return Field(default=None, validation_alias=AliasChoices(name, *others))


class Open(BaseModel):
    """Keeps the keys that it does not know."""

    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=True)

    def unknown_keys(self) -> list[str]:
        """The keys that mean nothing here, with the names of the objects that hold them."""
        found = list(self.model_extra or ())
        for name in type(self).model_fields:
            inner = getattr(self, name)
            if isinstance(inner, Open):
                found += [f"{name}.{key}" for key in inner.unknown_keys()]
        return sorted(found)


class Range(Open):
    """From `min` to `max`, both included; either may be absent."""

    min: Number | None = None
    max: Number | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Range:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is greater than max {self.max:g}")
        return self

    @property
    def is_set(self) -> bool:
        """Whether there is any bound."""
        return self.min is not None or self.max is not None


class Money(Range):
    """A range of an amount; only amounts in the same currency can be compared with it."""

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None


class Exclusions(Open):
    """What is never wanted, whatever else fits."""

    sic_codes: Labels = Field(default_factory=list)
    domains: Labels = Field(default_factory=list)
    company_numbers: Labels = Field(default_factory=list)
    streams: Annotated[list[UUID], BeforeValidator(_as_list), Field(max_length=MOST_LABELS)] = (
        Field(default_factory=list)
    )


class GoalCriteria(Open):
    """Which companies are wanted. See `CRITERIA` for what can be weighted and made a must."""

    industry: Labels | None = _alias("industry")
    location: Labels | None = _alias("location")
    employee_count: Range | None = _alias("employee_count")
    revenue: Money | None = None
    growth_rate: Range | None = None
    funding_stage: Labels | None = None
    tech_stack: Labels | None = _alias("tech_stack")
    signals: Labels | None = None
    sic_codes: Labels | None = None
    keywords: Labels | None = None
    company_age_years: Range | None = None
    company_status: Labels | None = _alias("company_status")
    must: Annotated[list[Name], BeforeValidator(_as_list), AfterValidator(_unique)] = Field(
        default_factory=list
    )
    weights: dict[Name, Annotated[Number, Field(ge=0, le=1000)]] = Field(default_factory=dict)
    exclude: Exclusions = Exclusions()

    @model_validator(mode="before")
    @classmethod
    def _one_name_each(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        given = {key: value for key, value in data.items() if value is not None}
        first: dict[str, str] = {}
        for key in given:
            name = ALIASES.get(key, key)
            if name in first:
                raise ValueError(f"{first[name]} and {key} mean the same; give one of them")
            first[name] = key
        return given

    @model_validator(mode="after")
    def _some_weight(self) -> GoalCriteria:
        names = self.names()
        if names and not any(self.weight(name) for name in names):
            raise ValueError("weights: all criteria weigh 0, so nothing could be compared")
        return self

    def names(self) -> list[str]:
        """The criteria that are set, in the order of CRITERIA."""
        return [name for name in CRITERIA if self._is_set(getattr(self, name))]

    @staticmethod
    def _is_set(value: Range | list[str] | None) -> bool:
        return value.is_set if isinstance(value, Range) else bool(value)

    def weight(self, name: str) -> float:
        """How much a criterion counts against the others; 1 unless said otherwise."""
        return self.weights.get(name, 1.0)


class TargetMetrics(Open):
    """How many companies are wanted, and how good they must be."""

    companies_to_find: Annotated[int, Field(ge=1, le=100_000)] | None = None
    min_quality_score: Annotated[Number, Field(ge=0, le=5)] | None = None
    required_signals: Labels | None = None
    top_targets: Annotated[int, Field(ge=1, le=100_000)] | None = None


@dataclass(frozen=True)
class Goal:
    """Criteria and metrics of one run; `ignored` names what was given and means nothing."""

    criteria: GoalCriteria
    metrics: TargetMetrics
    ignored: tuple[str, ...] = ()


def read_goal(goal_context: Mapping[str, Any]) -> Goal:
    """The goal in `{"goal_criteria": {...}, "target_metrics": {...}}`; both may be absent.

    Raises InvalidInputError naming the first field that is wrong.
    """
    criteria = _read(GoalCriteria, "goal_criteria", goal_context.get("goal_criteria"))
    metrics = _read(TargetMetrics, "target_metrics", goal_context.get("target_metrics"))
    unset = [name for name in criteria.must if name not in criteria.names()]
    ignored = [
        *_prefixed("goal_criteria", criteria.unknown_keys()),
        *_prefixed("target_metrics", metrics.unknown_keys()),
        *_prefixed("goal_criteria.must", unset),
    ]
    return Goal(criteria, metrics, tuple(ignored))


def _prefixed(path: str, names: Iterable[str]) -> list[str]:
    return [f"{path}.{name}" for name in names]


def _read(model: type[M], name: str, given: Any) -> M:
    if given is None:
        return model()
    if not isinstance(given, Mapping):
        raise InvalidInputError(f"{name}: wanted an object, got {type(given).__name__}")
    try:
        return model.model_validate(dict(given))
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join([name, *(str(part) for part in first["loc"] if part != "[key]")])
        reason = first["msg"].removeprefix("Value error, ")
        raise InvalidInputError(f"{path}: {reason}") from None

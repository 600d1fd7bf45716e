"""What calls cost, to the last digit, by a price list that has a version.

The list is data/prices.toml, which says how it is read; OPPSPOT_LLM_PRICES names a file over it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from oppspot_runner.llm.messages import ModelRequest, Usage
from oppspot_runner.llm.names import ModelName
from oppspot_runner.llm.tables import read_tables
from oppspot_runner.llm.tokens import most_tokens

PerMillion = Annotated[Decimal, Field(ge=0, max_digits=20, decimal_places=12)]
DATE_AT_THE_END = re.compile(r"-(latest|20\d{6}|20\d\d-\d\d-\d\d)$")


class Price(BaseModel):
    """USD per million tokens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: PerMillion
    output: PerMillion
    cached: PerMillion | None = None
    cache_written: PerMillion | None = None

    def cost(self, usage: Usage) -> Decimal:
        """What that many tokens cost in USD, exactly."""
        plain = usage.input - usage.cached - usage.cache_written
        cached = self.input if self.cached is None else self.cached
        written = self.input if self.cache_written is None else self.cache_written
        millionths = (
            plain * self.input
            + usage.cached * cached
            + usage.cache_written * written
            + usage.output * self.output
        )
        return millionths.scaleb(-6)


class LongPrice(Price):
    """The price of calls with more than `above` tokens of input."""

    above: int = Field(gt=0)


class ModelPrice(Price):
    """The price of a model; `long` is that of its long calls."""

    long: LongPrice | None = None

    def cost(self, usage: Usage) -> Decimal:
        """What that many tokens of one call cost in USD, exactly."""
        if self.long is not None and usage.input > self.long.above:
            return self.long.cost(usage)
        return super().cost(usage)


class PriceList(BaseModel):
    """The price list. A model that is not in it has no known cost."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str = Field(min_length=1, max_length=100)
    models: Mapping[str, ModelPrice] = {}

    @classmethod
    def load(cls, path: Path | None = None) -> PriceList:
        """Our list, with what the file at `path` says over it.

        Raises ConfigurationError for a file that cannot be used.
        """
        ours, *theirs = read_tables(cls, "prices.toml", path)
        for one in theirs:
            ours = cls(
                version=f"{ours.version}+{one.version}", models={**ours.models, **one.models}
            )
        return ours

    def price(self, name: ModelName) -> ModelPrice | None:
        """The price of a model, None when it is not known."""
        undated = DATE_AT_THE_END.sub("", str(name))
        return self.models.get(str(name)) or self.models.get(undated)

    def estimate(self, name: ModelName, request: ModelRequest) -> Decimal | None:
        """What a call may cost at most in USD, None when the price is not known.

        All of `max_tokens` is used then, and all of the input is written to the provider's cache
        where the request asks for that.
        """
        price = self.price(name)
        if price is None:
            return None
        tokens = most_tokens(request)
        ways = [Usage(input=tokens, output=request.max_tokens)]
        if request.cache_prompt:
            ways.append(replace(ways[0], cache_written=tokens))
        return max(price.cost(usage) for usage in ways)

    def cost(self, name: ModelName, usage: Usage) -> Decimal | None:
        """What one call cost in USD, None when the price is not known."""
        price = self.price(name)
        return None if price is None else price.cost(usage)

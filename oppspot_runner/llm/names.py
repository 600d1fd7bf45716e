"""Names of models: what people write, and the provider and model that are asked then.

The table is data/models.toml, which says how it is read; OPPSPOT_LLM_MODELS names a file over it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict

from oppspot_runner.llm.errors import UnknownModelError
from oppspot_runner.llm.tables import read_tables

ProviderName: TypeAlias = Literal["anthropic", "openai", "gemini", "mock"]
# Names of providers that others use for the same.
SAME_PROVIDER = {"google": "gemini", "openai-chat": "openai"}


@dataclass(frozen=True)
class ModelName:
    """A model to ask. `warning` is what people should know who wrote `written`."""

    provider: ProviderName
    model: str
    written: str
    warning: str | None = None

    def __str__(self) -> str:
        return f"{self.provider}:{self.model}"


class Entry(BaseModel):
    """What the table says of one name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    use: str | None = None
    retired: str | None = None


class ModelTable(BaseModel):
    """The whole table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prefixes: Mapping[str, ProviderName] = {}
    models: Mapping[str, Entry] = {}

    @classmethod
    def load(cls, path: Path | None = None) -> ModelTable:
        """Our table, with what the file at `path` says over it.

        Raises ConfigurationError for a file that cannot be used.
        """
        ours, *theirs = read_tables(cls, "models.toml", path)
        for one in theirs:
            ours = cls(
                prefixes={**ours.prefixes, **one.prefixes}, models={**ours.models, **one.models}
            )
        return ours

    def find(self, written: str) -> ModelName:
        """The model that a name means. Raises UnknownModelError."""
        provider, model = self._parted(written)
        entry = self.models.get(f"{provider}:{model}") or self.models.get(model) or Entry()
        if entry.use is not None:
            provider, model = self._parted(entry.use)
        warning = None
        if entry.retired is not None:
            instead = f"; {provider}:{model} is asked instead" if entry.use else ""
            warning = f"the model {written} is being retired ({entry.retired}){instead}"
        return ModelName(provider, model, written, warning)

    def _parted(self, written: str) -> tuple[ProviderName, str]:
        """Provider and model of a name of either form."""
        front, colon, model = written.partition(":")
        given = SAME_PROVIDER.get(front, front)
        for provider in get_args(ProviderName):
            if colon and model and given == provider:
                return provider, model
        if written in self.models and (use := self.models[written].use):
            return self._parted(use)[0], written
        for prefix, provider in self.prefixes.items():
            if written.startswith(prefix):
                return provider, written
        raise UnknownModelError(f"no model is called {written[:100]!r}", hint=self._advice(written))

    def _advice(self, written: str) -> str:
        near = get_close_matches(written, self.models, 1)
        meant = f"Is {near[0]} meant? " if near else ""
        providers = ", ".join(f"{name}:" for name in get_args(ProviderName))
        return f"{meant}Write the provider in front ({providers}), or add it to OPPSPOT_LLM_MODELS."

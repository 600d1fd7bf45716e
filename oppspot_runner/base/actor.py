"""Who asks something of us by HTTP, and how much he may."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

# Each may what those before it may; `metrics` may read /metrics and nothing else.
Scope = Literal["metrics", "read", "run", "admin"]
SCOPES: tuple[Scope, ...] = ("metrics", "read", "run", "admin")


@dataclass(frozen=True)
class Actor:
    """Whoever asks. Without an organisation he is an operator, who sees everything.

    `proof` is the hash of his token, by which the database knows his organisation; None for who
    needs none on this machine.
    """

    name: str
    scope: Scope
    org_id: UUID | None = None
    token_id: UUID | None = None
    proof: str | None = None

    @property
    def is_operator(self) -> bool:
        """Whether he sees the rows of all organisations, and those of none."""
        return self.org_id is None

    def may(self, wanted: Scope) -> bool:
        """Whether his token reaches that far."""
        return SCOPES.index(self.scope) >= SCOPES.index(wanted)


# Who asks from this machine where no token is wanted.
LOCAL = Actor(name="local", scope="admin")

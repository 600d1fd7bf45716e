"""Executions of agents, as requests and answers have them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class ExecuteAgent(BaseModel):
    """What to do. An agent that thinks with a model gets `input` as its task; of other agents an
    object is the payload itself."""

    model_config = ConfigDict(extra="forbid")

    input: Any = Field(description="Text, or any JSON value.")


class Execution(BaseModel):
    """An execution; `output` is null until it has ended."""

    task_id: UUID
    agent_id: UUID
    model: str | None
    input: Any
    output: dict[str, Any] | None
    tokens_used: int
    cost_usd: float | None = Field(description="Null: the price of a call is not known.")
    state: str = Field(description="pending, processing, or how it ended, as completed.")
    created_at: datetime


class Tested(BaseModel):
    """What came of a test."""

    agent_id: UUID
    model: str | None
    test_input: Any
    test_output: dict[str, Any]
    success: Literal[True] = True
    timestamp: datetime
    tokens_used: int
    cost_usd: float | None = Field(description="Null: the price of a call is not known.")
    conversation_history: list[Any]


class ExecuteInStream(BaseModel):
    """How an agent of a stream is to run."""

    model_config = ConfigDict(extra="forbid")

    execution_config: dict[str, Any] = Field({}, description="Reaches the agent as it is.")
    force_execute: bool = Field(
        False, description="Runs it although it is inactive, was just run, or still runs."
    )


class QueuedExecution(BaseModel):
    """The execution that the first attempt takes over."""

    id: UUID
    status: Literal["queued"]
    created_at: datetime


class StreamExecution(BaseModel):
    """The agent will run."""

    execution: QueuedExecution
    message: str = "Agent execution queued successfully"

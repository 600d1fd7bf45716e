"""`company_search`: companies that the task's organisation may see, a page at a time."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from oppspot_runner.tools.tool_base import ToolBase, ToolCall

PAGE = 20
MOST_PAGES = 50


class CompanySearch(BaseModel):
    """What to look for; all that is given has to fit."""

    model_config = ConfigDict(extra="forbid")

    query: str | None = Field(
        None, max_length=200, description="Words that the name or the description has."
    )
    country: str | None = Field(
        None, pattern=r"^[A-Za-z]{2}$", description="Two letters: GB, DE, US."
    )
    industry: str | None = Field(
        None, max_length=100, description="A label, such as software or biotechnology."
    )
    min_employees: int | None = Field(None, ge=1, le=10_000_000)
    max_employees: int | None = Field(None, ge=1, le=10_000_000)
    in_stream: bool | None = Field(
        None,
        description="True: only companies in the stream of the task, best first. False: all. "
        "Unset: those in the stream, where the task has one.",
    )
    page: Annotated[int, Field(ge=1, le=MOST_PAGES)] = 1


class CompanySearchTool(ToolBase):
    """Finds companies for the agent of a task."""

    def __init__(self) -> None:
        super().__init__(
            "company_search",
            f"Finds companies on record, {PAGE} a page, with their score in the task's stream.",
            CompanySearch,
        )

    async def run(self, arguments: CompanySearch, call: ToolCall) -> dict[str, Any]:
        """`{"companies": [...], "page", "more"}`; `more` says whether there is another page."""
        task = call.task_of(self.name)
        wanted = arguments.model_dump(exclude={"page"})
        window = {"limit": PAGE + 1, "offset": (arguments.page - 1) * PAGE}
        found = await task.search_companies({**wanted, **window})
        return {
            "companies": [dict(one) for one in found[:PAGE]],
            "page": arguments.page,
            "more": len(found) > PAGE and arguments.page < MOST_PAGES,
        }

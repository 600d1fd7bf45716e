"""Lists of JSON that anybody may have written."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from oppspot_runner.base.fitting import fitting


class Named(BaseModel):
    name: str
    points: float = 0


@pytest.mark.parametrize("stored", [None, True, 5, "name", {"name": "a"}])
def test_what_is_no_list_has_no_entries(stored: Any) -> None:
    assert fitting(Named, stored) == []


def test_entries_of_another_shape_hide_no_others() -> None:
    stored = [{"name": "a"}, "b", None, [], {}, {"name": 5}, {"name": "c", "points": 2, "more": 1}]
    assert fitting(Named, stored) == [Named(name="a"), Named(name="c", points=2)]

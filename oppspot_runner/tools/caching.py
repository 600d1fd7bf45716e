"""Results of tools that are kept for a while, by organisation, tool and arguments."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from oppspot_runner.base.jsonsafe import clean
from oppspot_runner.tools.ports import ResultCache
from oppspot_runner.tools.tool_base import ToolBase, ToolCall, attempt


async def remembered(
    cache: ResultCache, tool: ToolBase, arguments: Any, call: ToolCall, ttl_s: float
) -> Any:
    """What the same call has returned within the last `ttl_s` seconds, else as `attempt`.

    Only results are kept, no errors.
    """
    key = _key(tool.name, arguments, call.security.organization_id if call.security else None)
    kept = await cache.get(key)
    if kept is not None:
        return kept["result"]
    result = clean(await attempt(tool, arguments, call))
    await cache.put(key, {"result": result}, ttl_s)
    return result


def _key(tool_name: str, arguments: Any, organization_id: str | None) -> str:
    text = json.dumps(clean([organization_id, arguments]), sort_keys=True)
    return f"{tool_name}:{sha256(text.encode()).hexdigest()}"

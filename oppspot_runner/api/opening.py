"""Who comes in without a token: nobody, unless only this machine can reach the server or somebody
said that all may.
"""

from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING

import structlog

from oppspot_runner.app.tokens import has_good_token
from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.settings import Settings
from oppspot_runner.db.pool import Database

if TYPE_CHECKING:  # a runner asks for tokens too, and does not serve itself
    from oppspot_runner.api.state import ApiState


def is_reached_from_elsewhere(listening: socket.socket) -> bool:
    """Whether other machines reach that socket."""
    return not ip_address(listening.getsockname()[0].partition("%")[0]).is_loopback


async def require_tokens(database: Database, settings: Settings, listening: socket.socket) -> None:
    """Raises ConfigurationError when others could do everything here, and nobody said they may."""
    if settings.open_access or not is_reached_from_elsewhere(listening):
        return
    if not await has_good_token(database):
        raise ConfigurationError(
            "HTTP would be served to other machines, and there is no token yet: all that reach it "
            "could do everything",
            hint="Make one: `oppspot-runner tokens create NAME --scope admin --all`; or serve at "
            "127.0.0.1; or say --open-access.",
        )


async def open_doors(state: ApiState, listening: socket.socket) -> None:
    """Decides it for requests from now on. Raises ConfigurationError as `require_tokens`.

    On this machine alone no token is wanted until there is one.
    """
    await require_tokens(state.database, state.settings, listening)
    state.open_access = state.settings.open_access
    state.open_until_token = not is_reached_from_elsewhere(listening)
    if state.open_access:
        structlog.get_logger().warning("HTTP is open: who reaches it may do everything")

"""A server that is killed under those who use it."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from unittest.mock import Mock

import pytest

from oppspot_runner.app import database
from oppspot_runner.app.database import opened
from oppspot_runner.base.settings import Settings
from oppspot_runner.db import embedded
from oppspot_runner.db.pool import DATABASE_AWAY
from tests.db.embedded.conftest import Place


@pytest.mark.slow
async def test_it_is_started_again_and_the_log_says_so(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Mock()
    monkeypatch.setattr(database, "_log", lambda: log)
    monkeypatch.setattr(database, "LOOK_S", 0.05)
    settings = Settings(_env_file=None, database_url=None, embedded_folder=place.folder)
    async with opened(settings, patience_s=1) as db, asyncio.timeout(60):
        await asyncio.to_thread(place.kill_server)
        while not log.warning.called:
            await asyncio.sleep(0.01)
        while True:
            with suppress(*DATABASE_AWAY):
                await db.ping()
                break
    log.warning.assert_called_once_with("the private Postgres was gone: it is started again")


@pytest.mark.slow
def test_whoever_gave_his_share_back_starts_nothing(place: Place) -> None:
    share = embedded.acquire(place.folder)
    assert not share.revive()
    share.release()
    assert not share.revive()
    assert place.pid() is None


@pytest.mark.slow
def test_a_server_without_its_data_stays_away(own_place: Place) -> None:
    with embedded.acquire(own_place.folder) as share:
        own_place.kill_server()
        os.rename(own_place.data, own_place.home / "elsewhere")
        assert not share.revive()
        os.rename(own_place.home / "elsewhere", own_place.data)
        assert share.revive()
        assert own_place.ask(share.dsn, "SELECT 1") == 1

"""Commits that fail as on a full disk, by a deferred trigger: everything went well until COMMIT."""

from __future__ import annotations

import asyncio
from random import Random

from tests.chaos.fault import Decision, Fault
from tests.chaos.world import World

TABLES = ("agent_tasks", "agent_executions", "agent_steps", "task_runners", "stream_run_nodes")
PREPARE = """
    CREATE TABLE disk (fails_in_100 integer NOT NULL);
    INSERT INTO disk VALUES (0);
    CREATE FUNCTION disk_is_full() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN
        IF pg_current_xact_id()::text::bigint % 100 < (SELECT fails_in_100 FROM disk) THEN
            RAISE EXCEPTION 'could not extend file: No space left on device'
                USING ERRCODE = 'disk_full';
        END IF;
        RETURN NULL;
    END $$;
"""
TRIGGER = """
    CREATE CONSTRAINT TRIGGER disk_is_full AFTER INSERT OR UPDATE ON {table}
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION disk_is_full()
"""


class FullDisk(Fault):
    name = "full_disk"
    about = "a share of all commits fails with disk_full for a while"

    async def prepare(self, world: World) -> None:
        await world.rows(PREPARE)
        for table in TABLES:
            await world.rows(TRIGGER.format(table=table))

    def decide(self, chance: Random) -> Decision:
        return {
            "fails_in_100": chance.choice([20, 50, 100]),
            "hold_s": round(chance.uniform(0.5, 2), 2),
        }

    async def inject(self, world: World, fails_in_100: int, hold_s: float) -> None:
        await world.rows("UPDATE disk SET fails_in_100 = %s", (fails_in_100,))
        await asyncio.sleep(hold_s)
        await world.rows("UPDATE disk SET fails_in_100 = 0")

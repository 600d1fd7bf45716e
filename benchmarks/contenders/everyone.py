"""Everyone who takes part, beside us."""

from __future__ import annotations

from benchmarks.contenders.celery import Celery
from benchmarks.contenders.floor import Floor
from benchmarks.contenders.graphile_worker import GraphileWorker
from benchmarks.contenders.ours import Ours
from benchmarks.contenders.pgqueuer import PgQueuer
from benchmarks.contenders.procrastinate import Procrastinate

PEERS = (GraphileWorker(), PgQueuer(), Procrastinate(), Celery())
FLOOR = Floor()
REMARKS = {one.name: one.remark for one in (Ours, *PEERS, FLOOR)}

"""Bodies in Celery workers. Celery carries their handles, over any broker, and nothing else.

What a body is told and how it ended is in Postgres. So a message may get lost, come twice or come
late: it is sent again, taken once, and refused when nobody waits for it any more. That is why
messages are acknowledged before the body runs, and why Celery repeats nothing by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import UUID

from celery import Celery
from kombu.exceptions import KombuError

from oppspot_runner.backends.backend import BackendSurroundings
from oppspot_runner.backends.carried import Carried, CarrierError

BODY = "oppspot_runner.run_body"
LOOK_SIGNAL = "SIGUSR2"  # tells the process of a body to look whether somebody still waits for it
LIMIT_LATE_S = 5.0  # Celery ends a body only if nobody else could
SEND_RETRIES = {"max_retries": 2, "interval_start": 0, "interval_step": 0.2}
TIMEOUTS = {"socket_connect_timeout": 5, "socket_timeout": 10}


def celery_app(broker: str, queue: str) -> Celery:
    """The Celery app of runners and of workers alike."""
    app = Celery("oppspot_runner", broker=broker, set_as_current=False)
    app.conf.update(
        task_default_queue=queue,
        task_ignore_result=True,
        task_acks_late=False,
        accept_content=["json"],
        broker_connection_retry_on_startup=True,
        # A worker takes what it has a free process for: what it took besides would wait for it
        # alone, while another one has nothing to do.
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=broker.startswith(("redis", "sentinel")),
    )
    return app


class CeleryBodies(Carried):
    """Has bodies run in Celery workers. Celery's calls block: a thread of its own makes them."""

    def __init__(self, surroundings: BackendSurroundings, broker: str) -> None:
        super().__init__(surroundings)
        self._app = celery_app(broker, surroundings.settings.celery_queue)
        self._app.conf.broker_transport_options = TIMEOUTS
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="oppspot-celery")

    async def send(self, handle: UUID, limit_s: float) -> None:
        send = partial(
            self._app.send_task,
            BODY,
            (str(handle),),
            task_id=str(handle),
            time_limit=limit_s + LIMIT_LATE_S,
            ignore_result=True,
            retry_policy=SEND_RETRIES,
        )
        await self._in_thread(send)

    async def recall(self, handle: UUID) -> None:
        revoke = self._app.control.revoke
        await self._in_thread(partial(revoke, str(handle), terminate=True, signal=LOOK_SIGNAL))

    async def stop(self) -> None:
        await super().stop()
        self._thread.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._app.close)

    async def _in_thread(self, call: Callable[[], object]) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, call)
        except (KombuError, OSError) as error:
            raise CarrierError(f"the broker of Celery does not answer: {error}") from None

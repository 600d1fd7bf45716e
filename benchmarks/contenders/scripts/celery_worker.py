"""fill URL N | drain URL CONCURRENCY | serve URL | send URL N GAP_S, where Celery is.

What is measured goes to stdout as JSON lines; times are seconds since 1970. Redis is asked how many
messages wait and how many are not acknowledged yet: tasks acknowledge late, when they are done.
"""

import json
import random
import signal
import sys
import threading
import time
import warnings

import redis
from celery import Celery

LOOK_S = 0.005
QUIET = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=ERROR"]

warnings.simplefilter("ignore")  # it is told once a process that it runs as root
mode, url, *rest = sys.argv[1:]
app = Celery("benchmark", broker=url)
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    worker_enable_remote_control=False,
    worker_prefetch_multiplier=100 if rest == ["most"] else 1,
    worker_redirect_stdouts=False,
)


def say(**fact: object) -> None:
    print(json.dumps(fact), flush=True)


@app.task(name="noop")
def noop() -> None:
    pass


@app.task(name="mark")
def mark(n: int) -> None:
    say(at=time.time(), n=n)


def fill(count: str) -> None:
    with app.producer_pool.acquire() as producer:
        for _ in range(int(count)):
            noop.apply_async(producer=producer)


def drain(concurrency: str) -> None:
    # A worker without a pool of its own is the fastest for tasks that do nothing.
    pool = "--pool=solo" if concurrency == "most" else f"--pool=threads --concurrency={concurrency}"
    threading.Thread(target=watch, daemon=True).start()
    app.worker_main(["worker", *pool.split(), *QUIET])


def watch() -> None:
    queue = redis.Redis.from_url(url)
    waiting = queue.llen("celery")
    while queue.llen("celery") == waiting:
        time.sleep(LOOK_S)
    began = time.time()
    while queue.llen("celery") or queue.hlen("unacked"):
        time.sleep(LOOK_S)
    say(began=began, ended=time.time())
    signal.raise_signal(signal.SIGTERM)


def serve() -> None:
    app.worker_main(["worker", "--pool=threads", "--concurrency=3", *QUIET])


def send(count: str, gap_s: str) -> None:
    with app.producer_pool.acquire() as producer:
        for n in range(int(count)):
            time.sleep(float(gap_s) * random.uniform(0.5, 1.5))
            at = time.time()
            mark.apply_async((n,), producer=producer)
            say(n=n, at=at)


{"fill": fill, "drain": drain, "serve": serve, "send": send}[mode](*rest)

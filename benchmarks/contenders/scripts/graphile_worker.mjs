// fill DSN N | drain DSN CONCURRENCY | serve DSN | send DSN N GAP_S, where graphile-worker is.
// What is measured goes to stdout as JSON lines; times are seconds since 1970.
import { EventEmitter } from "node:events";
import { performance } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { Logger, makeWorkerUtils, run, runOnce } from "graphile-worker";

const [mode, connectionString, ...rest] = process.argv.slice(2);
const now = () => (performance.timeOrigin + performance.now()) / 1000;
const say = (fact) => process.stdout.write(JSON.stringify(fact) + "\n");
const logger = new Logger(() => (level, message) => {
  if (level === "error") console.error(message);
});

const batched = { completeJobBatchDelay: 0, failJobBatchDelay: 0 };
// The set-up of its page on performance: 24 at a time, a local queue, ends written in batches.
const fastest = {
  concurrentJobs: 24,
  maxPoolSize: 25,
  localQueue: { size: 500 },
  ...batched,
};
const plain = (concurrentJobs) => ({ concurrentJobs, maxPoolSize: concurrentJobs + 1 });

async function fill(count) {
  const utils = await makeWorkerUtils({ connectionString, logger });
  await utils.migrate();
  const jobs = Array.from({ length: 1000 }, () => ({ identifier: "noop", payload: {} }));
  for (let left = Number(count); left > 0; left -= jobs.length)
    await utils.addJobs(jobs.slice(0, left));
  await utils.release();
}

async function drain(concurrency) {
  const worker = concurrency === "most" ? fastest : { ...plain(Number(concurrency)), ...batched };
  const events = new EventEmitter();
  let began;
  events.once("worker:getJob:start", () => (began = now()));
  const preset = { worker: { ...worker, connectionString } };
  const taskList = { noop: async () => {} };
  await runOnce({ preset, logger, events, taskList, noHandleSignals: true });
  say({ began, ended: now() });
}

async function serve() {
  const preset = { worker: { ...plain(3), connectionString } };
  const taskList = { mark: async ({ n }) => say({ n, at: now() }) };
  const runner = await run({ preset, logger, taskList });
  await runner.promise;
}

async function send(count, gapS) {
  const utils = await makeWorkerUtils({ connectionString, logger });
  for (let n = 0; n < Number(count); n += 1) {
    await pause(gapS * 1000 * (0.5 + Math.random()));
    const at = now();
    await utils.addJob("mark", { n });
    say({ n, at });
  }
  await utils.release();
}

await { fill, drain, serve, send }[mode](...rest);

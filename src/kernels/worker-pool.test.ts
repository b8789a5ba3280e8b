// The pool with workers that fail: every call is answered, none waits for ever.

import { expect, test } from "vitest";
import { type OuterPort, workerPool } from "./worker-pool.js";
import { READY, type WorkerReply, type WorkerRequest } from "./worker-protocol.js";

const result = { bytes: new Uint8Array(2), overflow: 0, underflow: 0, maxAbs: 1 };
const bytes = () => ({ bytes: new Uint8Array(4) });

/** Workers in name only: `answer` says what becomes of a request to the worker of that number. */
function crew(answer: (worker: number, request: WorkerRequest, reply: (reply: WorkerReply) => void) => void) {
  const started: { die(cause: Error): void; held: boolean; most: number }[] = [];
  const start = (refused?: Error): OuterPort => {
    if (refused) throw refused;
    const number = started.length;
    let reply: (reply: WorkerReply) => void = () => {};
    let under = 0;
    const worker = { die: (_: Error) => {}, held: false, most: 0 };
    started.push(worker);
    return {
      post(request) {
        worker.most = Math.max(worker.most, ++under);
        answer(number, request, (answered) => {
          under--;
          reply(answered);
        });
      },
      listen(onReply, onFailure) {
        reply = onReply;
        worker.die = onFailure;
        setTimeout(() => onReply(READY), 0);
      },
      hold: (busy) => {
        worker.held = busy;
      },
      stop: async () => {},
    };
  };
  return { started, start };
}

test("two jobs to a worker, the rest wait; an idle worker does not hold the process", async () => {
  const { started, start } = crew((_, { id }, reply) => setTimeout(() => reply({ id, result }), 1));
  const pool = await workerPool(start, 3);
  await Promise.all(Array.from({ length: 30 }, () => pool.run("cast-float16", bytes(), {})));
  expect(started.map(({ most }) => most)).toEqual([2, 2, 2]);
  expect(started.map(({ held }) => held)).toEqual([false, false, false]);
});

test("a worker that dies takes its jobs with it, and another does the rest", async () => {
  const { started, start } = crew((worker, { id }, reply) => {
    if (worker > 0) setTimeout(() => reply({ id, result }), 0);
  });
  const pool = await workerPool(start, 1);
  const jobs = Promise.allSettled(Array.from({ length: 5 }, () => pool.run("cast-float16", bytes(), {})));
  started[0]!.die(new Error("out of memory"));
  expect((await jobs).map((job) => (job.status === "rejected" ? job.reason.code : "done"))).toEqual([
    "worker-failed",
    "worker-failed",
    "done",
    "done",
    "done",
  ]);
});

test("a platform that refuses a second worker gets on with one", async () => {
  const { started, start } = crew((_, { id }, reply) => setTimeout(() => reply({ id, result }), 0));
  const pool = await workerPool(() => start(started.length === 0 ? undefined : new Error("no more")), 4);
  await Promise.all(Array.from({ length: 9 }, () => pool.run("cast-float16", bytes(), {})));
  expect(started).toHaveLength(1);
});

test("when none can be started any more, every call is told so", async () => {
  const { started, start } = crew(() => {});
  const pool = await workerPool(() => start(started.length === 0 ? undefined : new Error("no more")), 1);
  const jobs = Promise.allSettled(Array.from({ length: 5 }, () => pool.run("cast-float16", bytes(), {})));
  started[0]!.die(new Error("gone"));
  expect((await jobs).every((job) => job.status === "rejected")).toBe(true);
});

test("no worker at all: the pool is refused", async () => {
  await expect(workerPool(() => crew(() => {}).start(new Error("policy")), 2)).rejects.toThrow("policy");
});

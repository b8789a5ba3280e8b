// The pool outside its workers: hands jobs out, two to a worker so that none waits for a message, and queues the rest.
//
// Not the workerpool package: it keeps the process alive, gives a worker its next job only after the answer to the last,
// and rejects calls when its queue is full where we wait.

import { failed, type PareError } from "../base/errors.js";
import type { KernelJobs } from "./jobs.js";
import type { JobInput, KernelPool } from "./pool.js";
import { fromWorkerError, READY, type WorkerReply, type WorkerRequest, workerDied } from "./worker-protocol.js";

/** How a worker is reached from outside; made by `platform/`. */
export interface OuterPort {
  post(request: WorkerRequest, transfer: ArrayBuffer[]): void;
  /** `onFailure`: the worker cannot start, or died. */
  listen(onReply: (reply: WorkerReply) => void, onFailure: (cause: unknown) => void): void;
  /** Whether the process must stay alive for this worker's answers. */
  hold(busy: boolean): void;
  stop(): Promise<void>;
}

interface Task {
  readonly request: Omit<WorkerRequest, "id" | "spare">;
  readonly resolve: (result: KernelJobs[keyof KernelJobs]["result"]) => void;
  readonly reject: (error: PareError) => void;
}

interface Crew {
  readonly port: OuterPort;
  readonly tasks: Map<number, Task>;
}

const TASKS_EACH = 2;

/** Starts one worker, to see that workers work here (rejects if not), and the others when there is work for them. */
export async function workerPool(start: () => OuterPort, threads: number): Promise<KernelPool> {
  const crews: Crew[] = [];
  const queue: Task[] = [];
  const spares: ArrayBuffer[] = [];
  /** Workers to have at most: fewer than asked for once the platform refused one. */
  let most = threads;
  let ids = 0;
  let disposed = false;

  const hire = (): Promise<void> =>
    new Promise((ready, refused) => {
      // What `start` throws rejects this promise.
      const crew: Crew = { port: start(), tasks: new Map() };
      crews.push(crew);
      crew.port.hold(true);
      const lose = (error: PareError) => {
        if (crews.includes(crew)) crews.splice(crews.indexOf(crew), 1);
        for (const task of crew.tasks.values()) task.reject(error);
        crew.tasks.clear();
        refused(error);
        pump();
      };
      crew.port.listen(
        ({ id, result, error }) => {
          const task = crew.tasks.get(id);
          crew.tasks.delete(id);
          if (result) task?.resolve(result);
          else if (error && id !== READY.id) task?.reject(fromWorkerError(error));
          else if (error) return lose(fromWorkerError(error));
          else ready();
          pump();
          if (crew.tasks.size === 0) crew.port.hold(false);
        },
        (cause) => lose(workerDied(cause)),
      );
    });

  const pump = () => {
    while (queue.length > 0 && !disposed) {
      const idlest = crews.reduce<Crew | undefined>((a, b) => (a && a.tasks.size <= b.tasks.size ? a : b), undefined);
      if ((!idlest || idlest.tasks.size > 0) && crews.length < most) {
        const before = crews.length;
        hire().catch((error) => {
          // Those under way go on without it. If there are none, nobody is left to do the work.
          if (crews.length === 0) for (const task of queue.splice(0)) task.reject(error);
        });
        if (crews.length === before) most = before;
        continue;
      }
      if (!idlest || idlest.tasks.size >= TASKS_EACH) return;
      send(idlest, queue.shift()!);
    }
  };

  const send = ({ port, tasks }: Crew, task: Task) => {
    const id = ++ids;
    const spare = spares.pop();
    tasks.set(id, task);
    port.hold(true);
    const transfer = spare ? [spare] : [];
    if ("bytes" in task.request.input) transfer.push(task.request.input.bytes.buffer as ArrayBuffer);
    try {
      port.post(spare ? { ...task.request, id, spare } : { ...task.request, id }, transfer);
    } catch (cause) {
      tasks.delete(id);
      task.reject(failed("worker-failed", "A job could not be sent to a worker.", { cause }));
    }
  };

  await hire();
  return {
    threads,
    run<Name extends keyof KernelJobs>(name: Name, input: JobInput, options: KernelJobs[Name]["options"]) {
      return new Promise<KernelJobs[Name]["result"]>((resolve, reject) => {
        if (disposed) return reject(cancelled());
        queue.push({ request: { name, input, options }, resolve: resolve as Task["resolve"], reject });
        pump();
      });
    },
    recycle(bytes) {
      if (bytes.buffer instanceof ArrayBuffer && spares.length < TASKS_EACH * threads) spares.push(bytes.buffer);
    },
    async dispose() {
      disposed = true;
      for (const task of queue.splice(0)) task.reject(cancelled());
      const all = crews.splice(0);
      for (const { tasks } of all) for (const task of tasks.values()) task.reject(cancelled());
      await Promise.all(all.map(({ port }) => port.stop()));
    },
  };
}

const cancelled = (): PareError => failed("cancelled", "The kernels were stopped.");

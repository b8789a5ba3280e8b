// The processes of the proof: one that keeps the float model and times forms against it, and a fresh one for each load.

import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { median } from "../measured.js";
import type { FeedSpec, Timed } from "../targets/runner.js";
import type { Loaded, Place, Request, Timing } from "./child.js";

export type { Loaded, Place } from "./child.js";

export interface Opened {
  readonly output: readonly number[];
  form(path: string): Promise<Timed>;
  close(): void;
}

/** Opens the float model at `path` in a process of its own. */
export async function opened(place: Place, path: string, feeds: readonly FeedSpec[], options: Timing): Promise<Opened> {
  const child = started(place);
  const output = (await asked(child, { do: "open", path, feeds, options })) as number[];
  return {
    output,
    form: async (form) => (await asked(child, { do: "form", path: form })) as Timed,
    close: () => void child.kill(),
  };
}

/** The float model and the form in turn, each in a process of its own: medians. */
export async function loads(place: Place, float: string, form: string, rounds: number) {
  const found: { float: Loaded; form: Loaded }[] = [];
  for (let round = 0; round < rounds; round++) {
    found.push({ float: await loaded(place, float), form: await loaded(place, form) });
  }
  const middle = (of: "float" | "form"): Loaded => ({
    loadMs: median(found.map((each) => each[of].loadMs)),
    peakBytes: median(found.map((each) => each[of].peakBytes)),
  });
  return { float: middle("float"), form: middle("form") };
}

async function loaded(place: Place, path: string): Promise<Loaded> {
  const child = started(place);
  try {
    return (await asked(child, { do: "load", path })) as Loaded;
  } finally {
    child.kill();
  }
}

const started = (place: Place): ChildProcess =>
  fork(fileURLToPath(new URL("./child.ts", import.meta.url)), [place], {
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });

function asked(child: ChildProcess, request: Request): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      child.off("message", onMessage);
      child.off("exit", onExit);
      act();
    };
    const onMessage = ({ result, error }: { result?: unknown; error?: string }) =>
      settle(() => (error === undefined ? resolve(result) : reject(new Error(error))));
    const onExit = (code: number | null, signal: string | null) =>
      settle(() => reject(new Error(`the process ended with ${signal ?? code}`)));
    child.on("message", onMessage);
    child.on("exit", onExit);
    child.send(request);
  });
}

import { afterAll, describe, expect, test } from "vitest";
import { engineServices } from "../../tests/support/engine.js";
import { loopOptions, spiralCase, spirals } from "../../tests/support/train-case.js";
import type { Value } from "../tensor/value.js";
import type { CheckpointStore } from "./checkpoint.js";
import { train } from "./loop.js";
import type { TrainLogEntry } from "./loop-options.js";

const services = engineServices({ threads: 1 });
const wasm = engineServices({ threads: 1 }, "wasm");
afterAll(async () => {
  await services.dispose();
  await wasm.dispose();
});

const bytes = (weights: ReadonlyMap<string, Value>) =>
  Object.fromEntries([...weights].map(([name, { data }]) => [name, Buffer.from((data as Float32Array).buffer).toString("base64")]));
const timeless = (log: readonly TrainLogEntry[]) =>
  log.map(({ samplesPerSecond: _, secondsLeft: __, ...rest }) => rest);
const memory = (): CheckpointStore & { bytes: Uint8Array | undefined; written: number } => ({
  name: "run.ckpt",
  bytes: undefined,
  written: 0,
  async read() {
    return this.bytes;
  },
  async write(file) {
    this.bytes = file;
    this.written++;
  },
});

test("learns, says how it goes, keeps what was best on held-out data, and gives the same bytes again", async () => {
  const { step } = await spiralCase();
  const data = { train: spirals(), held: spirals({ seed: 6, size: 30 }) };
  const lines: TrainLogEntry[] = [];
  const first = await train(step, data, loopOptions({ epochs: 8 }), services, (line) => lines.push(line));
  expect(first.log).toEqual(lines);
  expect(lines).toHaveLength(96);
  expect(lines.map(({ step: number }) => number)).toEqual(Array.from({ length: 96 }, (_, i) => i + 1));
  expect(lines.at(-1)).toMatchObject({ step: 96, steps: 96, epoch: 8, lr: 0.02, secondsLeft: 0 });
  const looks = lines.flatMap(({ held }) => held ?? []);
  expect(looks).toHaveLength(8);
  expect(looks.at(-1)!.metric!.value).toBeGreaterThan(0.9);
  expect(first.best!.held).toMatchObject({ samples: 30, metric: { name: "top-1" } });
  expect(first.best!.held.metric!.value).toBe(Math.max(...looks.map(({ metric }) => metric!.value)));
  const again = await train(step, data, loopOptions({ epochs: 8 }), services);
  expect(bytes(again.weights)).toEqual(bytes(first.weights));
  expect(timeless(again.log)).toEqual(timeless(first.log));
  const other = await train(step, data, loopOptions({ epochs: 1, seed: 4 }), services);
  expect(other.log[0]!.loss).not.toBe(first.log[0]!.loss);
});

// A training step that is run in this thread, with its state beside it: what tests of the graph need, without the loop.

import type { Sample } from "../../src/data/dataset.js";
import type { RuntimeSession } from "../../src/engine/runtime.js";
import { openSession } from "../../src/engine/session.js";
import type { Feeds, Value } from "../../src/tensor/value.js";
import type { StepGraph, StepScalars } from "../../src/train/step.js";
import { engineServices } from "./engine.js";

export interface StepRun {
  readonly feeds: Feeds;
  readonly labels: readonly Sample["label"][];
  readonly lr: number;
  /** Number of the update; default: one more than were committed. */
  readonly t?: number;
  readonly sampleWeight?: readonly number[];
  readonly more?: Partial<StepScalars>;
  readonly masks?: Feeds;
}

export interface StepSession {
  /** Runs once and takes the new state, unless told not to. */
  run(step: StepRun, commit?: boolean): Promise<Record<string, Value>>;
  readonly state: Record<string, Value>;
  /** Trained weights and statistics as plain numbers. */
  weights(averaged?: boolean): Record<string, number[]>;
  release(): Promise<void>;
}

export async function openStep(step: StepGraph, runtime: "native" | "wasm" = "native"): Promise<StepSession> {
  const session: RuntimeSession = await openSession(step.model, engineServices({}, runtime));
  const state: Record<string, Value> = {};
  for (const slot of step.state) state[slot.input] = await slot.initial();
  let updates = 0;
  return {
    state,
    async run({ feeds, labels, lr, t = updates + 1, sampleWeight, more, masks }, commit = true) {
      const scalars = step.scalarsAt(t, lr, { lossScale: 1, apply: true, fresh: true, ...more });
      const numbers = Object.entries(scalars).map(([name, value]) => [name, floats([], [value])] as const);
      const results = await session.run({
        ...state,
        ...feeds,
        ...masks,
        ...Object.fromEntries(numbers),
        ...Object.fromEntries(step.targets.map((target) => [target.input, target.collate(labels)])),
        "pare.sample_weight": floats([step.batch], sampleWeight ?? Array<number>(step.batch).fill(1)),
      });
      if (commit) {
        for (const slot of step.state) state[slot.input] = results[slot.output]!;
        if (more?.apply !== false) updates++;
      }
      return Object.fromEntries(step.results.map((name) => [name, results[name]!]));
    },
    weights: (averaged) =>
      Object.fromEntries(
        [...step.weights(state, averaged)].map(([name, { data }]) => [name, [...(data as Float32Array)]]),
      ),
    release: () => session.release(),
  };
}

export const floats = (dims: readonly number[], values: Iterable<number>): Value => ({
  dtype: "float32",
  dims,
  data: Float32Array.from(values),
});

/** A scalar result. */
export const scalar = (value: Value | undefined): number => Number((value!.data as Float32Array)[0]);

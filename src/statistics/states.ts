// Recurrent models: a state input that the data leaves at 0 is fed with what the sample before gave, as it will be in use.
// Ranges found on an empty state alone would clip every other.

import { adaptFeeds } from "../engine/feeds.js";
import type { Shape } from "../engine/observe.js";
import { openSession } from "../engine/session.js";
import type { Model } from "../ir/model.js";
import type { StepContext } from "../step/step.js";
import type { Feeds, Value } from "../tensor/value.js";
import { type CalibrationData, ONE_THREAD } from "./data.js";

/** A graph input and the graph output that is its next value. */
export interface StatePair {
  readonly input: string;
  readonly output: string;
}

/**
 * Float inputs that are 0 in the first sample, each with the one output of the same type and shape whose name is the same
 * but for words such as "next", "out", "past" and "present", or a last "n" or "0": state and stateN, h0 and hn.
 */
export function statePairs(model: Model, feeds: Feeds, shapes: ReadonlyMap<string, Shape>): StatePair[] {
  return model.graph.inputs.flatMap(({ name: input }) => {
    const value = feeds[input];
    if (value === undefined || !/float/.test(value.dtype) || !empty(value)) return [];
    const kind = (shape: Shape | undefined) => `${shape?.dtype} ${shape?.dims}`;
    const outputs = model.graph.outputs.filter(
      ({ name }) => stem(name) === stem(input) && kind(shapes.get(name)) === kind(value),
    );
    return outputs.length === 1 ? [{ input, output: outputs[0]!.name }] : [];
  });
}

/** The same samples, states carried on from each to the next. They are run once more for it. */
export function carried(
  data: CalibrationData,
  pairs: readonly StatePair[],
  model: Model,
  context: StepContext,
): CalibrationData {
  if (pairs.length === 0) return data;
  const outputs = pairs.map(({ output }) => ({ name: output }));
  const stepping = { ...model, graph: { ...model.graph, outputs, valueInfo: new Map() } };
  return {
    ...data,
    async *samples(task) {
      const session = await openSession(stepping, context, ONE_THREAD);
      try {
        let states: Record<string, Value> = {};
        for await (const sample of data.samples(task)) {
          const feeds = { ...sample.feeds };
          for (const { input } of pairs) {
            const given = feeds[input];
            const kept = states[input];
            // A sample of another batch size begins anew, and so does one that brings a state of its own.
            if (given && kept && empty(given) && `${given.dims}` === `${kept.dims}`) feeds[input] = kept;
          }
          const results = await session.run(adaptFeeds(feeds, session.inputs));
          states = Object.fromEntries(pairs.map(({ input, output }) => [input, results[output]!]));
          yield { ...sample, feeds };
        }
      } finally {
        await session.release();
      }
    },
  };
}

const empty = ({ data }: Value): boolean => data.length > 0 && (data as readonly unknown[]).every((one) => one === 0);

/** What is left of the name of a state without what says which of the two it is. */
const stem = (name: string): string =>
  name
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => !ROLES.has(word))
    .map((word) => word.replace(/(?<=[a-z])[n0]$/, ""))
    .join(" ");

const ROLES = new Set("new next out output updated present past prev previous initial init in input n 0".split(" "));

// What is done to weights between two updates: pruning that grows while a model is trained. Training knows no method of it.

import { internal } from "../base/errors.js";
import type { ResidentSession } from "../engine/resident.js";
import type { Value } from "../tensor/value.js";
import type { StepGraph } from "./step.js";

export interface Interlude {
  /** Prepared names of the weights that it changes. Each has a constraint that projects it, so that it stands alone. */
  readonly weights: readonly string[];
  /** Whether it changes something after update `update` (1 for the first) of `total`. */
  isDue(update: number, total: number): boolean;
  /** The last update that it is due after: what is looked at before is not what will come out. */
  last(total: number): number;
  /** New values of those that change, float32. By the arguments alone: a run that is resumed must get the same. */
  change(weights: ReadonlyMap<string, Value>, update: number, total: number): Promise<ReadonlyMap<string, Value>>;
}

/** Changes the state of a session. Moving averages become 0 where a weight does. The optimizer's state stays. */
export async function runInterlude(
  interlude: Interlude,
  { state }: StepGraph,
  session: ResidentSession,
  update: number,
  total: number,
): Promise<void> {
  const inputsOf = (kind: "weight" | "average") =>
    new Map(state.flatMap((slot) => (slot.kind === kind && slot.weight ? [[slot.weight, slot.input] as const] : [])));
  const [weights, averages] = [inputsOf("weight"), inputsOf("average")];
  const inputs = interlude.weights.map((name) => {
    const input = weights.get(name);
    if (input === undefined) throw internal(`the weight "${name}" does not stand alone in the step`);
    return [name, input] as const;
  });
  const values = await session.read(inputs.map(([, input]) => input));
  const before = new Map(inputs.map(([name, input]) => [name, values[input]!]));
  const written: Record<string, Value> = {};
  for (const [name, value] of await interlude.change(before, update, total)) {
    written[weights.get(name)!] = value;
    const average = averages.get(name);
    if (average === undefined) continue;
    const kept = (await session.read([average]))[average]!;
    const data = Float32Array.from(kept.data as Float32Array, (one, i) => (value.data[i] === 0 ? 0 : one));
    written[average] = { ...kept, data };
  }
  if (Object.keys(written).length > 0) await session.write(written);
}

// How a gradient case is checked: its forward pass and differences, the backward graph beside them, and the variants that every
// operator is checked for.

import { expect } from "vitest";
import { run } from "../../src/engine/run.js";
import { random } from "../../src/tensor/random.js";
import type { Value } from "../../src/tensor/value.js";
import { type Directions, differences, inner } from "./gradient-differences.js";
import { asValue, type Filled, type Float, fill } from "./gradient-fill.js";
import { definitionForward, type Forward, kernelForward, type Results } from "./gradient-forward.js";
import { backwardGraph, type GradientModel, type GradientOptions } from "./gradient-model.js";
import type { GradientCase, Kink } from "./gradients.js";
import { services } from "./services.js";

/** A case with its numbers, ready to be run forward many times. */
export interface OpenCase {
  readonly one: GradientCase;
  readonly filled: Filled;
  readonly dtype: Float;
  readonly tolerance: number;
  /** Inputs whose gradients are asked for. */
  readonly wrt: readonly string[];
  readonly kernel: Forward;
  /** What is differenced: the definition, or the kernel itself. */
  readonly forward: Forward;
  /** What the kernel gives. */
  readonly results: Results;
}

/** Opens a case, hands it to `work`, and releases its sessions. */
export async function withCase(operator: string, one: GradientCase, work: (open: OpenCase) => Promise<void>) {
  const dtype = one.dtype ?? (one.definition === undefined ? "float64" : "float32");
  const filled = fill(operator, one, dtype);
  const kernel = await kernelForward(one, filled, dtype);
  const forward = one.definition === undefined ? kernel : await definitionForward(one.definition, one, filled);
  try {
    await work({
      one,
      filled,
      dtype,
      tolerance: one.tolerance ?? (dtype === "float64" ? 1e-6 : 1e-4),
      wrt: one.wrt ?? Object.keys(one.inputs),
      kernel,
      forward,
      results: await kernel.run(filled.inputs),
    });
  } finally {
    await kernel.release();
    if (forward !== kernel) await forward.release();
  }
}

export async function checkCase(open: OpenCase): Promise<void> {
  const { one, filled, dtype, forward, results, wrt } = open;
  if (one.definition !== undefined) {
    (await forward.run(filled.inputs)).forEach(({ dims, data }, index) => {
      expect(results[index]!.dims, "dimensions by definition").toEqual(dims);
      expectClose(results[index]!.data, data, 1e-5, `output ${index}, kernel beside definition`);
    });
  }
  const directions = directionsOf(open);
  const graph = backwardGraph(one, filled, results, { dtype, uses: [directions], probe: true });
  const made = await runGraph(graph, filled);
  for (const { name, shape } of graph.declared) {
    const { dtype: type, dims } = made[name]!;
    expect({ name, dtype: type, dims }, "beside what the emitter declared").toEqual({
      name,
      ...shape,
      dims: [...shape.dims],
    });
  }
  // Linear operators are stepped from zero by one: exact in float32 too.
  const exact = dtype === "float32" && one.definition === undefined;
  for (const name of wrt) {
    const expected = await differences(forward, filled, name, directions, exact);
    expectClose(gradientOf(graph, made, name), expected, open.tolerance, `gradient of ${name}`);
  }
  if (one.linear !== undefined && one.linear !== false) {
    await checkAdjoint(open, directions, (name) => gradientOf(graph, made, name));
  }
}

/** What every operator is checked for with its first case. */
export async function checkVariants(open: OpenCase): Promise<void> {
  const { one, filled, dtype, results, wrt, tolerance } = open;
  const first = directionsOf(open);
  const reference = await gradientsOf(one, filled, results, { dtype, uses: [first] });
  if (dtype === "float64" && one.float32 !== false) {
    const single = await gradientsOf(one, filled, results, { dtype: "float32", uses: [first] });
    for (const name of wrt) expectClose(single(name), reference(name), 1e-3, `float32 gradient of ${name}`);
  }
  // One input a constant that nobody asks about.
  for (const frozen of wrt.length > 1 ? wrt : []) {
    const asked = wrt.filter((name) => name !== frozen);
    const partial = await gradientsOf({ ...one, wrt: asked }, filled, results, { dtype, uses: [first], frozen });
    for (const name of asked) {
      expectClose(partial(name), reference(name), tolerance, `gradient of ${name}, ${frozen} constant`);
    }
  }
  const nothing = backwardGraph({ ...one, wrt: [] }, filled, results, { dtype, uses: [first] });
  expect(nothing.written, "nodes written where no gradient is asked for").toBe(0);
  // Each input read by two nodes of the operator, and directly.
  const second = directionsOf(open, 2);
  const other = await gradientsOf(one, filled, results, { dtype, uses: [second] });
  const both = await gradientsOf(one, filled, results, { dtype, uses: [first, second], direct: true });
  for (const name of wrt) {
    const direct = filled.direct.get(name)!;
    const sum = reference(name).map((value, i) => value + other(name)[i]! + direct[i]!);
    expectClose(both(name), sum, tolerance, `gradient of ${name}, used three times`);
  }
  await checkSameTwice(open);
}

/** One value fed to two inputs of the same shape: the gradients of both, summed. */
async function checkSameTwice({ one, filled, dtype, wrt, forward, kernel, tolerance }: OpenCase): Promise<void> {
  const size = (name: string) => filled.inputs.get(name)!.dims.join();
  const pairs = wrt.flatMap((a, i) => wrt.slice(i + 1).map((b) => [a, b] as const));
  const pair = pairs.find(([a, b]) => size(a) === size(b));
  if (pair === undefined || one.sameTwice === false) return;
  const [a, b] = pair;
  const equal: Filled = { ...filled, inputs: new Map([...filled.inputs, [b, filled.inputs.get(a)!]]) };
  const results = await kernel.run(equal.inputs);
  const directions = directionsOf({ one, results });
  const exact = dtype === "float32" && one.definition === undefined;
  const left = await differences(forward, equal, a, directions, exact);
  const right = await differences(forward, equal, b, directions, exact);
  const joined = await gradientsOf({ ...one, wrt: [a] }, equal, results, { dtype, uses: [directions], alias: [b, a] });
  const sum = left.map((value, i) => value + right[i]!);
  expectClose(joined(a), sum, tolerance, `gradient of ${a}, fed as ${b} too`);
}

/** A case at a kink, the loss being the sum of its outputs. */
export async function checkKink({ one, filled, dtype, results }: OpenCase, kink: Kink): Promise<void> {
  const uses = [results.map(({ data }) => new Float64Array(data.length).fill(1))];
  const asked = { ...one, wrt: Object.keys(kink.expected) };
  const found = await gradientsOf(asked, filled, results, { dtype, uses });
  for (const [name, expected] of Object.entries(kink.expected)) {
    expectClose(found(name), Float64Array.from(expected), 1e-6, `kink "${kink.name}": gradient of ${name}`);
  }
}

/** Linear in all asked inputs together, or in each named one: f(x + v) - f(x) = J v, and <J v, u> = <v, J^T u>. */
async function checkAdjoint(
  { one, filled, wrt, kernel, results, tolerance }: OpenCase,
  directions: Directions,
  gradient: (name: string) => Float64Array,
): Promise<void> {
  const generator = random(77);
  for (const group of typeof one.linear === "boolean" ? [wrt] : one.linear!.map((name) => [name])) {
    const moved = new Map(filled.inputs);
    let expected = 0;
    let scale = 1;
    for (const name of group) {
      const from = filled.inputs.get(name)!;
      const step = from.data.map(() => generator.normal());
      moved.set(name, { dims: from.dims, data: from.data.map((value, i) => value + step[i]!) });
      gradient(name).forEach((value, i) => {
        expected += value * step[i]!;
        scale += Math.abs(value * step[i]!);
      });
    }
    const found = inner(results, await kernel.run(moved), directions);
    expect(Math.abs(found - expected), `adjoint identity of ${group}`).toBeLessThan(tolerance * scale);
  }
}

/** Random numbers by output: the gradient of the loss with respect to it. Undefined for outputs that the loss does not read. */
function directionsOf({ one, results }: Pick<OpenCase, "one" | "results">, seed = 1): Directions {
  const generator = random(seed);
  return results.map(({ dtype: made, data }, index) => {
    if (!made.startsWith("float") || (one.loss !== undefined && !one.loss.includes(index))) return undefined;
    return Float64Array.from(data, () => Math.fround(generator.normal()));
  });
}

const runGraph = (graph: GradientModel, filled: Filled): Promise<Readonly<Record<string, Value>>> => {
  const feeds = graph.feeds.map((name) => [name, asValue(filled.inputs.get(name)!, graph.dtype)] as const);
  return run(graph.model, Object.fromEntries(feeds), services);
};

async function gradientsOf(one: GradientCase, filled: Filled, results: Results, options: GradientOptions) {
  const graph = backwardGraph(one, filled, results, options);
  const made = await runGraph(graph, filled);
  return (name: string) => gradientOf(graph, made, name);
}

/** Checked to have the dimensions of its input. */
function gradientOf(graph: GradientModel, made: Readonly<Record<string, Value>>, name: string): Float64Array {
  const output = graph.gradients.get(name);
  if (output === undefined) return expect.fail(`there is no gradient of ${name}`);
  expect(made[output]!.dims, `dimensions of the gradient of ${name}`).toEqual(graph.dims.get(name));
  return Float64Array.from(made[output]!.data as Float64Array);
}

/** Relative to the value or to the root mean square of all, whichever is larger. NaN in `expected` is not compared. */
function expectClose(found: Float64Array, expected: Float64Array, tolerance: number, what: string): void {
  expect(found.length, what).toBe(expected.length);
  const compared = expected.filter((value) => !Number.isNaN(value));
  const rms = Math.sqrt(compared.reduce((sum, value) => sum + value * value, 0) / Math.max(1, compared.length));
  expected.forEach((value, index) => {
    if (Number.isNaN(value)) return;
    const limit = tolerance * Math.max(Math.abs(value), rms, 1e-2);
    if (Math.abs(found[index]! - value) <= limit) return;
    expect.fail(`${what}: [${index}] is ${found[index]}, expected ${value} (to ${tolerance})`);
  });
}

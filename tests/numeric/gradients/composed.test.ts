// The driver of the backward pass on graphs drawn at random: values shared by several nodes, broadcasts, reductions, branches
// that lead nowhere. In float64, against central differences.

import fc from "fast-check";
import { expect, test } from "vitest";
import { withSession } from "../../../src/engine/session.js";
import { graphBuilder } from "../../../src/ir/build.js";
import { type Random, random } from "../../../src/tensor/random.js";
import { backward } from "../../../src/train/backward.js";
import { Emitter } from "../../../src/train/emitter.js";
import { services } from "../../support/services.js";

const inputs: Readonly<Record<string, readonly number[]>> = { a: [3, 4], b: [4], c: [3, 1], d: [4, 4] };

/** Each gives a new value of [3, 4] from two older ones. */
const operations: readonly ((emit: Emitter, x: string, y: string) => string)[] = [
  (emit, x, y) => emit.add(x, y),
  (emit, x, y) => emit.sub(x, emit.tanh(y)),
  (emit, x, y) => emit.mul(emit.sigmoid(x), y),
  (emit, x, y) => emit.div(x, emit.shift(emit.square(y), 1)),
  (emit, x) => emit.op("Softmax", [x], { attributes: { axis: 0 } }),
  (emit, x, y) => emit.sub(x, emit.reduceMean(y, [1])),
  (emit, x, y) => emit.mul(x, emit.reduceSum(y, [0, 1])),
  (emit, x) => emit.matmul(emit.tanh(x), "d"),
  (emit, x, y) => emit.where(emit.greater(x, emit.like(0.7, x)), emit.exp(emit.tanh(x)), emit.mul(y, "b")),
  (emit, x) => emit.add(emit.tanh(x), "c"),
];

test("every drawn graph has the gradients of its differences", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 }), async (seed) => {
      const generator = random(seed);
      const emit = new Emitter({
        shape: (name) => (name in inputs ? { dtype: "float64", dims: inputs[name]! } : undefined),
        has: (name) => name in inputs,
      });
      const loss = draw(emit, generator);
      const gradients = backward({ nodes: [...emit.nodes], loss, targets: Object.keys(inputs) }, emit);
      await compare(emit, loss, gradients, generator);
    }),
    { numRuns: 12 },
  );
});

function draw(emit: Emitter, generator: Random): string {
  const values = ["a", emit.add("a", "b")];
  const pick = () => values[generator.int(values.length)]!;
  for (let i = 0; i < 8; i++) values.push(operations[generator.int(operations.length)]!(emit, pick(), pick()));
  return emit.total(emit.mul(values.at(-1)!, pick()));
}

async function compare(emit: Emitter, loss: string, gradients: ReadonlyMap<string, string>, generator: Random) {
  const builder = graphBuilder();
  for (const [name, dims] of Object.entries(inputs)) builder.input(name, "float64", dims);
  for (const [name, value] of emit.initializers) builder.initializer(name, value);
  const outputs = [...new Set([loss, ...gradients.values()])].filter((name) => !(name in inputs));
  for (const name of outputs) builder.output(name);
  const model = { ...builder.model(), graph: { ...builder.graph(), nodes: emit.nodes } };
  const at = Object.fromEntries(
    Object.entries(inputs).map(([name, dims]) => {
      const count = dims.reduce((all, size) => all * size, 1);
      return [name, { dtype: "float64" as const, dims, data: Float64Array.from({ length: count }, generator.normal) }];
    }),
  );
  // Beyond "basic" the runtime fuses float64 nodes (x sigmoid(x)) to operators that it has in float32 only.
  await withSession(model, services, { optimize: "basic" }, async (session) => {
    const made = await session.run(at);
    const valueAt = async (name: string, index: number, by: number) => {
      const data = at[name]!.data.slice();
      data[index]! += by;
      const moved = await session.run({ ...at, [name]: { ...at[name]!, data } }, [loss]);
      return (moved[loss]!.data as Float64Array)[0]!;
    };
    for (const [name, { data }] of Object.entries(at)) {
      const gradient = gradients.get(name);
      const found =
        gradient === undefined ? data.map(() => 0) : ((made[gradient] ?? at[gradient])!.data as Float64Array);
      expect(found.length).toBe(data.length);
      for (let index = 0; index < data.length; index++) {
        const step = 1e-5;
        const expected = ((await valueAt(name, index, step)) - (await valueAt(name, index, -step))) / (2 * step);
        expect(Math.abs(found[index]! - expected)).toBeLessThan(
          1e-6 * Math.max(1, Math.abs(expected), Math.abs((made[loss]!.data as Float64Array)[0]!)),
        );
      }
    }
  });
}

// Every strategy for the gradients of a convolution, on random geometries, against the definition's adjoint.

import fc from "fast-check";
import { expect, test } from "vitest";
import { conv } from "../../../tests/support/definitions/windows.js";
import { services } from "../../../tests/support/services.js";
import { run } from "../../engine/run.js";
import { graphBuilder } from "../../ir/build.js";
import { random } from "../../tensor/random.js";
import { Emitter } from "../emitter.js";
import { type Convolution, isPointwise, spanOf } from "./geometry.js";
import { inputByFlippedConv } from "./input-flipped-conv.js";
import { inputByProduct } from "./input-pointwise.js";
import { inputByTransposedConv } from "./input-transposed-conv.js";
import { weightByBlockedConv, weightByDepthwiseBlocks } from "./weight-blocked-conv.js";
import { weightByColumns } from "./weight-columns.js";
import { weightByDiagonals } from "./weight-diagonals.js";
import { weightByProduct } from "./weight-pointwise.js";
import { weightByShifts } from "./weight-shifts.js";
import { weightByTaps } from "./weight-taps.js";

const depthwise = (c: Convolution) => c.groups === c.channels && c.groups === c.filters;
const any = () => true;

/** One sample after the other. */
const weightByColumnsOfOne: typeof weightByColumns = (emit, c, names) => weightByColumns(emit, c, names, 1);

/** With the geometries that each is for. */
const weights = [
  { of: weightByColumns, fits: any },
  { of: weightByColumnsOfOne, fits: any },
  { of: weightByTaps, fits: any },
  { of: weightByProduct, fits: isPointwise },
  { of: weightByDiagonals, fits: depthwise },
  { of: weightByShifts, fits: depthwise },
  { of: weightByBlockedConv, fits: (c: Convolution) => c.groups === 1 && c.kernel.length === 2 },
  {
    of: weightByDepthwiseBlocks,
    fits: (c: Convolution) => depthwise(c) && c.kernel.length === 2 && c.ends.every((pad) => pad >= 0),
  },
];
const inputs = [
  { of: inputByFlippedConv, fits: any },
  { of: inputByTransposedConv, fits: any },
  { of: inputByProduct, fits: (c: Convolution) => c.groups === 1 && isPointwise(c) },
];

const axis = fc.record({
  kernel: fc.constantFrom(1, 1, 2, 3, 3, 4),
  stride: fc.constantFrom(1, 1, 2, 3),
  dilation: fc.constantFrom(1, 1, 1, 2),
  begin: fc.integer({ min: 0, max: 4 }),
  end: fc.integer({ min: 0, max: 4 }),
  more: fc.integer({ min: 0, max: 5 }),
});

const geometry = fc
  .record({
    axes: fc.array(axis, { minLength: 1, maxLength: 3 }),
    batch: fc.integer({ min: 1, max: 3 }),
    groups: fc.constantFrom(1, 1, 2, 3),
    width: fc.integer({ min: 1, max: 3 }),
    filters: fc.integer({ min: 1, max: 3 }),
    pointwise: fc.boolean(),
  })
  .map(({ axes, batch, groups, width, filters, pointwise }) => {
    const kernel = axes.map((one) => (pointwise ? 1 : one.kernel));
    const strides = axes.map(({ stride }) => stride);
    const dilations = axes.map(({ dilation }) => dilation);
    const span = kernel.map((size, i) => (size - 1) * dilations[i]! + 1);
    const begins = axes.map(({ begin }) => begin);
    const input = axes.map(({ begin, end, more }, i) => Math.max(1, span[i]! + more - begin - end));
    const output = axes.map(({ end }, i) => Math.floor((input[i]! + begins[i]! + end - span[i]!) / strides[i]!) + 1);
    const ends = output.map((count, i) => (count - 1) * strides[i]! + span[i]! - input[i]! - begins[i]!);
    const shape: Convolution = {
      ...{ batch, groups, channels: groups * width, filters: groups * filters },
      ...{ input, output, kernel, strides, dilations, begins, ends },
    };
    return { shape, pads: [...begins, ...axes.map(({ end }) => end)] };
  })
  // Windows that read padding alone: the runtime's own kernels refuse some of them.
  .filter(({ shape }) => shape.begins.every((pad, i) => pad < shape.input[i]! + spanOf(shape, i)));

/** Its one window reads padding alone. */
const paddingOnly = {
  shape: {
    ...{ batch: 1, groups: 1, channels: 1, filters: 1, input: [1, 1], output: [1, 1], kernel: [1, 1] },
    ...{ strides: [3, 1], dilations: [1, 1], begins: [1, 0], ends: [-1, 0] },
  },
  pads: [1, 0, 0, 0],
};

test("every strategy gives the adjoint of the convolution, whatever the geometry", { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(geometry, fc.integer({ min: 1, max: 1e6 }), async ({ shape, pads }, seed) => {
      const draw = random(seed);
      const numbers = (dims: readonly number[]) => ({
        dims,
        data: Float64Array.from({ length: dims.reduce((all, one) => all * one, 1) }, () => draw.int(7) - 3),
      });
      const x = numbers([shape.batch, shape.channels, ...shape.input]);
      const w = numbers([shape.filters, shape.channels / shape.groups, ...shape.kernel]);
      const dy = numbers([shape.batch, shape.filters, ...shape.output]);
      const given = new Map(Object.entries({ x, w, dy }));

      const emit = new Emitter({
        shape: (name) => (given.has(name) ? { dtype: "float32", dims: given.get(name)!.dims } : undefined),
        has: (name) => given.has(name),
      });
      const made = new Map<string, { of: string; name: "x" | "w" }>();
      for (const { of, fits } of weights) {
        if (fits(shape))
          made.set(emit.op("Identity", [of(emit, shape, { x: "x", dy: "dy" })]), { of: of.name, name: "w" });
      }
      for (const { of, fits } of inputs) {
        if (fits(shape))
          made.set(emit.op("Identity", [of(emit, shape, { w: "w", dy: "dy" })]), { of: of.name, name: "x" });
      }
      const builder = graphBuilder();
      for (const [name, { dims }] of given) builder.input(name, "float32", dims);
      for (const [name, value] of emit.initializers) builder.initializer(name, value);
      for (const name of made.keys()) builder.output(name);
      const model = { ...builder.model(), graph: { ...builder.graph(), nodes: emit.nodes } };
      const feed = ({ dims, data }: ReturnType<typeof numbers>) =>
        ({ dtype: "float32", dims, data: Float32Array.from(data) }) as const;
      const results = await run(model, { x: feed(x), w: feed(w), dy: feed(dy) }, services);

      const { strides, dilations, groups: group } = shape;
      const inner = (a: ArrayLike<number>, b: ArrayLike<number>) =>
        Array.from(a).reduce((sum, one, i) => sum + one * b[i]!, 0);
      for (const [output, { of, name }] of made) {
        const { dims, data } = results[output]!;
        const at = { x, w }[name];
        expect(dims, of).toEqual(at.dims);
        // Small integers: float32 is exact. <conv(direction), dy> = <direction, gradient> for a few directions.
        for (let trial = 0; trial < 3; trial++) {
          const direction = numbers(at.dims);
          const [moved] = conv(name === "x" ? [direction, w] : [x, direction], { strides, dilations, group, pads });
          expect(inner(data as Float32Array, direction.data), `${of} of ${JSON.stringify(shape)}`).toBe(
            inner(moved!.data, dy.data),
          );
        }
      }
    }),
    { numRuns: 60, seed: 5, examples: [[paddingOnly, 1]] },
  );
});

// How structures divide weights, against loops over the axes.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { elementCount } from "../../tensor/dtype.js";
import { structures } from "./index.js";
import type { Cells, MaskStructure, WeightShape } from "./structure.js";

const masks = structures.list.filter((one): one is MaskStructure => one.kind === "mask");
const cellsOf = (name: string, weight: WeightShape, options: object = {}): Cells => {
  const method = structures.get(name) as MaskStructure;
  return method.cells(weight, method.options?.parse(options) ?? {});
};

const weight = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 2, maxLength: 4 }).chain((dims) =>
  fc
    .shuffledSubarray(
      dims.map((_, axis) => axis),
      { minLength: 2, maxLength: 2 },
    )
    .map(
      ([reductionAxis, outputAxis]): WeightShape => ({ dims, reductionAxis: reductionAxis!, outputAxis: outputAxis! }),
    ),
);

/** Positions of an element along all axes. */
function positionOf(element: number, dims: readonly number[]): number[] {
  const position: number[] = [];
  let left = element;
  for (const size of dims.toReversed()) {
    position.unshift(left % size);
    left = Math.floor(left / size);
  }
  return position;
}

/** Which elements are in one cell, as text: two divisions are equal when these are. */
function partition(weight: WeightShape, cellOf: (element: number) => unknown): string {
  const members = new Map<unknown, number[]>();
  for (let element = 0; element < elementCount(weight.dims); element++) {
    const cell = cellOf(element);
    members.set(cell, [...(members.get(cell) ?? []), element]);
  }
  return [...members.values()]
    .map((list) => list.join())
    .sort()
    .join(" | ");
}

/** By the positions of an element: what is equal for all of its cell. */
const DEFINITIONS: Readonly<Record<string, (at: readonly number[], weight: WeightShape) => readonly number[]>> = {
  unstructured: (at) => at,
  "n-m": (at) => at,
  row: (at, { reductionAxis, outputAxis }) => [
    ...at.slice(0, Math.min(reductionAxis, outputAxis)),
    -1,
    at[outputAxis]!,
  ],
  column: (at, { reductionAxis, outputAxis }) => [
    ...at.slice(0, Math.min(reductionAxis, outputAxis)),
    -1,
    at[reductionAxis]!,
  ],
  block: (at, { reductionAxis, outputAxis }) =>
    at.map((one, axis) =>
      axis === outputAxis ? Math.floor(one / 2) : axis === reductionAxis ? Math.floor(one / 3) : one,
    ),
};

describe.each(masks.map(({ name }) => name))("%s", (name) => {
  test("divides by its definition, and counts its cells", () => {
    fc.assert(
      fc.property(weight, (one) => {
        const cells = cellsOf(name, one, name === "block" ? { rows: 2, columns: 3 } : {});
        const byDefinition = (element: number) => DEFINITIONS[name]!(positionOf(element, one.dims), one).join();
        expect(partition(one, cells.cellOf)).toBe(partition(one, byDefinition));
        const used = new Set(Array.from({ length: elementCount(one.dims) }, (_, element) => cells.cellOf(element)));
        for (const cell of used) expect(cell >= 0 && cell < cells.count).toBe(true);
        // A pattern has cells without an element, which fill the last group up.
        if (!cells.pattern) expect(used.size).toBe(cells.count);
      }),
    );
  });
});

test("of n-m, groups are neighbours along the reduction axis, all else equal", () => {
  fc.assert(
    fc.property(weight, fc.integer({ min: 2, max: 5 }), (one, of) => {
      const cells = cellsOf("n-m", one, { keep: 1, of });
      expect(cells.count % of).toBe(0);
      const group = (element: number) => {
        const at = positionOf(element, one.dims);
        return at.map((place, axis) => (axis === one.reductionAxis ? Math.floor(place / of) : place)).join();
      };
      expect(partition(one, (element) => Math.floor(cells.cellOf(element) / of))).toBe(partition(one, group));
    }),
  );
});

test("n-m where nothing goes is refused", () => {
  const shape = { dims: [4, 8], reductionAxis: 1, outputAxis: 0 };
  expect(() => cellsOf("n-m", shape, { keep: 4, of: 4 })).toThrow(/nothing would go/);
});

// The shapes of a decoding chain fit each other, whatever the weight, its cut and its packing.

import fc from "fast-check";
import { expect, it } from "vitest";
import { packingFor } from "../../tensor/packing.js";
import type { Cut } from "../cut.js";
import { scaleMatrix } from "../cut.js";
import { decodingShapes } from "./shapes.js";

const product = (dims: readonly number[]) => dims.reduce((all, dim) => all * dim, 1);

const cuts = fc
  .record({
    dims: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 2, maxLength: 5 }),
    split: fc.nat(10),
    kind: fc.constantFrom("tensor", "channel", "middle", "block"),
    along: fc.constantFrom("rows" as const, "columns" as const),
    block: fc.integer({ min: 2, max: 20 }),
  })
  .map(({ dims, split, kind, along, block }): { dims: readonly number[]; cut: Cut } => {
    const at = 1 + (split % (dims.length - 1));
    const [rows, columns] = [product(dims.slice(0, at)), product(dims.slice(at))];
    if (kind === "tensor") {
      const columns = product(dims);
      return { dims, cut: { granularity: "tensor", rows: 1, columns, along: "columns", block: columns } };
    }
    if (kind === "channel" && along === "rows") {
      const last = dims.at(-1)!;
      const rows = product(dims) / last;
      return { dims, cut: { granularity: "channel", rows, columns: last, along, block: rows } };
    }
    if (kind === "channel") return { dims, cut: { granularity: "channel", rows, columns, along, block: columns } };
    if (kind === "middle") {
      const repeats = dims[at - 1]!;
      return { dims, cut: { granularity: "channel", rows, columns, along: "columns", block: columns, repeats } };
    }
    const size = Math.min(block, along === "rows" ? rows : columns);
    return { dims, cut: { granularity: "block", rows, columns, along, block: size } };
  });

it("gives every plane the same shape, to which scales broadcast", () => {
  fc.assert(
    fc.property(cuts, fc.constantFrom(2, 3, 4, 6, 8, 16, 32, 64, 128, 256), ({ dims, cut }, levels) => {
      const packing = packingFor(levels);
      const shapes = decodingShapes(packing, cut, dims);
      const count = product(dims);
      expect(product(shapes.view)).toBe(count);
      for (const [at, plane] of shapes.planes.entries()) {
        const { each } = packing.planes[at]!;
        expect(product(plane.table)).toBe(each);
        expect(product(plane.bytes)).toBe(Math.ceil(count / each));
        if (shapes.joined === "none") expect([...plane.bytes, ...plane.table]).toEqual(shapes.view);
        if (shapes.joined === "whole") {
          const [first] = shapes.planes;
          expect([...plane.bytes, ...plane.table]).toEqual([...first!.bytes, ...first!.table]);
        }
        expect(shapes.joined !== "apart" || shapes.padded[at] === (count % each !== 0)).toBe(true);
      }
      const [high, wide] = scaleMatrix(cut);
      expect(product(shapes.scales)).toBe(cut.granularity === "tensor" ? 1 : high * wide);
      if (shapes.spread === undefined) {
        const offset = shapes.view.length - shapes.scales.length;
        expect(offset).toBeGreaterThanOrEqual(0);
        for (const [axis, size] of shapes.scales.entries()) expect([1, shapes.view[axis + offset]]).toContain(size);
      } else expect(shapes.scales).toEqual([high, wide]);
    }),
    { numRuns: 1000 },
  );
});

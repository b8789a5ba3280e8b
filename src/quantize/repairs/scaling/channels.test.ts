// Channels followed back through operators that move values: where each number came from is where its channel is found.

import fc from "fast-check";
import { expect, it } from "vitest";
import {
  alongAxis,
  beforeBroadcast,
  beforeGather,
  beforeReshape,
  beforeTranspose,
  type ChannelMap,
  gathered,
  NONE,
  stridesOf,
  Ties,
} from "./channels.js";

const product = (sizes: readonly number[]) => sizes.reduce((all, size) => all * size, 1);

/** The channel of every number of a value. */
const spread = ({ dims, ids }: ChannelMap, sizes: readonly number[]) =>
  gathered(
    sizes,
    stridesOf(dims).map((stride, axis) => (dims[axis] === 1 ? 0 : stride)),
    ids,
  );
const counting = (sizes: readonly number[]) => Int32Array.from({ length: product(sizes) }, (_, at) => at);
const shape = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });

it("follows channels before a Transpose", () => {
  const cases = shape.chain((dims) =>
    fc.record({
      dims: fc.constant(dims),
      perm: fc.shuffledSubarray([...dims.keys()], { minLength: dims.length }),
      axis: fc.nat(dims.length - 1),
    }),
  );
  fc.assert(
    fc.property(cases, ({ dims, perm, axis }) => {
      const after = perm.map((at) => dims[at]!);
      const map = alongAxis(after.length, axis, after[axis]!);
      // Where each number of the result stood.
      const strides = stridesOf(dims);
      const from = gathered(
        after,
        perm.map((at) => strides[at]!),
        counting(dims),
      );
      const before = spread(beforeTranspose(map, perm), dims);
      expect(from.map((place) => before[place]!)).toEqual(spread(map, after));
    }),
  );
});

it("follows channels before a Reshape, or says that it cannot", () => {
  // Parts that are multiplied differently: [a, b, c, d] as any joins of neighbours, before and after.
  const cases = fc.record({
    parts: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 }),
    left: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
    right: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
    axis: fc.nat(4),
  });
  const join = (parts: readonly number[], cut: readonly boolean[]) => {
    const dims: number[] = [];
    for (const [at, size] of parts.entries()) dims.push(at > 0 && cut[at] ? dims.pop()! * size : size);
    return dims;
  };
  let followed = 0;
  fc.assert(
    fc.property(cases, ({ parts, left, right, axis }) => {
      const [before, after] = [join(parts, left), join(parts, right)];
      const at = axis % after.length;
      const map = alongAxis(after.length, at, after[at]!);
      const found = beforeReshape(map, before, after);
      if (found === undefined) return;
      followed++;
      expect(found.dims).toHaveLength(before.length);
      expect(spread(found, before)).toEqual(spread(map, after));
    }),
    { numRuns: 300 },
  );
  expect(followed).toBeGreaterThan(100);
});

it("joins and parts heads", () => {
  const joined = alongAxis(3, 2, 12);
  expect(beforeReshape(joined, [2, 5, 3, 4], [2, 5, 12])).toEqual({ dims: [1, 1, 3, 4], ids: counting([12]) });
  const parted = { dims: [1, 1, 3, 4], ids: counting([12]) };
  expect(beforeReshape(parted, [2, 5, 12], [2, 5, 3, 4])).toEqual({ dims: [1, 1, 12], ids: counting([12]) });
  // Batch and heads in one axis: the width inside can be followed, the heads cannot.
  expect(beforeReshape(alongAxis(3, 2, 4), [2, 3, 5, 4], [6, 5, 4])?.dims).toEqual([1, 1, 1, 4]);
  expect(beforeReshape({ dims: [1, 3, 1, 4], ids: counting([12]) }, [6, 5, 4], [2, 3, 5, 4])).toBeUndefined();
});

it("ties channels that one number makes", () => {
  const ties = new Ties(8);
  const heads = { dims: [1, 4, 1, 2], ids: counting([8]) };
  const gathered = beforeGather(heads, 1, [0, 0, 1, 1], 2, ties)!;
  expect(gathered).toEqual({ dims: [1, 2, 1, 2], ids: Int32Array.of(0, 1, 4, 5) });
  expect([...Array(8).keys()].map((at) => ties.root(at))).toEqual([0, 1, 0, 1, 4, 5, 4, 5]);
  const all = new Ties(4);
  expect(beforeBroadcast(alongAxis(3, 2, 4), [1], all)).toEqual({ dims: [1], ids: Int32Array.of(0) });
  expect([...Array(4).keys()].map((at) => all.root(at))).toEqual([0, 0, 0, 0]);
  // What is taken in part has no factor elsewhere; a channel without one cannot be tied to one that has.
  const part = beforeGather(alongAxis(1, 0, 2), 0, [1, 2], 4, new Ties(2))!;
  expect([...part.ids]).toEqual([NONE, 0, 1, NONE]);
  expect(beforeBroadcast(part, [1], new Ties(2))).toBeUndefined();
});

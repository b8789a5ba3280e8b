// One operator between two layers: what of the first layer's channels it lets go, and the proof of the cut.

import { expect } from "vitest";
import type { Group } from "../../../src/prune/group/group.js";
import type { Value } from "../../../src/tensor/value.js";
import { difference } from "./compare.js";
import { maskedModel } from "./masked.js";
import { type Net, net, type PatternCase } from "./parts.js";
import { drawnRemoval, grouped, provedCut } from "./proof.js";

export interface Passage {
  readonly name: string;
  /** Units that may go, by group. Default: all channels of the first layer. The second layer's are added. */
  readonly free?: (channels: number) => Readonly<Record<string, number>>;
  /** Why the first layer's channels must stay; then none are free. */
  readonly kept?: RegExp;
  readonly opset?: number;
  readonly opsets?: Readonly<Record<string, number>>;
  readonly channels?: number;
  /** The batch is free: groups found with one sample must be right for two. */
  readonly freeBatch?: boolean;
  /** Without Relu behind the first layer. */
  readonly signed?: boolean;
  /** What comes between; gives the value and its number of channels, where that is another. */
  between(n: Net, x: string, channels: number): string | readonly [value: string, channels: number];
}

const LAST = 3;

/** Convolutions over an image [2, 3, 8, 8]; `x` is [2, channels, 8, 8]. */
export function imagePassage(
  { free, kept, opset = 17, opsets, channels = 6, signed, between }: Passage,
  seed: number,
): PatternCase {
  const n = net(seed);
  const x = n.image(3, 8);
  const one = n.conv("one", "x", 3, channels);
  const passed = between(n, signed ? one : n.op("Relu", [one]), channels);
  const [y, width] = typeof passed === "string" ? [passed, channels] : passed;
  n.classify(n.conv("two", y, width, LAST, { kernel: 1 }), LAST);
  const expected = kept ? {} : (free?.(channels) ?? { "one.weight": channels });
  const options = { opset, ...(opsets && { opsets }) };
  return n.done({ x }, { ...expected, "two.weight": LAST }, kept ? { "one.weight": kept } : {}, options);
}

/** Products over a sequence [2, 5, 4]; `x` is [2, 5, channels]. */
export function sequencePassage(
  { free, kept, opset = 17, opsets, channels = 6, signed, between }: Passage,
  seed: number,
): PatternCase {
  const n = net(seed);
  n.b.input("x", "float32", ["batch", "length", 4]);
  const bytes = n.normals([2, 5, 4]).data.bytes!;
  const x = { dtype: "float32", dims: [2, 5, 4], data: new Float32Array(bytes.slice().buffer) } as const;
  const one = n.linear("one", "x", 4, channels);
  const passed = between(n, signed ? one : n.op("Relu", [one]), channels);
  const [y, width] = typeof passed === "string" ? [passed, channels] : passed;
  n.b.output(n.linear("two", y, width, LAST), "float32");
  const expected = kept ? {} : (free?.(channels) ?? { "one.weight": channels });
  const options = { opset, ...(opsets && { opsets }) };
  return n.done({ x }, expected, kept ? { "one.weight": kept } : {}, options);
}

/** Whatever is free: a cut of half of it is exact. Gives the number of units that went. */
export async function proveHalf({ model, feeds }: PatternCase, seed: number): Promise<number> {
  const grouping = await grouped(model, feeds);
  const removal = drawnRemoval(grouping, 0.5, seed);
  await provedCut(grouping, removal, feeds);
  return [...removal.values()].flat().length;
}

/** The difference for two samples of a cut by groups that were found with one, where a free batch looks like no axis at all. */
export async function freeBatchDifference({ model, feeds }: PatternCase): Promise<string | undefined> {
  const one = Object.fromEntries(Object.entries(feeds).map(([name, value]) => [name, firstSample(value)]));
  const grouping = await grouped(model, one);
  const removal = drawnRemoval(grouping, 0.5, 1);
  const { model: cut, weights } = await provedCut(grouping, removal, one);
  expect(weights.length).toBeGreaterThan(0);
  return difference(await maskedModel(grouping.model, weights), cut, feeds);
}

function firstSample({ dtype, dims, data }: Value): Value {
  return { dtype, dims: [1, ...dims.slice(1)], data: (data as Float32Array).slice(0, data.length / dims[0]!) };
}

const makes = (weight: string) => (group: Group) =>
  group.places.some((place) => place.value === weight && place.role !== "input");

/** Expects the stated reasons, and cuts of a third and of two thirds of what is free to be exact. Gives the free units by group. */
export async function provePassage({ model, feeds, kept = {} }: PatternCase): Promise<Record<string, number>> {
  const grouping = await grouped(model, feeds);
  const removable = grouping.groups.filter(({ obstacle }) => obstacle === undefined);
  for (const [weight, reason] of Object.entries(kept)) {
    const reasons = grouping.groups.filter(makes(weight)).map(({ obstacle }) => obstacle?.reason);
    expect(reasons, weight).not.toEqual([]);
    for (const one of reasons) expect(one).toMatch(reason);
  }
  for (const ratio of removable.length > 0 ? [0.34, 0.67] : []) {
    const { weights } = await provedCut(grouping, drawnRemoval(grouping, ratio, Math.round(100 * ratio)), feeds);
    expect(weights.length).toBeGreaterThan(0);
  }
  return Object.fromEntries(removable.map(({ name, units }) => [name, units]));
}

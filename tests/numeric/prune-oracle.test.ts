// What the proof of a cut must not let pass: one channel too many, the wrong half, a constant that was not folded.

import { describe, expect, test } from "vitest";
import { cutChannels } from "../../src/prune/cut/cut-channels.js";
import type { CutResult, Removal } from "../../src/prune/group/group.js";
import type { Coupled } from "../../src/prune/group/group-channels.js";
import { float32 } from "../../src/tensor/tensor.js";
import { difference } from "../support/pruning/compare.js";
import { padded, unpadded } from "../support/pruning/constant-channels.js";
import { maskedModel } from "../support/pruning/masked.js";
import { gatedConv, grouped as groupedConv, unet } from "../support/pruning/moved-channels.js";
import type { Pattern } from "../support/pruning/parts.js";
import { inception, plain, residual } from "../support/pruning/plain-networks.js";
import { foretoldMacs, grouped } from "../support/pruning/proof.js";
import { stacked } from "../support/pruning/recurrent-networks.js";
import { services } from "../support/services.js";

async function numbers(grouping: Coupled, weight: string) {
  const { dims, data } = grouping.model.graph.initializers.get(weight) as ReturnType<typeof float32>;
  return { dims, values: new Float32Array((await data.read()).slice().buffer) };
}

/** The cut model with other positions of one weight's axis kept than it has. */
async function regathered(
  grouping: Coupled,
  { model }: CutResult,
  weight: string,
  axis: number,
  kept: readonly number[],
) {
  const { dims, values } = await numbers(grouping, weight);
  const found = model.graph.initializers.get(weight)!;
  const stride = dims.slice(axis + 1).reduce((all, dim) => all * dim, 1);
  const left: number[] = [];
  for (const [at, value] of values.entries()) {
    // Other axes are those of the original: these tests cut along one only.
    if (kept.includes(Math.floor(at / stride) % dims[axis]!)) left.push(value);
  }
  const after = dims.map((dim, i) => (i === axis ? kept.length : dim));
  return { found: found.dims, model: withWeight(model, weight, float32(after, left)) };
}

const withWeight = (model: CutResult["model"], name: string, tensor: ReturnType<typeof float32>) => ({
  ...model,
  graph: { ...model.graph, initializers: new Map(model.graph.initializers).set(name, tensor) },
});

async function cutOf(pattern: Pattern, removal: Removal) {
  const { model, feeds } = pattern.make(1);
  const grouping = await grouped(model, feeds);
  const cut = await cutChannels(grouping, removal, services);
  const masked = await maskedModel(grouping.model, cut.weights);
  expect(await difference(masked, cut.model, feeds)).toBeUndefined();
  return { grouping, cut, masked, feeds };
}

const range = (count: number, without: readonly number[]) =>
  Array.from({ length: count }, (_, i) => i).filter((i) => !without.includes(i));

describe("a channel too many", () => {
  test("of the whole group", async () => {
    const { grouping, masked, feeds } = await cutOf(residual, new Map([["stem.weight", [1]]]));
    const more = await cutChannels(grouping, new Map([["stem.weight", [1, 3]]]), services);
    expect(await difference(masked, more.model, feeds)).toMatch(/\[\d+\] is/);
    expect(foretoldMacs(grouping, new Map([["stem.weight", [1, 3]]]))).toBeLessThan(
      foretoldMacs(grouping, new Map([["stem.weight", [1]]])),
    );
  });

  test("of one weight only", async () => {
    const { grouping, cut, masked, feeds } = await cutOf(plain, new Map([["two.weight", [1]]]));
    const { dims } = await numbers(grouping, "two.weight");
    const other = await regathered(grouping, cut, "two.weight", 0, range(dims[0]!, [1, 2]));
    expect(await difference(masked, other.model, feeds)).toMatch(/does not run/);
  });

  test("another one than that of its reader", async () => {
    const { grouping, cut, masked, feeds } = await cutOf(plain, new Map([["two.weight", [1]]]));
    const { dims } = await numbers(grouping, "two.weight");
    const other = await regathered(grouping, cut, "two.weight", 0, range(dims[0]!, [2]));
    expect(await difference(masked, other.model, feeds)).toMatch(/\[\d+\] is/);
  });
});

describe("the wrong part", () => {
  test("of a Concat", async () => {
    const { grouping, cut, masked, feeds } = await cutOf(inception, new Map([["two.wide.weight", [0]]]));
    const first = (await numbers(grouping, "one.weight")).dims[0]!;
    const { dims } = await numbers(grouping, "last.weight");
    const right = await regathered(grouping, cut, "last.weight", 1, range(dims[1]!, [first]));
    expect(await difference(masked, right.model, feeds)).toBeUndefined();
    const wrong = await regathered(grouping, cut, "last.weight", 1, range(dims[1]!, [0]));
    expect(wrong.found).toEqual(right.found);
    expect(await difference(masked, wrong.model, feeds)).toMatch(/\[\d+\] is/);
  });

  test("of a Concat with a skip", async () => {
    const { grouping, cut, masked, feeds } = await cutOf(unet, new Map([["up.weight", [1]]]));
    const { dims } = await numbers(grouping, "mix.weight");
    const wrong = await regathered(grouping, cut, "mix.weight", 1, range(dims[1]!, [dims[1]! - 1]));
    expect(await difference(masked, wrong.model, feeds)).toMatch(/\[\d+\] is/);
  });

  test("of a Split", async () => {
    const { grouping, cut, masked, feeds } = await cutOf(gatedConv, new Map([["both.weight", [0]]]));
    const { dims } = await numbers(grouping, "both.weight");
    const half = dims[0]! / 2;
    const right = await regathered(grouping, cut, "both.weight", 0, range(dims[0]!, [0, half]));
    expect(await difference(masked, right.model, feeds)).toBeUndefined();
    for (const gone of [
      [0, 1],
      [0, half + 1],
      [half, half + 1],
    ]) {
      const wrong = await regathered(grouping, cut, "both.weight", 0, range(dims[0]!, gone));
      expect(await difference(masked, wrong.model, feeds), String(gone)).toMatch(/\[\d+\] is/);
    }
  });

  test("of a convolution's groups", async () => {
    const { grouping, cut, masked, feeds } = await cutOf(groupedConv, new Map([["stem.weight", [0]]]));
    const { dims } = await numbers(grouping, "stem.weight");
    const gone = cut.weights.find(({ weight }) => weight === "stem.weight")!.removed;
    const wrong = await regathered(grouping, cut, "stem.weight", 0, range(dims[0]!, [...gone.slice(1), gone[0]! + 1]));
    expect(await difference(masked, wrong.model, feeds)).toMatch(/\[\d+\] is/);
  });

  test("of the gates of an LSTM", async () => {
    const { grouping, cut, masked, feeds } = await cutOf(stacked("LSTM"), new Map([["one.W", [0]]]));
    const { dims } = await numbers(grouping, "one.W");
    const right = [0, 1, 2, 3].map((gate) => (gate * dims[1]!) / 4);
    expect(
      await difference(masked, (await regathered(grouping, cut, "one.W", 1, range(dims[1]!, right))).model, feeds),
    ).toBe(undefined);
    const wrong = await regathered(grouping, cut, "one.W", 1, range(dims[1]!, [0, 1, 2, 3]));
    expect(await difference(masked, wrong.model, feeds)).toMatch(/\[\d+\] is/);
  });
});

test("a constant that no bias took", async () => {
  const { grouping, cut, masked, feeds } = await cutOf(unpadded("Sigmoid"), new Map([["one.weight", [1]]]));
  const bias = cut.model.graph.nodes.find(({ name }) => name === "two")!.inputs[2]!;
  expect(bias).not.toBe("two.bias");
  const { dims, values } = await numbers(grouping, "two.bias");
  expect(await difference(masked, withWeight(cut.model, bias, float32(dims, values)), feeds)).toMatch(/\[\d+\] is/);
});

test("a channel that must stay", async () => {
  const { model, feeds } = padded.make(1);
  const grouping = await grouped(model, feeds);
  await expect(cutChannels(grouping, new Map([["one.weight", [1]]]), services)).rejects.toThrow(/cannot be removed/);
});

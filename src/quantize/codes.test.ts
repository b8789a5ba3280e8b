// Codes that are read in one pass and in two are the same; packed planes are let go once they were pulled.

import { describe, expect, it } from "vitest";
import { graphBuilder } from "../ir/build.js";
import { inlinePool } from "../kernels/inline.js";
import { random } from "../tensor/random.js";
import { float32, type Tensor } from "../tensor/tensor.js";
import { collectWeights, type Weight } from "../weights/weights.js";
import { type CodeLayout, groupSize, groupsOf, packedCodes } from "./codes.js";
import { type Cut, channelCut, tensorCut } from "./cut.js";
import { formats } from "./formats/index.js";

const pool = inlinePool();
const workers = { kernels: async () => pool, signal: undefined };

function weightOf(tensor: Tensor, opType = "MatMul"): Weight {
  const b = graphBuilder();
  b.input("x", "float32");
  b.initializer("w", tensor);
  b.output(b.node(opType, ["x", "w"]));
  return collectWeights(b.model())[0]!;
}

const source = random(5);
const normals = (...dims: number[]) =>
  float32(
    dims,
    Float32Array.from({ length: dims.reduce((a, b) => a * b) }, () => source.normal()),
  );

const layout = (cut: Cut, name: string, more: Partial<CodeLayout> = {}): CodeLayout => ({
  cut,
  format: formats.get(name),
  symmetric: name !== "uint4",
  range: { kind: "absmax" },
  rounding: { kind: "nearest" },
  scaleFormat: "float32",
  entries: 16,
  group: 1,
  ...more,
});

async function bytesOf(weight: Weight, wanted: CodeLayout) {
  const made = packedCodes(workers, weight, wanted);
  const parts = [...made.planes, made.scales, made.zeroPoints, made.levels].filter((data) => data !== undefined);
  return Promise.all(parts.map((data) => data.read()));
}

describe("one pass and two", () => {
  // 2^21 bytes are read whole, a little more is not.
  const small = weightOf(normals(256, 2048));
  const large = { ...small, tensor: { ...small.tensor, dims: [257, 2048] } } as Weight;
  const grown: Weight = { ...large, elements: 257 * 2048 };
  const data = async () => {
    const bytes = (await small.tensor.data.read()).slice();
    // A row of zeros changes no range.
    return float32([257, 2048], [...new Float32Array(bytes.buffer), ...new Float32Array(2048)]);
  };

  it.each(["int4", "uint4", "nf4", "float6e2m3"])("give the same scales and codes: %s", async (name) => {
    const taller = { ...grown, tensor: (await data()) as Weight["tensor"] };
    for (const cut of [tensorCut, channelCut]) {
      const [one, two] = [
        await bytesOf(small, layout(cut(small), name)),
        await bytesOf(taller, layout(cut(taller), name)),
      ];
      expect(one.length).toBe(two.length);
      for (const [at, part] of one.entries())
        expect(Buffer.from(part).equals(two[at]!.subarray(0, part.length))).toBe(true);
    }
  });
});

describe("channels in the middle", () => {
  it("have scales of their own, found by any range", async () => {
    const weight = weightOf(normals(16, 12, 3, 3), "ConvTranspose");
    const cut = channelCut(weight);
    expect(cut).toMatchObject({ rows: 192, columns: 9, repeats: 12 });
    for (const range of [
      { kind: "absmax" },
      { kind: "mse", steps: 8 },
      { kind: "percentile", percentile: 90 },
    ] as const) {
      const made = packedCodes(workers, weight, layout(cut, "int4", { range }));
      const scales = new Float32Array((await made.scales!.read()).slice().buffer);
      const values = new Float32Array((await weight.tensor.data.read()).slice().buffer);
      const largest = new Float32Array(12);
      for (const [at, x] of values.entries()) {
        const channel = Math.floor(at / 9) % 12;
        largest[channel] = Math.max(largest[channel]!, Math.abs(x));
      }
      for (const [channel, scale] of scales.entries()) {
        const ratio = (Math.abs(scale) * 8) / largest[channel]!;
        if (range.kind === "absmax") expect(ratio).toBeCloseTo(1, 5);
        else expect(ratio).toBeLessThanOrEqual(1.000001);
        if (range.kind === "percentile") expect(ratio).toBeLessThan(0.95);
      }
    }
  });

  it("share codebooks in groups that divide them", () => {
    const cut = channelCut(weightOf(normals(16, 12, 3, 3), "ConvTranspose"));
    expect(groupSize(cut, 5)).toBe(4);
    expect(groupsOf({ cut, group: 5 })).toBe(3);
  });
});

describe("a computation", () => {
  it("runs once for all its planes, and lets them go", async () => {
    let reads = 0;
    const tensor = normals(64, 64);
    const { data } = tensor;
    const stream = () => {
      reads++;
      return data.stream();
    };
    const counted = { ...data, stream };
    const weight = weightOf({ ...tensor, data: counted });
    const cut = channelCut(weight);
    const made = packedCodes(workers, weight, layout(cut, "int3"));
    expect(made.planes.map(({ byteLength }) => byteLength)).toEqual([1024, 512]);
    for (const part of [...made.planes, made.scales!]) expect((await part.read()).length).toBe(part.byteLength);
    expect(await made.squaredError()).toBeGreaterThan(0);
    const first = reads;
    expect(first).toBeLessThanOrEqual(2);
    await made.scales!.read();
    expect(reads).toBe(first);
    // Pulled again it is computed again.
    await made.planes[0]!.read();
    expect(reads).toBeGreaterThan(first);
  });

  it("refuses infinities, with what to do", async () => {
    const values = new Float32Array(64 * 64).fill(1);
    values[7] = Number.POSITIVE_INFINITY;
    const weight = weightOf(float32([64, 64], values));
    const made = packedCodes(workers, weight, layout(tensorCut(weight), "int4"));
    await expect(made.planes[0]!.read()).rejects.toMatchObject({ code: "weight-not-finite", hint: expect.any(String) });
  });
});

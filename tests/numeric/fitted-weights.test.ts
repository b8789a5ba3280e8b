// Fitted codes through the quantize step: what every form computes with them on the engine, on which inputs they are fitted, what
// is refused, and that threads play no part.
// Long because every form of weights is fitted and computed.

import { describe, expect, it } from "vitest";
import type { Dataset } from "../../src/data/dataset.js";
import { run } from "../../src/engine/run.js";
import { int, ints } from "../../src/ir/attributes.js";
import { graphBuilder } from "../../src/ir/build.js";
import type { Model } from "../../src/ir/model.js";
import { toBytes } from "../../src/onnx/encode.js";
import { calibrationText } from "../../src/quantize/calibration/file.js";
import { Store } from "../../src/quantize/fitted/store.js";
import { quantizeStep } from "../../src/quantize/quantize.js";
import { random } from "../../src/tensor/random.js";
import { float32, int64 } from "../../src/tensor/tensor.js";
import type { Feeds, Value } from "../../src/tensor/value.js";
import { engineServices } from "../support/engine.js";
import { cases, one, sqnr, weight } from "../support/quantize-cases.js";
import { services } from "../support/services.js";
import { stepContext } from "../support/step-context.js";

const dataOf = (feeds: readonly Feeds[], synthetic = false): Dataset => ({
  name: "correlated",
  size: feeds.length,
  labelled: false,
  synthetic,
  metric: undefined,
  async *samples({ limit = feeds.length } = {}) {
    for (const [at, one] of feeds.slice(0, limit).entries()) yield { feeds: one, id: String(at) };
  },
  split: () => dataOf(feeds, synthetic),
});

interface Where {
  readonly target?: string;
  readonly threads?: number;
}

async function quantized(
  model: Model,
  feeds: readonly Feeds[],
  options: object,
  { target = "any", threads = 1 }: Where = {},
) {
  const context = { ...stepContext([], target), data: dataOf(feeds), threads };
  return quantizeStep.apply(model, quantizeStep.options.parse({ minimum: 16, ...options }), context);
}

/** Values whose channels (axis) go together: what is left of one the others can make good. */
function correlated(seed: number, dims: readonly number[], axis: number): Value {
  const source = random(seed);
  const inner = dims.slice(axis + 1).reduce((a, b) => a * b, 1);
  const channels = dims[axis]!;
  const outer = dims.slice(0, axis).reduce((a, b) => a * b, 1);
  const data = new Float32Array(outer * channels * inner);
  for (let i = 0; i < outer; i++) {
    for (let k = 0; k < inner; k++) {
      const shared = [source.normal(), source.normal()];
      for (let c = 0; c < channels; c++) {
        data[(i * channels + c) * inner + k] = source.normal() * 0.3 + shared[c % 2]! * (1 + (c % 5));
      }
    }
  }
  return { dtype: "float32", dims, data };
}

const outputOf = async (model: Model, feeds: Feeds) => Object.values(await run(model, feeds, services))[0]!;

/** Mean signal to noise of the outputs, dB. */
async function fidelity(model: Model, made: Model, feeds: readonly Feeds[]): Promise<number> {
  let sum = 0;
  for (const each of feeds) sum += sqnr(await outputOf(model, each), await outputOf(made, each));
  return sum / feeds.length;
}

const layers = {
  MatMul: {
    model: one((b) => b.node("MatMul", ["x", b.initializer("w", weight(80, 48))]), { x: correlated(0, [30, 80], 1) })
      .model,
    feed: (seed: number) => ({ x: correlated(seed, [30, 80], 1) }),
  },
  "MatMul of three axes": {
    model: one((b) => b.node("MatMul", ["x", b.initializer("w", weight(80, 48))]), {
      x: correlated(0, [2, 15, 80], 2),
    }).model,
    feed: (seed: number) => ({ x: correlated(seed, [2, 15, 80], 2) }),
  },
  "Gemm, both sides transposed": {
    model: one(
      (b) => {
        b.initializer("w", weight(48, 80));
        return b.node("Gemm", ["x", "w"], { attributes: { transA: int(1), transB: int(1) } });
      },
      { x: correlated(0, [80, 30], 0) },
    ).model,
    feed: (seed: number) => ({ x: correlated(seed, [80, 30], 0) }),
  },
  "Conv in groups": { model: cases.Conv!.model, feed: (seed: number) => ({ x: correlated(seed, [2, 16, 9, 9], 1) }) },
  "depthwise Conv": {
    model: one(
      (b) => {
        const attributes = { group: int(32), dilations: ints([2, 2]), strides: ints([2, 1]) };
        return b.node("Conv", ["x", b.initializer("w", weight(32, 1, 5, 5))], { attributes });
      },
      { x: correlated(0, [1, 32, 16, 16], 1) },
    ).model,
    feed: (seed: number) => ({ x: smooth(correlated(seed, [1, 32, 16, 16], 1)) }),
  },
} as const;

/** Neighbours alike, as in pictures. */
function smooth(given: Value): Value {
  const data = (given.data as Float32Array).slice();
  for (let at = 1; at < data.length; at++) data[at] = 0.9 * data[at - 1]! + 0.3 * data[at]!;
  return { ...given, data };
}

describe.each(Object.entries(layers))("%s", (_, { model, feed }) => {
  const feeds = Array.from({ length: 6 }, (_, seed) => feed(seed));
  const others = Array.from({ length: 2 }, (_, seed) => feed(100 + seed));

  it.each(["int3", "nf4"])("%s by gptq is nearer to the float outputs, also on other data", async (weights) => {
    const base = { weights, form: "extract", granularity: "block", block: 16 };
    const nearest = await fidelity(model, (await quantized(model, feeds, base)).model, others);
    for (const more of [{}, { actOrder: true }]) {
      const made = await quantized(model, feeds, { ...base, rounding: "gptq", ...more });
      expect(made.notes.filter(({ code }) => code === "fit-without-data")).toEqual([]);
      expect(await fidelity(model, made.model, others)).toBeGreaterThan(nearest + 0.5);
    }
  });
});

describe("range importance", () => {
  it("keeps what large inputs are multiplied with", async () => {
    const { model, feed } = layers.MatMul;
    const feeds = Array.from({ length: 6 }, (_, seed) => {
      const { x } = feed(seed);
      return { x: { ...x, data: (x.data as Float32Array).map((v, at) => (at % 80 < 8 ? 20 * v : v)) } };
    });
    const base = { weights: "int3", form: "extract", block: 32 };
    const squares = await quantized(model, feeds, { ...base, range: "mse" });
    const weighed = await quantized(model, feeds, { ...base, range: "importance" });
    const found = await fidelity(model, weighed.model, feeds);
    expect(found).toBeGreaterThan((await fidelity(model, squares.model, feeds)) + 1);
    // Diagonal sums alone and whole matrices say the same.
    const both = await quantized(model, feeds, { ...base, range: "importance", rounding: "gptq" });
    expect(await fidelity(model, both.model, feeds)).toBeGreaterThan(found);
  });
});

describe("forms", () => {
  const { model, feed } = layers.MatMul;
  const feeds = Array.from({ length: 3 }, (_, seed) => feed(seed));

  it.each([
    { weights: "int4", rounding: "gptq" },
    { weights: "uint4", rounding: "gptq", actOrder: true },
    { weights: "uint2", rounding: "gptq", range: "importance" },
    { weights: "int8", granularity: "block", range: "hqq" },
    { weights: "uint4", range: "importance" },
  ])("native, decoded at load and by DequantizeLinear compute the same: %o", async (options) => {
    // 80 rows: the last block is short.
    const base = { ...options, block: 32, scales: "float32" };
    const extract = (await quantized(model, feeds, { ...base, form: "extract" })).model;
    const native = (await quantized(model, feeds, { ...base, form: "native", accuracyLevel: 1 }, { target: "node" }))
      .model;
    const dequantize = (await quantized(model, feeds, { ...base, form: "dequantize" })).model;
    expect(native.graph.nodes.map(({ opType }) => opType)).toContain("MatMulNBits");
    expect(dequantize.graph.nodes.map(({ opType }) => opType)).toContain("DequantizeLinear");
    expect(await fidelity(extract, native, feeds)).toBeGreaterThan(100);
    // ONNX Runtime makes a MatMulNBits of it that rounds activations to 8 bits.
    expect(await fidelity(extract, dequantize, feeds)).toBeGreaterThan(40);
    expect(await fidelity(model, extract, feeds)).toBeGreaterThan(8);
  });

  it.each(["tensor", "channel"])("one scale a %s, of any bits", async (granularity) => {
    let last = 0;
    for (const bits of [2, 3, 6]) {
      const options = { weights: `uint${bits}`, form: "extract", granularity };
      const nearest = await fidelity(model, (await quantized(model, feeds, { ...options, range: "mse" })).model, feeds);
      const made = await quantized(model, feeds, { ...options, range: "importance", rounding: "gptq" });
      const found = await fidelity(model, made.model, feeds);
      expect(found).toBeGreaterThan(Math.max(nearest, last));
      last = found;
    }
  });

  it("blocks with scales of their own kind take fitted codes too", async () => {
    for (const weights of ["mxfp4", "nvfp4", "ternary", "float6e2m3"]) {
      const base = { weights, form: "extract" };
      const nearest = await fidelity(model, (await quantized(model, feeds, base)).model, feeds);
      const made = await quantized(model, feeds, { ...base, rounding: "gptq" });
      expect(await fidelity(model, made.model, feeds)).toBeGreaterThan(nearest);
    }
  });
});

/** Two products one after the other, the first of which is tied to a table; and one inside a function of its own. */
function chain() {
  const b = graphBuilder();
  b.input("ids", "int64", [1, 12]);
  b.initializer("table", weight(64, 96));
  b.initializer("w1", weight(96, 80));
  b.initializer("w2", weight(80, 96));
  b.initializer("shape", int64([2], [12, 96]));
  const rows = b.node("Reshape", [b.node("Gather", ["table", "ids"]), "shape"]);
  const inner = b.node("Relu", [b.node("MatMul", [rows, "w1"])]);
  const last = b.node("Tanh", [b.node("MatMul", [inner, "w2"])]);
  b.output(b.node("MatMul", [last, b.node("Transpose", ["table"], { attributes: { perm: ints([1, 0]) } })]));
  return b.model({ opset: 17 });
}

const idsOf = (seed: number): Feeds => {
  const source = random(seed);
  return {
    ids: { dtype: "int64", dims: [1, 12], data: BigInt64Array.from({ length: 12 }, () => BigInt(source.int(64))) },
  };
};

describe("models", () => {
  const model = chain();
  const feeds = Array.from({ length: 10 }, (_, seed) => idsOf(seed));

  it("of tied tables, layer after layer, at their own options", async () => {
    const base = { weights: "int4", form: "extract" };
    const nearest = await fidelity(model, (await quantized(model, feeds, base)).model, feeds);
    for (const sequential of [false, true]) {
      const { model: made, notes } = await quantized(model, feeds, { ...base, rounding: "gptq", sequential });
      expect(notes.filter(({ code }) => code === "fit-without-data")).toEqual([]);
      expect(await fidelity(model, made, feeds)).toBeGreaterThan(nearest);
    }
    const mixed = await quantized(model, feeds, {
      ...base,
      weights: "int3",
      rounding: "gptq",
      layers: [
        { match: ["embeddings", "last"], weights: "int8" },
        { match: ["w1"], range: "importance", rounding: "nearest" },
      ],
    });
    expect(mixed.notes.find(({ node }) => node === "table")?.text).toContain("int8 codes");
    const plain = await quantized(model, feeds, {
      ...base,
      weights: "int3",
      layers: [{ match: ["embeddings", "last"], weights: "int8" }],
    });
    expect(await fidelity(model, mixed.model, feeds)).toBeGreaterThan(await fidelity(model, plain.model, feeds));
  });

  it("sequential: later weights see what the earlier ones became", async () => {
    const base = { weights: "int2", form: "extract", rounding: "gptq" };
    const apart = await quantized(model, feeds, base);
    const after = await quantized(model, feeds, { ...base, sequential: true });
    const codes = async (made: Model, name: string) => {
      const found = made.graph.initializers.get(`${name}_quantized`)!;
      if (!("data" in found)) throw new Error("no codes");
      return Array.from(await found.data.read());
    };
    expect(await codes(after.model, "w2")).not.toEqual(await codes(apart.model, "w2"));
  });

  it("are the same whatever the thread count, and pulled twice", async () => {
    const wide = one((b) => b.node("MatMul", ["x", b.initializer("w", weight(320, 96))]), {
      x: correlated(0, [200, 320], 1),
    }).model;
    const given = Array.from({ length: 3 }, (_, seed) => ({ x: correlated(seed, [200, 320], 1) }));
    const options = { weights: "int4", form: "extract", rounding: "gptq", range: "importance" };
    const made = await Promise.all(
      [1, 2, 4].map(async (threads) => (await quantized(wide, given, options, { threads })).model),
    );
    const [first, ...others] = await Promise.all([...made, made[0]!].map((one) => toBytes(one)));
    for (const other of others) expect(Buffer.compare(first!, other)).toBe(0);
  });
});

describe("what cannot be", () => {
  const { model, feed } = layers.MatMul;
  const refused = (options: object, data = dataOf([feed(0)])) =>
    quantizeStep.apply(model, quantizeStep.options.parse({ minimum: 16, ...options }), { ...stepContext(), data });

  it("is refused by name", async () => {
    const made = dataOf([feed(0)], true);
    await expect(refused({ weights: "int4", rounding: "gptq" }, made)).rejects.toThrow(/gptq learns .* no data/);
    await expect(refused({ weights: "int4", range: "importance" }, made)).rejects.toMatchObject({
      code: "quantize-needs-data",
    });
    await expect(refused({ weights: "int4", rounding: "gptq" }, dataOf([]))).rejects.toMatchObject({
      code: "calibration-empty",
    });
    await expect(refused({ weights: "codebook", rounding: "gptq" })).rejects.toThrow(/rounding gptq .* codebook/);
    await expect(refused({ weights: "int4", range: "hqq", sparse: "auto" })).rejects.toThrow(/range hqq/);
    await expect(refused({ weights: "float16", rounding: "gptq" })).rejects.toThrow(/rounding/);
    await expect(refused({ weights: "int4", actOrder: true })).rejects.toThrow(/actOrder/);
    await expect(refused({ weights: "int4", damping: 0.1 })).rejects.toThrow(/damping/);
    await expect(refused({ weights: "int4", range: "hqq", sequential: true })).rejects.toThrow(/sequential/);
    await expect(refused({ weights: "int4", range: "mse", importance: "weights" })).rejects.toThrow(/importance/);
    await expect(refused({ weights: "int8", activations: "dynamic", rounding: "gptq" })).rejects.toThrow(/rounding/);
  });

  it("needs no data where none is used", async () => {
    const made = dataOf([feed(0)], true);
    for (const more of [{ range: "hqq" }, { range: "importance", importance: "weights" }]) {
      expect((await refused({ weights: "int4", ...more }, made)).model).not.toBe(model);
    }
  });

  it("is told of weights whose inputs are not known", async () => {
    const { model: recurrent, feeds } = cases.LSTM!;
    const { notes } = await quantized(recurrent, [feeds], { weights: "int4", rounding: "gptq" });
    expect(notes.find(({ code }) => code === "fit-without-data")?.text).toMatch(/LSTM .* not known/);
  });

  it("is told of weights that hold no numbers", async () => {
    const broken = float32([32, 32], new Float32Array(1024).fill(1).with(7, Number.NaN));
    const x = correlated(0, [4, 32], 1);
    const given = one((b) => b.node("MatMul", ["x", b.initializer("w", broken)]), { x }).model;
    await expect(quantized(given, [{ x }], { weights: "int4", rounding: "gptq" })).rejects.toThrow(/NaN/);
  });
});

it("codes beyond a bound are spilled, and come back as often as they are asked for", async () => {
  const own = engineServices();
  const store = new Store(() => own.temporary(), 10);
  const [small, large] = [Uint8Array.of(1, 2, 3), Uint8Array.from({ length: 1000 }, (_, at) => at)];
  try {
    const readers = [await store.keep(small), await store.keep(large)];
    for (let time = 0; time < 2; time++) {
      const [a, b] = [await readers[0]!(), await readers[1]!()];
      expect(a).toEqual(small);
      expect(b).toEqual(large);
      a.fill(0);
      b.fill(0);
    }
  } finally {
    await own.dispose();
  }
});

describe("a calibration of importance", () => {
  const { model, feed } = layers.MatMul;
  const options = { weights: "int3", form: "extract", range: "importance", minimum: 16 };
  const apply = (kept: { json?: unknown }, feeds: readonly Feeds[], given = model) =>
    quantizeStep.apply(given, quantizeStep.options.parse(options), {
      ...stepContext(),
      data: dataOf(feeds),
      calibration: {
        read: async () => kept.json,
        write: async (json: unknown) => {
          kept.json = JSON.parse(calibrationText(json));
        },
      },
    });

  it("is written, used again without the data, and refused where it is another's", async () => {
    const kept: { json?: { values: Record<string, { squares: number[] }>; model: string } } = {};
    const first = await toBytes((await apply(kept, [feed(1)])).model);
    expect(kept.json?.values.x?.squares).toHaveLength(80);
    // Other data: it is not looked at.
    const again = await toBytes((await apply(kept, [feed(2)])).model);
    expect(Buffer.compare(first, again)).toBe(0);
    const other = await toBytes((await apply({}, [feed(2)])).model);
    expect(Buffer.compare(first, other)).not.toBe(0);
    const { json } = kept;
    kept.json = { ...json!, values: { x: { squares: [1, 2] } } };
    await expect(apply(kept, [])).rejects.toMatchObject({ code: "calibration-file", found: "2" });
    kept.json = { ...json!, model: "another" };
    await expect(apply(kept, [])).rejects.toMatchObject({ code: "calibration-model" });
    await expect(apply({ json: { format: "pare calibration 1" } }, [])).rejects.toMatchObject({
      code: "calibration-file",
    });
  });
});

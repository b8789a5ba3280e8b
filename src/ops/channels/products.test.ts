// Channels through Einsum, integer and packed products, and attention with caches: a random cut equals the masked model.

import { describe, expect, it } from "vitest";
import { difference } from "../../../tests/support/pruning/compare.js";
import { input, net, type PatternCase } from "../../../tests/support/pruning/parts.js";
import { drawnRemoval, grouped, provedCut } from "../../../tests/support/pruning/proof.js";
import { services } from "../../../tests/support/services.js";
import { cutChannels } from "../../prune/cut/cut-channels.js";
import { float32, tensor } from "../../tensor/tensor.js";

const microsoft = { domain: "com.microsoft" };

async function proved({ model, feeds, free }: PatternCase): Promise<void> {
  const grouping = await grouped(model, feeds);
  const removable = grouping.groups.filter(({ obstacle }) => obstacle === undefined);
  expect(Object.fromEntries(removable.map(({ name, units }) => [name, units]))).toEqual(free);
  for (const ratio of [0.2, 0.6]) await provedCut(grouping, drawnRemoval(grouping, ratio, 7), feeds);
}

describe("Einsum", () => {
  it("hidden units between two of them", async () => {
    const n = net(1);
    const x = input(n, "x", ["batch", "length", 6], [2, 5, 6]);
    const up = n.constant("up.weight", n.normals([6, 9]));
    const hidden = n.op("Relu", [n.op("Einsum", ["x", up], { equation: "bld,df->blf" })]);
    const down = n.constant("down.weight", n.normals([7, 9]));
    n.b.output(n.op("Einsum", [hidden, down], { equation: "blf,of->blo" }), "float32", ["batch", "length", 7]);
    await proved(n.done({ x }, { "up.weight": 9 }));
  });

  it("attention heads with axes of their own", async () => {
    const n = net(2);
    const x = input(n, "x", ["batch", "length", 6], [2, 5, 6]);
    const project = (name: string) =>
      n.op("Einsum", ["x", n.constant(`${name}.weight`, n.normals([6, 3, 4]))], { equation: "bld,dhk->bhlk" });
    const scores = n.op("Einsum", [project("q"), project("k")], { equation: "bhik,bhjk->bhij" });
    const mixed = n.op("Einsum", [n.op("Softmax", [scores], { axis: -1 }), project("v")], {
      equation: "bhij,bhjk->bihk",
    });
    const out = n.constant("o.weight", n.normals([3, 4, 6]));
    n.b.output(n.op("Einsum", [mixed, out], { equation: "bihk,hkd->bid" }), "float32", ["batch", "length", 6]);
    // Heads, the width that queries share with keys, and that of the values.
    await proved(n.done({ x }, { "q.weight": 3, "q.weight#2": 4, "v.weight": 4 }));
  });
});

describe("integer products", () => {
  it("dynamically quantized layers", async () => {
    const n = net(3);
    const x = input(n, "x", ["batch", 6], [3, 6]);
    const layer = (name: string, value: string, from: number, to: number) => {
      const [codes, scale, zero] = n.b.nodes("DynamicQuantizeLinear", [value], { outputs: 3 }) as [
        string,
        string,
        string,
      ];
      const w = n.constant(`${name}.weight`, tensor("uint8", [from, to], codesOf(n.normals([from, to]).data.bytes!)));
      const wz = n.constant(`${name}.zero`, tensor("uint8", [], Uint8Array.of(128)));
      const sum = n.op("Cast", [n.op("MatMulInteger", [codes, w, zero, wz])], { to: 1 });
      const scaled = n.op("Mul", [sum, n.op("Mul", [scale, n.scalar(0.02)])]);
      return n.op("Add", [scaled, n.constant(`${name}.bias`, n.normals([to], 0.3))]);
    };
    n.b.output(layer("two", n.op("Relu", [layer("one", "x", 6, 8)]), 8, 5), "float32", ["batch", 5]);
    await proved(n.done({ x }, { "one.weight": 8 }));
  });

  it("ConvInteger", async () => {
    const n = net(4);
    const x = input(n, "x", ["batch", 3, 7, 7], [2, 3, 7, 7]);
    const layer = (name: string, value: string, from: number, to: number) => {
      const [codes, scale, zero] = n.b.nodes("DynamicQuantizeLinear", [value], { outputs: 3 }) as [
        string,
        string,
        string,
      ];
      const dims = [to, from, 3, 3];
      const w = n.constant(`${name}.weight`, tensor("uint8", dims, codesOf(n.normals(dims).data.bytes!)));
      const wz = n.constant(`${name}.zero`, tensor("uint8", [], Uint8Array.of(128)));
      const sum = n.op("ConvInteger", [codes, w, zero, wz], { pads: [1, 1, 1, 1] });
      return n.op("Mul", [n.op("Cast", [sum], { to: 1 }), n.op("Mul", [scale, n.scalar(0.02)])]);
    };
    n.b.output(layer("two", n.op("Relu", [layer("one", "x", 3, 9)]), 9, 4), "float32", ["batch", 4, 7, 7]);
    await proved(n.done({ x }, { "one.weight": 9 }));
  });

  it("rows of MatMulNBits: without a row's scale it gives nothing", async () => {
    const n = net(5);
    const x = input(n, "x", ["batch", 32], [3, 32]);
    const codes = Uint8Array.from({ length: 12 * 2 * 8 }, (_, at) => (at * 37 + 11) % 256);
    const scales = n.positive([12, 2]);
    const attributes = { K: 32, N: 12, bits: 4, block_size: 16 };
    const packed = n.b.node(
      "MatMulNBits",
      ["x", n.constant("packed.weight", tensor("uint8", [12, 2, 8], codes)), n.constant("packed.scales", scales)],
      { ...microsoft, attributes },
    );
    n.b.output(n.linear("down", n.op("Relu", [packed]), 12, 5), "float32", ["batch", 5]);
    const { model } = n.done({ x }, {}, {}, { opsets: { "com.microsoft": 1 } });
    const grouping = await grouped(model, { x });
    const group = grouping.groups.find(({ places }) => places.some(({ value }) => value === "packed.weight"));
    expect(group?.units).toBe(12);
    const removed = [0, 3, 4, 11];
    const cut = await cutChannels(grouping, new Map([[group!.name, removed]]), services);
    const zeroed = new Float32Array(scales.data.bytes!.slice().buffer);
    for (const row of removed) zeroed.fill(0, row * 2, row * 2 + 2);
    const initializers = new Map(grouping.model.graph.initializers).set("packed.scales", float32([12, 2], zeroed));
    const masked = { ...grouping.model, graph: { ...grouping.model.graph, initializers } };
    expect(await difference(masked, cut.model, { x })).toBeUndefined();
    expect(cut.model.graph.initializers.get("packed.weight")!.dims).toEqual([8, 2, 8]);
  });
});

describe("attention with grouped queries and rotary positions", () => {
  it.each([
    ["rotated inside", true],
    ["rotated before", false],
  ])("GroupQueryAttention, %s", async (_, inside) => {
    const n = net(6);
    const [heads, shared, size, length] = [4, 2, 16, 5];
    const x = input(n, "x", [1, length, 6], [1, length, 6]);
    const q = n.linear("q", "x", 6, heads * size, false);
    const k = n.linear("k", "x", 6, shared * size, false);
    const v = n.linear("v", "x", 6, shared * size, false);
    const caches = ["cos", "sin"].map((name) => n.constant(name, n.normals([length, size / 2])));
    const int32 = (name: string, dims: readonly number[], value: number) =>
      n.constant(name, tensor("int32", dims, Int32Array.of(value)));
    const last = int32("last", [1, 1], length - 1);
    const total = int32("total", [], length);
    const positions = n.b.initializer("positions", tensor("int64", [1, length], BigInt64Array.of(0n, 1n, 2n, 3n, 4n)));
    const rotated = (value: string, count: number) =>
      inside
        ? value
        : n.b.node("RotaryEmbedding", [value, positions, ...caches], {
            ...microsoft,
            attributes: { num_heads: count },
          });
    const attributes = { num_heads: heads, kv_num_heads: shared, ...(inside && { do_rotary: 1 }) };
    const inputs = [rotated(q, heads), rotated(k, shared), v, "", "", last, total, ...(inside ? caches : [])];
    const [y] = n.b.nodes("GroupQueryAttention", inputs, { ...microsoft, attributes, outputs: 3 });
    n.b.output(n.linear("o", y!, heads * size, 6), "float32", [1, length, 6]);
    await proved(n.done({ x }, { "q.weight": shared }, {}, { opsets: { "com.microsoft": 1 } }));
  });
});

/** Floats of about -3 to 3 as codes around 128. */
const codesOf = (bytes: Uint8Array) =>
  Uint8Array.from(new Float32Array(bytes.slice().buffer), (value) =>
    Math.max(0, Math.min(255, 128 + Math.round(value * 40))),
  );

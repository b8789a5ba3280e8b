// A load and save without change gives a model that is equal field by field: every portfolio model and the whole zoo.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Graph, Initializer } from "../../src/ir/model.js";
import { load } from "../../src/load.js";
import { encode, toBytes } from "../../src/onnx/encode.js";
import { save } from "../../src/save.js";
import { DTYPES } from "../../src/tensor/dtype.js";
import { decodeBytes, fixture, fixtureBytes, sameMessage } from "../support/onnx-files.js";
import { portfolioModels } from "../support/portfolio.js";

const folder = mkdtempSync(join(tmpdir(), "pare-roundtrip-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const read = async (initializer: Initializer | undefined) => {
  if (initializer === undefined || initializer.sparse) throw new Error("not a dense initializer");
  return initializer.data.read();
};

describe("the portfolio", () => {
  for (const path of portfolioModels()) {
    it(`${basename(path)} is equal after load and save`, async () => {
      const out = join(folder, basename(path));
      await save(await load(path), out);
      expect(sameMessage(readFileSync(path), readFileSync(out))).toBe(true);
    });
  }
});

describe("the zoo", () => {
  for (const name of ["types.onnx", "kinds.onnx"]) {
    it(`${name} is equal after load and save`, async () => {
      const out = join(folder, name);
      const saved = await save(await load(fixture(name)), out);
      expect(sameMessage(fixtureBytes(name), readFileSync(out))).toBe(true);
      expect(saved).toEqual({ path: out, bytes: readFileSync(out).length, files: [{ path: out, bytes: saved.bytes }] });
    });
  }

  it("every data type of ONNX 1.23 is in types.onnx, and typed fields read as raw_data does", async () => {
    const { graph } = await decodeBytes(fixtureBytes("types.onnx"));
    const found = new Set([...graph.initializers.values()].map(({ dtype }) => dtype));
    expect([...found].sort()).toEqual(Object.keys(DTYPES).sort());
    let compared = 0;
    for (const [name, initializer] of graph.initializers) {
      const raw = graph.initializers.get(name.replace(".typed.", ".raw."));
      if (!name.includes(".typed.") || raw === undefined) continue;
      expect(await read(initializer), name).toEqual(await read(raw));
      compared++;
    }
    expect(compared).toBe(27 * 3 + 3);
  });

  it("reads ranges and streams of large typed fields as it reads them whole", async () => {
    const { graph } = await decodeBytes(fixtureBytes("types.onnx"));
    for (const name of ["int64.typed.300", "float6e2m3.typed.1600", "int4.typed.2400", "float.typed.300"]) {
      const initializer = graph.initializers.get(name);
      const whole = await read(initializer);
      if (initializer === undefined || initializer.sparse) throw new Error(name);
      const pieces: number[] = [];
      for await (const piece of initializer.data.stream()) pieces.push(...piece);
      expect(pieces).toEqual([...whole]);
      expect(await initializer.data.read(100, 301)).toEqual(whole.subarray(100, 301));
    }
  });

  it("keeps strings, which need not be UTF-8", async () => {
    const { graph } = await decodeBytes(fixtureBytes("types.onnx"));
    const strings = graph.initializers.get("string");
    if (strings === undefined || strings.sparse) throw new Error("no strings");
    expect(strings.strings?.map((bytes) => [...bytes])).toEqual([[], [97], [0xc3, 0xa9], [0xff, 0]]);
  });

  it("what changes is written, and the rest survives beside it", async () => {
    const model = await decodeBytes(fixtureBytes("kinds.onnx"));
    const nodes = model.graph.nodes.map((node) => ({ ...node, name: `${node.name}!` }));
    const graph: Graph = { ...model.graph, nodes };
    const again = await decodeBytes(await toBytes({ ...model, graph }));
    expect(again.graph.nodes.map(({ name }) => name)).toEqual(["all!", "!", "!", "!"]);
    const named = again.graph.nodes.map((node) => ({ ...node, name: node.name.slice(0, -1) }));
    const back = await toBytes({ ...again, graph: { ...again.graph, nodes: named } });
    expect(sameMessage(back, fixtureBytes("kinds.onnx"))).toBe(true);
  });

  it("new data takes the place of a typed field", async () => {
    const model = await decodeBytes(fixtureBytes("types.onnx"));
    const old = model.graph.initializers.get("int16.typed.7");
    if (old === undefined || old.sparse) throw new Error("no tensor");
    const other = model.graph.initializers.get("uint16.raw.7");
    if (other === undefined || other.sparse) throw new Error("no tensor");
    const initializers = new Map(model.graph.initializers).set("int16.typed.7", { ...old, data: other.data });
    const again = await decodeBytes(await toBytes({ ...model, graph: { ...model.graph, initializers } }));
    expect(await read(again.graph.initializers.get("int16.typed.7"))).toEqual(await other.data.read());
  });
});

describe("external data", () => {
  it("is read from all files, with all keys, and may go inline or into one file", async () => {
    const model = await load(fixture("external/model.onnx"));
    const weights = fixtureBytes("external/weights.bin");
    const expected = {
      a: weights.subarray(4096, 5296),
      b: fixtureBytes("external/parts/b.bin"),
      a4: weights.subarray(8, 12),
      small: new Uint8Array(BigInt64Array.of(2n, 3n).buffer),
    };
    const check = async (path: string) => {
      const { graph } = await load(path);
      for (const [name, bytes] of Object.entries(expected)) {
        expect(await read(graph.initializers.get(name)), name).toEqual(bytes);
      }
    };
    await check(fixture("external/model.onnx"));
    expect(model.origin?.bytes).toBe(384 + 5296 + 64);
    expect(model.origin?.files.map((file) => basename(file))).toEqual(["model.onnx", "weights.bin", "b.bin"]);
    const inline = join(folder, "inline.onnx");
    expect((await save(model, inline)).files).toHaveLength(1);
    await check(inline);
    const outside = join(folder, "outside.onnx");
    const saved = await save(model, outside, { external: true });
    expect(saved.files.map(({ path, bytes }) => [basename(path), bytes])).toEqual([
      ["outside.onnx", readFileSync(outside).length],
      ["outside.onnx.data", 1200],
    ]);
    await check(outside);
  });

  it("places large weights on pages, and equal data once", async () => {
    const { graph, rest: _, ...model } = await decodeBytes(fixtureBytes("kinds.onnx"));
    const large = { dtype: "uint8", dims: [70_000] } as const;
    const data = { byteLength: 70_000, read: async () => new Uint8Array(70_000), stream: async function* () {} };
    const initializers = new Map<string, Initializer>([
      ["a", { dtype: "uint8", dims: [2000], data: { ...data, byteLength: 2000 } }],
      ["b", { ...large, data }],
      ["c", { ...large, data }],
      ["d", { ...large, data: { ...data } }],
      ["e", { dtype: "uint8", dims: [100], data: { ...data, byteLength: 100 } }],
    ]);
    const changed: Graph = { ...graph, nodes: [], initializers };
    const encoded = encode({ ...model, functions: [], graph: changed }, { external: { location: "x" } });
    expect(encoded.external?.byteLength).toBe(77_824 + 70_000);
    expect(encoded.external?.pieces.map((piece) => piece.byteLength)).toEqual([2000, 2096, 70_000, 3728, 70_000]);
  });
});

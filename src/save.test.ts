import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, expectTypeOf, it, vi } from "vitest";
import { platform } from "#platform";
import { decodeBytes, fixture, fixtureBytes, modelFile, sameMessage } from "../tests/support/onnx-files.js";
import type { ByteSink } from "./base/bytes.js";
import { failed } from "./base/errors.js";
import type { Initializer, Model } from "./ir/model.js";
import { load } from "./load.js";
import { save, saveBytes } from "./save.js";
import { bytesData, derivedData } from "./tensor/tensor.js";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pare-save-"));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});
const at = (name: string) => join(folder, name);

const bytes = (length: number, value: number): Initializer => ({
  dtype: "uint8",
  dims: [length],
  data: bytesData(new Uint8Array(length).fill(value)),
});
async function modelOf(initializers: Readonly<Record<string, Initializer>>): Promise<Model> {
  const { origin: _, ...model } = await decodeBytes(modelFile());
  return { ...model, graph: { ...model.graph, initializers: new Map(Object.entries(initializers)) } };
}
async function weight(model: Model, name: string): Promise<Uint8Array> {
  const found = model.graph.initializers.get(name);
  if (found === undefined || found.sparse) throw new Error(`no weight ${name}`);
  return found.data.read();
}
/** A model whose last weight cannot be computed. */
const broken = () =>
  modelOf({
    good: bytes(300_000, 1),
    bad: {
      dtype: "uint8",
      dims: [200_000],
      data: derivedData(200_000, async function* () {
        yield new Uint8Array(100_000);
        throw failed("test", "no more");
      }),
    },
  });

describe("save that fails", () => {
  const old = () => {
    writeFileSync(at("m.onnx"), "old model");
    writeFileSync(at("m.onnx.data"), "old data");
  };
  const untouched = () => {
    expect(readdirSync(folder).sort()).toEqual(["m.onnx", "m.onnx.data"]);
    expect(readFileSync(at("m.onnx"), "utf8")).toBe("old model");
    expect(readFileSync(at("m.onnx.data"), "utf8")).toBe("old data");
  };

  for (const external of [false, true]) {
    const form = external ? "external" : "inline";

    it(`in the middle of a weight leaves everything as it was (${form})`, async () => {
      old();
      await expect(save(await broken(), at("m.onnx"), { external })).rejects.toMatchObject({ code: "test" });
      untouched();
    });

    it(`because of a full disk leaves everything as it was (${form})`, async () => {
      old();
      const create = platform.create;
      for (const most of [0, 1, 250_000, 400_000]) {
        let written = 0;
        vi.spyOn(platform, "create").mockImplementation(async (path) => {
          const sink = await create(path);
          const write = sink.write.bind(sink);
          return Object.assign(sink, {
            async write(piece: Uint8Array) {
              written += piece.length;
              if (written > most) throw failed("disk-full", "The disk is full.");
              await write(piece);
            },
          });
        });
        const model = await modelOf({ a: bytes(200_000, 1), b: bytes(300_000, 2) });
        await expect(save(model, at("m.onnx"), { external })).rejects.toMatchObject({ code: "disk-full" });
        vi.restoreAllMocks();
        untouched();
      }
    });

    it(`by an abort leaves everything as it was (${form})`, async () => {
      old();
      const model = await modelOf({ a: bytes(200_000, 1), b: bytes(300_000, 2) });
      for (const stopAt of [1, 2, 3]) {
        const controller = new AbortController();
        let seen = 0;
        const onProgress = () => {
          if (++seen === stopAt) controller.abort(new Error("stopped"));
        };
        const saving = save(model, at("m.onnx"), { external, signal: controller.signal, onProgress });
        await expect(saving).rejects.toThrow("stopped");
        untouched();
      }
    });
  }

  it("before it begins, when the signal is already aborted", async () => {
    const model = await modelOf({});
    await expect(save(model, at("m.onnx"), { signal: AbortSignal.abort(new Error("stopped")) })).rejects.toThrow(
      "stopped",
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  it("says what is wrong with the folder or the name", async () => {
    const model = await modelOf({});
    await expect(save(model, at("none/m.onnx"))).rejects.toMatchObject({
      code: "file-missing",
      message: expect.stringContaining("none"),
    });
    await expect(save(model, folder)).rejects.toMatchObject({ name: "PareError" });
    expect(readdirSync(folder)).toEqual([]);
  });

  it("by a weight that gives fewer or more bytes than it said", async () => {
    for (const given of [99_999, 100_001]) {
      const data = derivedData(100_000, async function* () {
        yield new Uint8Array(given);
      });
      const model = await modelOf({ w: { dtype: "uint8", dims: [100_000], data } });
      await expect(save(model, at("m.onnx"))).rejects.toMatchObject({ kind: "internal" });
    }
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe("save over what is being read", () => {
  it("the input itself: the file is new and the open model reads on", async () => {
    writeFileSync(at("m.onnx"), fixtureBytes("types.onnx"));
    const model = await load(at("m.onnx"));
    const before = await weight(model, "float.raw.300");
    const changed = { ...model, producerName: "changed" };
    await save(changed, at("m.onnx"));
    await save(changed, at("m.onnx"));
    expect((await load(at("m.onnx"))).producerName).toBe("changed");
    expect(await weight(model, "float.raw.300")).toEqual(before);
    const found = model.graph.initializers.get("float.raw.300");
    if (found === undefined || found.sparse) throw new Error("lost");
    // Workers open the path themselves: it no longer leads to these bytes, so it is not offered.
    expect(found.data.span?.source.handle).toBeUndefined();
    expect(readdirSync(folder)).toEqual(["m.onnx"]);
  });

  it("the input and its data file, again and again", async () => {
    await save(await modelOf({ a: bytes(5000, 1), b: bytes(70_000, 2) }), at("m.onnx"), { external: true });
    for (let value = 3; value < 6; value++) {
      const model = await load(at("m.onnx"));
      const initializers = new Map(model.graph.initializers)
        .set("new", bytes(3000 * value, value))
        .set("b", bytes(70_000, value));
      await save({ ...model, graph: { ...model.graph, initializers } }, at("m.onnx"), { external: true });
      const again = await load(at("m.onnx"));
      expect(await weight(again, "a")).toEqual(new Uint8Array(5000).fill(1));
      expect(await weight(again, "b")).toEqual(new Uint8Array(70_000).fill(value));
      expect(await weight(again, "new")).toEqual(new Uint8Array(3000 * value).fill(value));
      expect(readdirSync(folder).sort()).toEqual(["m.onnx", "m.onnx.data"]);
    }
  });

  it("stops between any two renames with a model and data that belong together", async () => {
    const create = platform.create;
    for (let stop = 0; stop < 4; stop++) {
      await save(await modelOf({ w: bytes(5000, 1) }), at("m.onnx"), { external: true });
      let commits = 0;
      // A crash: from the given rename on, nothing happens any more, not even cleaning up.
      vi.spyOn(platform, "create").mockImplementation(async (path) => {
        const sink = await create(path);
        const commit = sink.commit.bind(sink);
        const crash = { commit: async () => (commits++ >= stop ? Promise.reject(new Error("crash")) : commit()) };
        return Object.assign(sink, crash) as ByteSink;
      });
      const saving = save(await modelOf({ v: bytes(9000, 3), w: bytes(5000, 2) }), at("m.onnx"), { external: true });
      if (stop < 3) await expect(saving).rejects.toThrow("crash");
      else await saving;
      vi.restoreAllMocks();
      const found = await load(at("m.onnx"));
      expect((await weight(found, "w"))[0], `after ${stop} renames`).toBe(found.graph.initializers.has("v") ? 2 : 1);
    }
  });

  it("replaces a symbolic link and leaves the file behind it alone", async () => {
    writeFileSync(at("real.onnx"), fixtureBytes("kinds.onnx"));
    symlinkSync("real.onnx", at("link.onnx"));
    await save({ ...(await load(at("link.onnx"))), producerName: "changed" }, at("link.onnx"));
    expect(lstatSync(at("link.onnx")).isFile()).toBe(true);
    expect(sameMessage(readFileSync(at("real.onnx")), fixtureBytes("kinds.onnx"))).toBe(true);
  });

  it("refuses to destroy the data file of the input", async () => {
    await save(await modelOf({ w: bytes(5000, 1) }), at("m.onnx"), { external: true });
    symlinkSync("m.onnx.data", at("copy.onnx.data"));
    const model = await load(at("m.onnx"));
    const data = readFileSync(at("m.onnx.data"));
    for (const [path, external] of [
      ["m.onnx.data", false],
      ["copy.onnx", true],
    ] as const) {
      await expect(save(model, at(path), { external })).rejects.toMatchObject({ code: "output-is-input-data" });
    }
    expect(readFileSync(at("m.onnx.data"))).toEqual(data);
    expect(existsSync(at("copy.onnx"))).toBe(false);
  });
});

describe("save", () => {
  it("tells how far it is, up to the whole", async () => {
    const seen: number[] = [];
    let total = 0;
    await save(await modelOf({ a: bytes(200_000, 1), b: bytes(300_000, 2) }), at("m.onnx"), {
      onProgress: (progress) => {
        seen.push(progress.done);
        total = progress.total;
      },
    });
    expect(total).toBe(readFileSync(at("m.onnx")).length);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe(total);
  });

  it("puts a model above 2 GiB into two files, and refuses it inline", async () => {
    const piece = new Uint8Array(2 ** 23);
    const data = derivedData(2 ** 31, async function* () {
      for (let at = 0; at < 2 ** 31; at += piece.length) yield piece;
    });
    const model = await modelOf({ w: { dtype: "uint8", dims: [2 ** 31], data } });
    const written = new Map<string, number>();
    vi.spyOn(platform, "create").mockImplementation(async (name) => ({
      name,
      write: async (bytes) => void written.set(name, (written.get(name) ?? 0) + bytes.length),
      finish: async () => undefined,
      commit: async () => undefined,
      abort: async () => undefined,
    }));
    await expect(save(model, at("m.onnx"), { external: false })).rejects.toMatchObject({ code: "model-too-large" });
    expect(written.size).toBe(0);
    const saved = await save(model, at("m.onnx"));
    expect(written.get(at("m.onnx.data"))).toBe(2 ** 31);
    expect(saved.files.map(({ path }) => path)).toEqual([at("m.onnx"), at("m.onnx.data")]);
    await expect(saveBytes(model)).rejects.toMatchObject({ code: "model-too-large" });
  });

  it("cuts the data into files of a size, under the names asked for, whatever stood there", async () => {
    const sizes = { a: 5000, b: 70_000, c: 2000, d: 3000 };
    const options = { external: true, dataSuffix: "_data", dataLimit: 8000 };
    for (const shift of [0, 10]) {
      const weights = Object.entries(sizes).map(([name, size], i) => [name, bytes(size, i + shift)] as const);
      const written = await save(await modelOf(Object.fromEntries(weights)), at("m.onnx"), options);
      const names = ["m.onnx", "m.onnx_data", "m.onnx_data_1", "m.onnx_data_2"];
      expect(written.files.map(({ path }) => path)).toEqual(names.map(at));
      expect(written.files.slice(1).map((file) => file.bytes)).toEqual([5000, 70_000, 2048 + 3000]);
      expect(readdirSync(folder).sort()).toEqual(names);
      const model = await load(at("m.onnx"));
      for (const [i, [name, size]] of Object.entries(sizes).entries())
        expect(await weight(model, name)).toEqual(new Uint8Array(size).fill(i + shift));
    }
  });

  it("takes file URLs, and load does too", async () => {
    const url = pathToFileURL(at("a b.onnx"));
    await save(await load(fixture("external/model.onnx")), url.href, { external: true });
    expect(readdirSync(folder).sort()).toEqual(["a b.onnx", "a b.onnx.data"]);
    expect((await load(url)).graph.initializers.size).toBe(4);
  });

  it("gives the same bytes in memory", async () => {
    const model = await load(fixture("types.onnx"));
    await save(model, at("m.onnx"));
    expect(Buffer.compare(await saveBytes(model), readFileSync(at("m.onnx")))).toBe(0);
    // A Blob of the page takes only bytes of an ordinary buffer.
    expectTypeOf(saveBytes).returns.resolves.toEqualTypeOf<Uint8Array<ArrayBuffer>>();
    expect((await load(new Blob([await saveBytes(model)]))).graph.initializers.size).toBe(
      model.graph.initializers.size,
    );
  });
});

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeHubFolder } from "../tests/support/hub-folder.js";
import { exportForTransformersJs } from "./export-for-transformers-js.js";
import { load } from "./load.js";
import { save } from "./save.js";
import { bytesData } from "./tensor/tensor.js";

let folder = "";
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "pare-export-"));
  await writeHubFolder(join(folder, "in"), "encoder-decoder");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (...names: string[]) => join(folder, ...names);

/** Every file under a folder with its bytes. */
const everything = (path: string) =>
  Object.fromEntries(
    (readdirSync(path, { recursive: true, withFileTypes: true }) as import("node:fs").Dirent[])
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((file) => [file.slice(path.length + 1), readFileSync(file).toString("base64")]),
  );

describe("a folder with encoder and decoder", () => {
  it("is written under the names that are looked for, the input untouched", async () => {
    const before = everything(at("in"));
    const { files, copied } = await exportForTransformersJs(at("in"), at("out"), { dtypes: ["q4f16", "fp32", "q8"] });
    expect(everything(at("in"))).toEqual(before);
    expect(copied).toEqual(["tokenizer.json", "tokenizer_config.json"]);
    const models = ["decoder_model_merged", "encoder_model"];
    const suffixes = ["", "_quantized", "_q4f16"];
    expect(readdirSync(at("out", "onnx")).sort()).toEqual(
      models.flatMap((model) => suffixes.map((suffix) => `${model}${suffix}.onnx`)).sort(),
    );
    expect(files.map(({ model, dtype }) => `${model} ${dtype}`)).toEqual(
      models.flatMap((model) => ["fp32", "q8", "q4f16"].map((dtype) => `${model} ${dtype}`)),
    );
    for (const { dtype, verification } of files)
      expect(verification?.verified).toBe(dtype === "fp32" ? undefined : "full");
    const { "transformers.js_config": own, ...rest } = JSON.parse(readFileSync(at("out", "config.json"), "utf8"));
    const { "transformers.js_config": _, ...given } = JSON.parse(readFileSync(at("in", "config.json"), "utf8"));
    expect(rest).toEqual(given);
    expect(own).toEqual({ dtype: "q8", use_external_data_format: false, kv_cache_dtype: { q4f16: "float16" } });
    const { graph } = await load(at("out", "onnx", "decoder_model_merged_q4f16.onnx"));
    const types = [...graph.inputs, ...graph.outputs].map(({ name, type }) => [
      name,
      type?.kind === "tensor" && type.dtype,
    ]);
    for (const [name, dtype] of types) {
      if (/past|present/.test(String(name))) expect(dtype, String(name)).toBe("float16");
      else expect(dtype, String(name)).not.toBe("float16");
    }
  });

  it("takes no dataset, which would fit one of them", async () => {
    await expect(exportForTransformersJs(at("in"), at("no"), { data: "data" })).rejects.toMatchObject({
      code: "hub-data",
    });
    expect(existsSync(at("no"))).toBe(false);
  });
});

describe("a form that is not possible", () => {
  it("is left out with the reason, and the others are written", async () => {
    await writeHubFolder(at("odd"), "classifier");
    const model = await load(at("odd", "onnx", "model.onnx"));
    // Infinite weights are no integers; float16 holds them.
    const initializers = new Map(model.graph.initializers);
    const [name, table] = [...initializers].find(([, { dims }]) => dims.length === 2)!;
    if (table.sparse) throw new Error("a dense table was made");
    const bytes = Uint8Array.from(await table.data.read());
    new DataView(bytes.buffer).setFloat32(4 * 90 * 64, Number.POSITIVE_INFINITY, true);
    const broken = { ...table, data: bytesData(bytes) };
    await save(
      { ...model, graph: { ...model.graph, initializers: initializers.set(name, broken) } },
      at("odd", "onnx", "model.onnx"),
    );
    const { files } = await exportForTransformersJs(at("odd"), at("odd.out"), { dtypes: ["fp32", "fp16", "q4"] });
    expect(files.map(({ dtype, saved }) => [dtype, saved !== undefined])).toEqual([
      ["fp32", true],
      ["fp16", expect.any(Boolean)],
      ["q4", false],
    ]);
    const { skipped, notes } = files.at(-1)!;
    expect(skipped).toMatch(/infinit/i);
    expect(notes).toMatchObject([{ level: "warning", code: "hub-skipped", node: "model_q4.onnx" }]);
    expect(readdirSync(at("odd.out", "onnx"))).not.toContain("model_q4.onnx");
  });
});

describe("what is refused before anything is written", () => {
  it.each([
    ["an unknown dtype", "in", "x", { dtypes: ["q3"] }, "hub-dtype-unknown"],
    ["a folder that is none", "nothing", "x", {}, "hub-layout"],
    ["the input as output", "in", "in", {}, "output-in-input"],
    ["a folder inside the input", "in", "in/a/b", {}, "output-in-input"],
  ])("%s", async (_, from, to, options, code) => {
    const before = readdirSync(folder, { recursive: true });
    await expect(exportForTransformersJs(at(from), at(to), options)).rejects.toMatchObject({ code });
    expect(readdirSync(folder, { recursive: true })).toEqual(before);
  });

  it("a config that is no object", async () => {
    await writeHubFolder(at("bad"), "classifier");
    writeFileSync(at("bad", "config.json"), "[]");
    await expect(exportForTransformersJs(at("bad"), at("x"))).rejects.toMatchObject({ code: "hub-config" });
    expect(existsSync(at("x"))).toBe(false);
  });
});

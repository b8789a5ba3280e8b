import { describe, expect, it } from "vitest";
import { services } from "../../tests/support/services.js";
import { stepContext } from "../../tests/support/step-context.js";
import { run } from "../engine/run.js";
import { graphBuilder } from "../ir/build.js";
import type { Model } from "../ir/model.js";
import { quantizeStep } from "../quantize/quantize.js";
import { float32, tensor } from "../tensor/tensor.js";
import { cacheNames, cacheType } from "./cache.js";
import { type HubFileFacts, hubConfig, parseConfig } from "./config.js";
import { decodeRows } from "./decode-rows.js";
import { HUB_DTYPES } from "./dtypes.js";
import { hubLayout } from "./layout.js";

describe("the layout of a folder", () => {
  const files = [
    ".git/config",
    "README.md",
    "config.json",
    "model.safetensors",
    "onnx/decoder_model_merged.onnx",
    "onnx/decoder_model_merged.onnx_data",
    "onnx/decoder_model_merged_q4.onnx",
    "onnx/encoder_model.onnx",
    "onnx/encoder_model_q4.onnx_data_1",
    "tokenizer.json",
  ];

  it("tells models, what goes along, and what stays behind with its reason", () => {
    const { models, companions, left } = hubLayout(files, "f");
    expect(models.map(({ name }) => name)).toEqual(["decoder_model_merged", "encoder_model"]);
    expect(companions).toEqual(["README.md", "tokenizer.json"]);
    expect(Object.fromEntries(left.map(({ path, reason }) => [path, reason]))).toEqual({
      ".git/config": "it is in a hidden folder",
      "model.safetensors": "transformers.js does not read it",
      "onnx/decoder_model_merged.onnx_data": "it holds weights of a model",
      "onnx/encoder_model_q4.onnx_data_1": "it holds weights of a model",
      "onnx/decoder_model_merged_q4.onnx": "it is the q4 form of decoder_model_merged.onnx",
    });
    expect(models.length + companions.length + left.length).toBe(files.length - 1);
  });

  it("takes models beside config.json where there is no onnx/", () => {
    expect(hubLayout(["config.json", "model.onnx"], "f").models).toEqual([{ name: "model", path: "model.onnx" }]);
  });

  it.each([
    [["onnx/model.onnx"], /config.json/],
    [["config.json"], /no float32 model/],
    [["config.json", "onnx/model_q4.onnx"], /no float32 model/],
  ])("refuses %j", (given, message) => {
    expect(() => hubLayout(given, "f")).toThrow(
      expect.objectContaining({ code: "hub-layout", message: expect.stringMatching(message) }),
    );
  });
});

describe("config.json", () => {
  const file = (dtype: string, dataFiles: number, cache?: string): HubFileFacts => {
    const { suffix } = HUB_DTYPES.find(({ name }) => name === dtype)!;
    return { model: "model", file: `model${suffix}.onnx`, dtype, dataFiles, cache };
  };
  const own = (config: object, ...files: HubFileFacts[]) =>
    (hubConfig({ "transformers.js_config": config }, files) as Record<string, unknown>)["transformers.js_config"];

  it("stays as it is where there is nothing to say", () => {
    const config = { model_type: "bert", more: [1] };
    expect(hubConfig(config, [file("fp32", 0), file("q4", 0)])).toEqual(config);
  });

  it("counts data files by full name, and keeps what it does not know", () => {
    const before = { dtype: "q4", other: 1, use_external_data_format: { model: true, "another.onnx": 2 } };
    expect(own(before, file("fp32", 3), file("q4", 0))).toEqual({
      dtype: "q4",
      other: 1,
      use_external_data_format: { "another.onnx": 2, "model.onnx": 3 },
    });
    expect(own({ use_external_data_format: true }, file("q4", 0))).toEqual({ use_external_data_format: false });
  });

  it("says the same for a device that has fields of its own", () => {
    const before = {
      device_config: { webgpu: { dtype: "q4f16", use_external_data_format: true }, wasm: { dtype: "q8" } },
    };
    expect(own(before, file("q4f16", 1))).toEqual({
      use_external_data_format: { "model_q4f16.onnx": 1 },
      device_config: {
        webgpu: { dtype: "q4f16", use_external_data_format: { "model_q4f16.onnx": 1 } },
        wasm: { dtype: "q8" },
      },
    });
  });

  it("names the type of a cache that is not float32", () => {
    const files = [file("fp32", 0, "float32"), file("fp16", 0, "float16")];
    expect(own({}, ...files)).toEqual({ kv_cache_dtype: { fp16: "float16" } });
    expect(own({ kv_cache_dtype: { q1: "x" } }, ...files)).toEqual({
      kv_cache_dtype: { q1: "x", fp32: "float32", fp16: "float16" },
    });
    expect(own({ kv_cache_dtype: "float16" }, ...files)).toEqual({
      kv_cache_dtype: { fp32: "float32", fp16: "float16" },
    });
    expect(own({ dtype: "q8" }, file("fp32", 0, "float32"))).toEqual({ dtype: "q8" });
  });

  it.each(["[]", "null", "{", '"text"'])("is refused when it is %s", (text) => {
    expect(() => parseConfig(text)).toThrow(expect.objectContaining({ code: "hub-config" }));
  });
});

it("a cache is known by the names of its inputs and outputs", () => {
  const b = graphBuilder();
  b.input("input_ids", "int64", [1]);
  b.input("past_key_values.0.key", "float32", [1]);
  b.input("pastime", "float32", [1]);
  for (const name of ["present.0.key", "presentation"]) {
    b.node("Identity", ["past_key_values.0.key"], { outputs: [name] });
    b.output(name, "float32", [1]);
  }
  expect(cacheNames(b.model())).toEqual(["past_key_values.0.key", "present.0.key"]);
  expect(cacheType(b.model())).toBe("float32");
});

describe("rows decoded by plain operators", () => {
  it.each([
    ["int4", "float32"],
    ["int4", "float16"],
  ] as const)("are those of GatherBlockQuantized: %s in %s", async (weights, compute) => {
    const b = graphBuilder();
    const values = Array.from({ length: 20 * 64 }, (_, at) => Math.sin(at * at));
    b.node("Gather", [b.initializer("table", float32([20, 64], values)), b.input("ids", "int64", ["n", 2])], {
      outputs: ["y"],
    });
    b.output("y", "float32", ["n", 2, 64]);
    const feeds = { ids: { dtype: "int64", dims: [2, 2], data: BigInt64Array.from([0n, 19n, -1n, 7n]) } } as const;
    let model: Model = b.model({ opset: 17 });
    const steps = [
      ...(compute === "float16" ? [{ weights: "float16" }] : []),
      { weights, form: "native", symmetric: true },
    ];
    for (const step of steps) {
      const options = quantizeStep.options.parse(step);
      model = (await quantizeStep.apply(model, options, stepContext([feeds]))).model;
    }
    const { model: plain, notes } = await decodeRows.apply(model, {}, stepContext([feeds]));
    expect(notes.map(({ code }) => code)).toEqual(["rows-decoded"]);
    expect(model.graph.nodes.map(({ opType }) => opType)).toContain("GatherBlockQuantized");
    expect(plain.graph.nodes.map(({ domain }) => domain)).not.toContain("com.microsoft");
    const [before, after] = [await run(model, feeds, services), await run(plain, feeds, services)];
    expect(after.y!.dims).toEqual([2, 2, 64]);
    expect(after.y!.data).toEqual(before.y!.data);
  });

  it("of 2 bits too, where the operator has no kernel", async () => {
    const b = graphBuilder("g");
    const codes = Uint8Array.of(0b11_10_01_00, 255, 0, 0b10_10_10_10, 0, 0, 0, 0);
    b.initializer("codes", tensor("uint8", [2, 4], codes));
    b.initializer("scales", float32([2, 1], [0.5, 1]));
    b.node("GatherBlockQuantized", ["codes", b.input("ids", "int64", []), "scales"], {
      domain: "com.microsoft",
      outputs: ["y"],
      attributes: { bits: 2, block_size: 16, gather_axis: 0, quantize_axis: 1 },
    });
    b.output("y", "float32", [16]);
    const { model } = await decodeRows.apply(
      b.model({ opset: 17, opsets: { "com.microsoft": 1 } }),
      {},
      stepContext([]),
    );
    const { y } = await run(model, { ids: { dtype: "int64", dims: [], data: BigInt64Array.from([0n]) } }, services);
    expect(Array.from(y!.data as Float32Array)).toEqual(
      [-2, -1, 0, 1, 1, 1, 1, 1, -2, -2, -2, -2, 0, 0, 0, 0].map((code) => code / 2),
    );
  });
});

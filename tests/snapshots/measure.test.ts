// measure keeps its contract: the JSON is a Report, the reference comes first, and the numbers are those of the models.

import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test, vi } from "vitest";
import { platform } from "#platform";
import type { Dataset } from "../../src/data/dataset.js";
import { graphBuilder } from "../../src/ir/build.js";
import type { Initializer, Model } from "../../src/ir/model.js";
import { load } from "../../src/load.js";
import { measure } from "../../src/measure.js";
import { metrics } from "../../src/metrics/index.js";
import { type Report, reportSchema } from "../../src/metrics/report.js";
import { float32 } from "../../src/tensor/tensor.js";

const example = fileURLToPath(new URL("../../examples/keywords", import.meta.url));
const modelPath = join(example, "model.onnx");
const folder = mkdtempSync(join(tmpdir(), "pare-measure-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The first large float weight with every second element set to zero. */
async function pruned(model: Model): Promise<Model> {
  const initializers = new Map<string, Initializer>(model.graph.initializers);
  const [name, weight] = [...initializers].find(
    ([, each]) => !each.sparse && each.dtype === "float32" && each.dims.length > 1,
  )!;
  if (weight.sparse) throw new Error("not dense");
  const bytes = (await weight.data.read()).slice();
  const values = new Float32Array(bytes.buffer);
  for (let at = 0; at < values.length; at += 2) values[at] = 0;
  initializers.set(name, float32(weight.dims, values));
  return { ...model, graph: { ...model.graph, initializers } };
}

describe("with labelled data", () => {
  const made = (async () => {
    const reference = await load(modelPath);
    const report = await measure([modelPath, await pruned(reference)], {
      data: example,
      limit: 200,
      runs: 5,
      report: join(folder, "report.html"),
    });
    return report;
  })();

  test("the JSON is a Report, with the fields of the contract", async () => {
    const report = await made;
    const read = reportSchema.strict().parse(JSON.parse(JSON.stringify(report)));
    expect(read).toEqual(report);
    expect(Object.keys(report)).toEqual(expect.arrayContaining(["pare", "machine", "seed", "data", "models"]));
    for (const row of report.models) {
      expect(Object.keys(row)).toEqual(
        expect.arrayContaining([
          ...["path", "bytes", "transfer", "parameters", "nonZero", "macs", "loadMs"],
          ...["latencyMs", "latencyRatio", "fidelity", "accuracy"],
        ]),
      );
    }
  });

  test("the reference is first and compared with nothing", async () => {
    const [reference] = (await made).models;
    expect(reference).toMatchObject({
      path: modelPath,
      bytes: statSync(modelPath).size,
      fidelity: null,
      latencyRatio: 1,
    });
    expect(reference?.parameters).toBe(reference?.nonZero);
    // Documented beside the example's source: 91.3 % on all thousand.
    expect(reference?.accuracy).toMatchObject({ metric: "top-1", samples: 200 });
    expect(reference?.accuracy?.value).toBeGreaterThan(0.85);
  });

  test("what was changed shows", async () => {
    const [reference, other] = (await made).models;
    expect(other?.parameters).toBe(reference?.parameters);
    expect(other?.nonZero).toBeLessThan(reference!.nonZero!);
    expect(other?.macs).toBe(reference?.macs);
    expect(other?.transfer.gzip).toBeLessThan(reference!.transfer.gzip!);
    expect(other?.fidelity?.cosine).toBeLessThan(1);
    expect(other?.fidelity?.samples).toBe(200);
    expect(other?.accuracy?.difference?.samples).toBe(200);
    const { low, value, high } = other!.accuracy!.difference!;
    expect(low).toBeLessThanOrEqual(value);
    expect(value).toBeLessThanOrEqual(high);
    expect(value).toBeCloseTo(other!.accuracy!.value - reference!.accuracy!.value, 9);
    expect(other?.latencyMs?.runs).toBe(5);
    expect(other?.memory?.peakBytes).toBeGreaterThan(10e6);
  });

  test("data are named, and not synthetic", async () => {
    expect((await made).data).toEqual({ name: "keywords-1000", synthetic: false, labelled: true, samples: 200 });
  });

  test("the report was written beside it", async () => {
    await made;
    expect(readFileSync(join(folder, "report.html"), "utf8")).toMatch(/^<!doctype html>/);
  });
});

describe("without data", () => {
  test("they are synthetic and marked, and equal models are equal", async () => {
    const report = await measure([modelPath, modelPath], { metrics: ["fidelity", "accuracy"], limit: 3 });
    expect(report.data).toMatchObject({ synthetic: true, labelled: false, samples: 3 });
    expect(report.models[1]?.fidelity).toMatchObject({
      cosine: 1,
      sqnrDb: null,
      maxAbs: 0,
      agreement: 1,
      verified: "full",
    });
    expect(report.models[1]?.accuracy).toBeNull();
    expect(report.models[1]?.latencyMs).toBeNull();
  });

  test("the same seed gives the same numbers, another seed others", async () => {
    const other = await pruned(await load(modelPath));
    const fidelity = async (seed: number) =>
      (await measure([modelPath, other], { metrics: ["fidelity"], limit: 2, seed, threads: 1 })).models[1]?.fidelity;
    expect(await fidelity(1)).toEqual(await fidelity(1));
    expect((await fidelity(1))?.sqnrDb).not.toBe((await fidelity(2))?.sqnrDb);
  });

  test("a model with other outputs has no fidelity, and a note says why", async () => {
    const b = graphBuilder();
    b.input("features", "float32", ["batch", 1, 49, 10]);
    b.node("Relu", ["features"], { outputs: ["something"] });
    b.output("something", "float32", ["batch", 1, 49, 10]);
    const report = await measure([modelPath, b.model()], { metrics: ["fidelity"], limit: 1 });
    expect(report.models[1]?.fidelity).toBeNull();
    expect(report.notes).toContainEqual(expect.objectContaining({ code: "not-compared", level: "warning" }));
  });

  test("models that do not fit the memory run in segments, and that is said", async () => {
    const other = await pruned(await load(modelPath));
    const report = await measure([modelPath, other], { metrics: ["fidelity", "latency"], limit: 2, memory: 100_000 });
    expect(report.models[1]?.fidelity).toMatchObject({ verified: "segments", samples: 2 });
    expect(report.models[1]?.latencyMs).toBeNull();
    expect(report.notes?.map(({ code }) => code)).toEqual(
      expect.arrayContaining(["latency-not-measured", "verified-apart"]),
    );
  });
});

describe("classes", () => {
  /** One output "y", [1, 4], that neither its name nor its operator tells to be classes. */
  const plain = (scale: number) => {
    const b = graphBuilder();
    b.input("x", "float32", [1, 4]);
    b.node("Mul", ["x", b.initializer("s", float32([1], Float32Array.of(scale)))], { outputs: ["y"] });
    b.output("y", "float32", [1, 4]);
    return b.model();
  };
  const dataset = (label: number | readonly number[]): Dataset => {
    const self: Dataset = {
      name: "listed",
      size: 3,
      labelled: true,
      synthetic: false,
      metric: undefined,
      async *samples({ limit = 3 } = {}) {
        for (let i = 0; i < limit; i++) {
          const data = Float32Array.from([0, 1, 2, 3], (x) => x * (i + 1));
          yield { feeds: { x: { dtype: "float32", dims: [1, 4], data } }, label, id: String(i) };
        }
      },
      split: () => self,
    };
    return self;
  };
  const fidelity = async (data: Dataset, memory?: number) => {
    const report = await measure([plain(1), plain(2)], { data, metrics: ["fidelity"], limit: 3, memory });
    return report.models[1]?.fidelity;
  };

  test("labels that are class indices make an output classes", async () => {
    expect(await fidelity(dataset(3))).toMatchObject({ agreement: 1, samples: 3 });
    expect(await fidelity(dataset(3), 1)).toMatchObject({ agreement: 1, verified: "segments" });
  });

  test("target numbers do not: no agreement of a regression", async () => {
    expect(await fidelity(dataset([0.5, 1, 2, 3]))).toMatchObject({ agreement: null, samples: 3 });
    expect(await fidelity(dataset([0.5, 1, 2, 3]), 1)).toMatchObject({ agreement: null, verified: "segments" });
  });
});

type Apart = { verifyApart: NonNullable<typeof platform.verifyApart> };

describe("models too large for the memory", () => {
  test("are judged in a process of their own when they have files", async () => {
    const apart = vi.spyOn(platform as Apart, "verifyApart");
    const options = { metrics: ["fidelity"], limit: 2, memory: 100_000 } as const;
    const report = await measure([modelPath, modelPath], options);
    expect(report.models[1]?.fidelity).toMatchObject({ verified: "segments", samples: 2, agreement: 1 });
    expect(apart).toHaveBeenCalledOnce();
    expect(apart.mock.calls[0]?.[0]).toMatchObject({ reference: modelPath, result: modelPath, memory: 100_000 });
    // WASM is asked for: the process apart would run on another engine.
    await measure([modelPath, modelPath], { ...options, provider: "wasm" });
    expect(apart).toHaveBeenCalledOnce();
    apart.mockRestore();
  });
});

describe("asked wrongly", () => {
  test.each([
    ["no model", [], {}, "no-models"],
    ["an unknown metric", [modelPath], { metrics: ["latencie"] }, "metric-unknown"],
    ["an unknown report form", [modelPath], { report: "report.pdf" }, "option-invalid"],
  ] as const)("%s", async (_, models, options, code) => {
    await expect(measure([...models], options as object)).rejects.toMatchObject({ code });
  });

  test("stops when it is told to", async () => {
    const controller = new AbortController();
    controller.abort(new Error("stop"));
    await expect(measure([modelPath], { signal: controller.signal })).rejects.toThrow("stop");
  });
});

test("every metric declares what it is, and fills what it shows", async () => {
  const report: Report = await measure([modelPath], { data: example, limit: 10, runs: 3 });
  for (const metric of metrics.list) {
    expect(metric.summary.length).toBeGreaterThan(10);
    const value = metric.value(report.models[0]!);
    if (metric.name === "fidelity") expect(value).toBeNull();
    else expect(value, metric.name).toBeGreaterThan(0);
  }
});

test("the published schema is that of the code", () => {
  const published: unknown = JSON.parse(
    readFileSync(new URL("../../schema/report.schema.json", import.meta.url), "utf8"),
  );
  expect(published).toMatchObject({ required: expect.arrayContaining(["pare", "machine", "models"]) });
});

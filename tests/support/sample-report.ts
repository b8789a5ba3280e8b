// A report with stable numbers, for the tests of the report forms and for looking at them.

import type { ModelReport, Report } from "../../src/metrics/report.js";

export function sampleReport(): Report {
  const layer = (name: string, before: number, after: number, half: number) => ({
    name,
    op: "Conv",
    bytes: [before, after, half],
  });
  return {
    pare: "0.1.0",
    machine: {
      platform: "linux x64, Node 20.20.0",
      cpu: "Example CPU 2.0 GHz",
      cores: 2,
      memory: 8e9,
      runtime: "onnxruntime-node 1.30.0",
    },
    seed: 0,
    data: { name: "imagenet-500", synthetic: false, labelled: true, samples: 400 },
    models: [
      {
        path: "models/squeezenet1.1.onnx",
        bytes: 4_956_208,
        transfer: { gzip: 4_601_000, brotli: 4_580_123 },
        parameters: 1_235_496,
        nonZero: 1_235_400,
        macs: 349_152_000,
        loadMs: 21.4,
        latencyMs: { median: 5.12, q1: 5.03, q3: 5.31, runs: 120 },
        latencyRatio: 1,
        latencyRatioQuartiles: { q1: 1, q3: 1 },
        memory: { baseBytes: 71e6, peakLoadBytes: 96e6, peakBytes: 118e6 },
        fidelity: null,
        accuracy: { metric: "top-1", value: 0.624, samples: 400, better: "higher" },
      },
      {
        path: "out/squeezenet1.1.pared.onnx",
        bytes: 1_281_113,
        transfer: { gzip: 1_120_300, brotli: 1_101_000 },
        parameters: 1_235_496,
        nonZero: 1_200_101,
        macs: 349_152_000,
        loadMs: 28.9,
        latencyMs: { median: 4.31, q1: 4.22, q3: 4.52, runs: 120 },
        latencyRatio: 0.841,
        latencyRatioQuartiles: { q1: 0.828, q3: 0.861 },
        memory: { baseBytes: 71e6, peakLoadBytes: 92e6, peakBytes: 114e6 },
        fidelity: {
          cosine: 0.99987,
          sqnrDb: 35.8,
          maxAbs: 0.412,
          agreement: 0.985,
          samples: 400,
          verified: "full",
          outputs: [
            { name: "prob", cosine: 0.99987, sqnrDb: 35.8, maxAbs: 0.412, agreement: 0.985 },
            { name: "features", cosine: 0.99999, sqnrDb: 47.1, maxAbs: 0.02, agreement: null },
          ],
        },
        accuracy: {
          metric: "top-1",
          value: 0.6225,
          samples: 400,
          better: "higher",
          difference: { value: -0.0015, low: -0.011, high: 0.008, samples: 400 },
        },
        notes: [
          {
            level: "info",
            code: "quantized",
            node: "fire2/squeeze",
            text: "Weights stored as uint8 codes, decoded at load.",
          },
          {
            level: "info",
            code: "quantized",
            node: "fire3/squeeze",
            text: "Weights stored as uint8 codes, decoded at load.",
          },
          {
            level: "warning",
            code: "value-out-of-range",
            node: "conv1",
            text: "Kept float: 3 weights are beyond the range.",
          },
        ],
      },
      {
        path: "out/squeezenet1.1.fp16.onnx",
        bytes: 2_489_001,
        transfer: { gzip: 2_300_100, brotli: null, estimated: true },
        parameters: 1_235_496,
        nonZero: 1_235_390,
        macs: null,
        loadMs: 24,
        latencyMs: { median: 5.2, q1: 5.05, q3: 5.4, runs: 120 },
        latencyRatio: 1.012,
        latencyRatioQuartiles: { q1: 0.99, q3: 1.03 },
        memory: null,
        fidelity: {
          cosine: 1,
          sqnrDb: 71.2,
          maxAbs: 0.0021,
          agreement: 1,
          samples: 400,
          verified: "full",
          outputs: [
            { name: "prob", cosine: 0.99999998, sqnrDb: 71.2, maxAbs: 0.0021, agreement: 1 },
            { name: "features", cosine: 1, sqnrDb: null, maxAbs: 0, agreement: null },
          ],
        },
        accuracy: {
          metric: "top-1",
          value: 0.624,
          samples: 400,
          better: "higher",
          difference: { value: 0, low: 0, high: 0, samples: 400 },
        },
      },
    ],
    settings: { provider: "cpu", threads: 2, shapes: { data: [1, 3, 227, 227] } },
    layers: [
      layer("conv1", 7_168, 7_168, 3_584),
      layer("fire2/squeeze1x1", 4_160, 1_168, 2_080),
      layer("fire2/expand3x3", 37_120, 9_664, 18_560),
      layer("fire5/expand3x3_with_a_name_that_is_too_long_to_print", 147_968, 37_888, 73_984),
      layer("fire8/expand3x3", 590_848, 149_248, 295_424),
      layer("fire9/expand3x3", 590_848, 149_248, 295_424),
      layer("conv10", 2_052_000, 520_000, 1_026_000),
    ],
    training: {
      steps: 300,
      samples: 2000,
      heldOut: 200,
      seconds: 81.4,
      metric: "top-1",
      points: Array.from({ length: 30 }, (_, i) => ({
        step: 10 * (i + 1),
        loss: i === 3 ? null : 2.3 / (1 + 0.2 * i) + 0.05 * (i % 3),
        learningRate: 0.001 * (1 - i / 30),
        heldOutLoss: i % 5 === 4 ? 2.4 / (1 + 0.17 * i) : null,
        metric: i % 5 === 4 ? 0.4 + 0.007 * i : null,
      })),
    },
    tables: [
      {
        title: "Forms tried",
        columns: ["Form", "Bytes", "Cosine", "Chosen"],
        rows: [
          ["int8 dynamic", 1_290_000, 0.9991, "no: slower on wasm"],
          ["int8 stored", 1_281_113, 0.99987, "yes"],
        ],
      },
    ],
    notes: [{ level: "info", code: "note", text: "The first sample's shapes were used for latency." }],
  };
}

/** A model of which nothing was measured. */
export const emptyRow: ModelReport = {
  path: "a.onnx",
  bytes: 0,
  transfer: { gzip: null, brotli: null },
  parameters: null,
  nonZero: null,
  macs: null,
  loadMs: null,
  latencyMs: null,
  latencyRatio: null,
  fidelity: null,
  accuracy: null,
};

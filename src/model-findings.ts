// What stops or slows a model as a whole on a target: versions, size, and element types at its boundary.

import { SESSION_FACTOR, weightBytes } from "./engine/weight-bytes.js";
import type { Model, ValueInfo } from "./ir/model.js";
import { everyGraph, everyNode } from "./ir/traverse.js";
import type { CheckFinding } from "./metrics/checked.js";
import { readsSparse, type Target } from "./targets/target.js";
import type { DType } from "./tensor/dtype.js";

/** Element types that JavaScript tensors of ONNX Runtime cannot hold (js/common/lib/tensor.ts). */
const NO_TENSOR: readonly DType[] = [
  "bfloat16",
  "complex64",
  "complex128",
  "float8e4m3fn",
  "float8e4m3fnuz",
  "float8e5m2",
  "float8e5m2fnuz",
  "float8e8m0",
  "float4e2m1",
  "float6e2m3",
  "float6e3m2",
  "int2",
  "uint2",
];

export function modelFindings(model: Model, target: Target, fallsBack: boolean): readonly CheckFinding[] {
  return [
    ...versions(model, target),
    ...size(model, target),
    ...boundary(model),
    ...sparse(model, target),
    ...shaders(model, target),
    ...(fallsBack ? [capture()] : []),
  ];
}

function versions(model: Model, target: Target): CheckFinding[] {
  const found: CheckFinding[] = [];
  const opset = model.opsets.get("") ?? model.opsets.get("ai.onnx") ?? 0;
  if (opset > target.opset) {
    found.push({
      code: "opset-newer",
      verdict: "will-not-run",
      reason: `the model states opset ${opset}, and the runtime there loads up to ${target.opset}`,
      change: `export it with opset ${target.opset} or lower, or use a newer runtime`,
    });
  }
  if (model.irVersion > target.irVersion) {
    found.push({
      code: "ir-newer",
      verdict: "will-not-run",
      reason: `the model states IR version ${model.irVersion}, and the runtime there loads up to ${target.irVersion}`,
      change: 'pare writes the lowest version that holds: pare compress <model> --recipe \'[{"method":"clean"}]\'',
    });
  }
  return found;
}

function size(model: Model, target: Target): CheckFinding[] {
  const weights = weightBytes(model.graph);
  const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  if (weights <= target.heapLimit / SESSION_FACTOR) return [];
  const surely = weights > target.heapLimit;
  const change = `pare quantize <model> --weights int4 --target ${target.name}`;
  return [
    {
      code: "heap-limit",
      verdict: surely ? "will-not-run" : "slow",
      reason: surely
        ? `its weights take ${gib(weights)}, the heap there holds ${gib(target.heapLimit)}`
        : `its weights take ${gib(weights)}: loading takes about ${SESSION_FACTOR} times that, and the heap there holds ${gib(target.heapLimit)}`,
      change,
    },
  ];
}

function boundary({ graph }: Model): CheckFinding[] {
  const given = graph.inputs.filter(({ name }) => !graph.initializers.has(name));
  return [...given, ...graph.outputs].flatMap((port): CheckFinding[] => {
    const dtype = dtypeOf(port);
    if (dtype === undefined || !NO_TENSOR.includes(dtype)) return [];
    return [
      {
        code: "no-tensor-type",
        verdict: "will-not-run",
        reason: `${port.name} is ${dtype}, which has no tensor in JavaScript`,
        change: "give and take float32, with a Cast inside the model",
      },
    ];
  });
}

function sparse(model: Model, target: Target): CheckFinding[] {
  const stored = [...everyGraph(model)].flatMap(({ initializers }) =>
    [...initializers].filter(([, one]) => one.sparse),
  );
  if (stored.length === 0) return [];
  const finding = {
    reason: `${stored.length} weights (${stored[0]![0]} ...) are sparse_initializer, which builds of onnxruntime-web that hold WebGPU do not read`,
    change: `start from the float model: pare quantize <float model> --sparse gaps --target ${target.name}`,
  };
  if (!target.runtimes.every(readsSparse)) return [{ code: "sparse-initializer", verdict: "will-not-run", ...finding }];
  if ((target.builds ?? []).every(readsSparse)) return [];
  return [{ code: "not-in-every-build", verdict: "runs", ...finding }];
}

const dtypeOf = ({ type }: ValueInfo): DType | undefined => (type?.kind === "tensor" ? type.dtype : undefined);

/** float16 values, or weights that more than a Cast reads: WebGPU computes with them where the adapter can. */
function shaders(model: Model, target: Target): CheckFinding[] {
  if (target.runtimes.every(({ providers }) => providers[0] !== "webgpu")) return [];
  const readers = [...everyNode(model)].filter(({ opType }) => opType !== "Cast");
  const read = new Set(readers.flatMap(({ inputs }) => inputs));
  const half = [...everyGraph(model)].some((graph) =>
    [
      ...[...graph.inputs, ...graph.outputs, ...graph.valueInfo.values()].map(dtypeOf),
      // Stored in float16 and cast to float32, it is decoded on the CPU, when the model is loaded.
      ...[...graph.initializers].filter(([name]) => read.has(name)).map(([, { dtype }]) => dtype),
    ].includes("float16"),
  );
  if (!half) return [];
  return [
    {
      code: "needs-shader-f16",
      verdict: "runs",
      reason: "float16 needs the WebGPU feature shader-f16, which not every adapter has (software adapters have none)",
      change: 'ask adapter.features.has("shader-f16") in the page, and keep a float32 file for the others',
    },
  ];
}

const capture = (): CheckFinding => ({
  code: "no-graph-capture",
  verdict: "runs",
  reason: "with nodes that fall back, enableGraphCapture cannot be used",
  change: null,
});

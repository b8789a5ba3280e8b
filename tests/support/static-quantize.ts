// Static quantization of small graphs in tests: the result, its plan, what the runtime fused, and how far it is from what its
// own scales allow.

import type { Note } from "../../src/base/note.js";
import { openSession } from "../../src/engine/session.js";
import type { Model } from "../../src/ir/model.js";
import { type QuantizeOptions, quantizeOptions } from "../../src/quantize/schema.js";
import { chooseScheme } from "../../src/quantize/schemes/index.js";
import { type FusedReport, fusedReport } from "../../src/quantize/static/fused.js";
import { planStatic } from "../../src/quantize/static/plan.js";
import { prepareStatic } from "../../src/quantize/static/prepare.js";
import { targets } from "../../src/targets/index.js";
import type { Feeds, Value } from "../../src/tensor/value.js";
import { engineServices } from "./engine.js";
import { stepContext } from "./step-context.js";

export interface StaticResult {
  readonly model: Model;
  readonly notes: readonly Note[];
  readonly plan: ReturnType<typeof planStatic>;
}

export async function quantizeStatic(
  model: Model,
  feeds: readonly Feeds[],
  options: Partial<QuantizeOptions> = {},
  target = "any",
): Promise<StaticResult> {
  const stated = { activations: "uint8", activationRange: "min-max", repair: ["none"], ...options };
  const context = stepContext(feeds, target);
  const { scheme, settings } = chooseScheme(quantizeOptions.parse(stated), targets.get(target));
  const { model: result, notes } = await scheme.apply(model, settings, context);
  const plan = planStatic((await prepareStatic(model, settings)).model, settings, targets.get(target));
  return { model: result, notes, plan };
}

export async function fusedOf({ model, plan }: StaticResult): Promise<FusedReport> {
  const services = engineServices();
  try {
    return (await fusedReport(model, plan, services))!;
  } finally {
    await services.dispose();
  }
}

/** The outputs of a model, as the runtime fuses it or (`simulated`) with every pair computed in float. */
export async function outputsOf(
  model: Model,
  feeds: Feeds,
  { simulated = false, runtime = "native" as "native" | "wasm" } = {},
): Promise<Record<string, Value>> {
  const services = engineServices({}, runtime);
  const config = simulated ? { "session.disable_quant_qdq": "1" } : {};
  const session = await openSession(model, services, {
    config,
    threads: 1,
    ...(simulated && { optimize: "off" as const }),
  });
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

/** The largest difference of two outputs. */
export function farthest(a: Value, b: Value): number {
  const [x, y] = [a.data as Float32Array, b.data as Float32Array];
  let most = 0;
  for (let i = 0; i < x.length; i++) most = Math.max(most, Math.abs(x[i]! - y[i]!));
  return most;
}

/** The scale of the pair that gives a value. */
export async function scaleOf(model: Model, value: string): Promise<number> {
  const node = model.graph.nodes.find(({ opType, outputs }) => opType === "DequantizeLinear" && outputs[0] === value);
  const scale = model.graph.initializers.get(node?.inputs[1] ?? "");
  if (scale === undefined || scale.sparse) throw new Error(`no pair gives ${value}`);
  const bytes = await scale.data.read();
  return new DataView(bytes.buffer, bytes.byteOffset).getFloat32(0, true);
}

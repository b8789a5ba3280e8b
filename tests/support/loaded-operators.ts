// Which operators are left of a model once ONNX Runtime has loaded it: what is decoded at load is gone by then.

import fs, { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ort from "onnxruntime-web";
import { openSession } from "../../src/engine/session.js";
import type { Model } from "../../src/ir/model.js";
import { everyNode } from "../../src/ir/traverse.js";
import { load } from "../../src/load.js";
import { toBytes } from "../../src/onnx/encode.js";
import type { Feeds } from "../../src/tensor/value.js";
import { services } from "./services.js";

/** onnxruntime-node: those of the graph as it saves it after optimisation, both branches of an If among them; sorted. */
export async function cpuOperators(model: Model): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "pare-loaded-"));
  try {
    const optimizedPath = join(folder, "optimized.onnx");
    const session = await openSession(model, services, { optimizedPath });
    await session.release();
    const left = await load(new Uint8Array(readFileSync(optimizedPath)));
    return [...everyNode(left)].map(({ opType }) => opType).sort();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export interface WasmRun {
  /** Operators of the nodes that ran, in their order, by the runtime's own profile. */
  readonly operators: readonly string[];
  readonly outputs: Readonly<Record<string, Float32Array>>;
}

/**
 * onnxruntime-web in Node. It writes no optimised model, since it has no files, but prints the profile of its runs.
 * Only float32 outputs.
 */
export async function wasmRun(model: Model, feeds: Feeds): Promise<WasmRun> {
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(await toBytes(model), { enableProfiling: true });
  const own = Object.fromEntries(
    Object.entries(feeds).map(([name, { dtype, dims, data }]) => [
      name,
      new ort.Tensor(dtype as "float32", data as Float32Array, dims),
    ]),
  );
  const found = await session.run(own);
  const lines = printed(() => session.endProfiling());
  await session.release();
  const operators = lines.flatMap((line) => /"cat" : "Node".*"op_name" : "(\w+)"/.exec(line)?.[1] ?? []);
  const outputs = Object.entries(found).map(([name, { data }]) => [name, data as Float32Array] as const);
  return { operators, outputs: Object.fromEntries(outputs) };
}

/** What the WASM module prints meanwhile: in Node it writes lines straight to the standard output. */
function printed(work: () => void): string[] {
  const lines: string[] = [];
  const { writeSync } = fs;
  fs.writeSync = ((_: number, text: string) => {
    lines.push(text);
    return text.length;
  }) as typeof writeSync;
  try {
    work();
  } finally {
    fs.writeSync = writeSync;
  }
  return lines;
}

/** Throws unless onnxruntime-node is rid of all decoding nodes once it has loaded `made`: what is left is what `float` has. */
export async function foldsAsFloat(float: Model, made: Model): Promise<void> {
  const [left, own] = [await cpuOperators(made), await cpuOperators(float)];
  if (left.join() !== own.join()) throw new Error(`left: ${left.join(", ")}; of the float model: ${own.join(", ")}`);
}

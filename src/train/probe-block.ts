// Which block of channels ONNX Runtime's blocked convolutions have on this machine: found out by comparing one with the plain
// convolution, because a wrong block gives wrong numbers and no error.

import { PareError } from "../base/errors.js";
import { type EngineServices, withSession } from "../engine/session.js";
import { graphBuilder } from "../ir/build.js";
import { random } from "../tensor/random.js";
import { int64 } from "../tensor/tensor.js";
import type { Value } from "../tensor/value.js";
import { BLOCKED_DOMAIN } from "./blocked.js";

/** AVX-512, then AVX2 and NEON. */
const BLOCKS = [16, 8] as const;
const CHANNELS = 16;
const SIZE = 5;

/** The block, or 0 where the runtime has no blocked convolutions (WASM, WebGPU) or none of these. */
export async function probeBlock(services: EngineServices): Promise<number> {
  for (const block of BLOCKS) if (await agrees(block, services)) return block;
  return 0;
}

async function agrees(block: number, services: EngineServices): Promise<boolean> {
  const b = graphBuilder();
  const x = [1, CHANNELS, SIZE, SIZE];
  const w = [CHANNELS, CHANNELS, 3, 3];
  b.input("x", "float32", x);
  b.input("w", "float32", w);
  const attributes = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
  b.node("Conv", ["x", "w"], { outputs: ["plain"], attributes });
  const ints = (name: string, values: readonly number[]) => b.initializer(name, int64([values.length], values));
  const split = b.node("Reshape", ["w", ints("split", [CHANNELS / block, block, CHANNELS / block, block, 3, 3])]);
  const moved = b.node("Transpose", [split], { attributes: { perm: [0, 2, 4, 5, 3, 1] } });
  const filter = b.node("Reshape", [moved, ints("whole", w)]);
  const domain = BLOCKED_DOMAIN;
  const data = b.node("ReorderInput", ["x"], { domain });
  const y = b.node("Conv", [data, filter], { domain, attributes });
  b.node("ReorderOutput", [y], { domain, attributes: { channels: CHANNELS }, outputs: ["blocked"] });
  for (const name of ["plain", "blocked"]) b.output(name, "float32", x);
  const { next } = random(1);
  const drawn = (dims: readonly number[]): Value => {
    const count = dims.reduce((all, one) => all * one, 1);
    return { dtype: "float32", dims, data: Float32Array.from({ length: count }, () => next() - 0.5) };
  };
  const feeds = { x: drawn(x), w: drawn(w) };
  try {
    const model = b.model({ opset: 21, opsets: { [domain]: 1 } });
    const found = await withSession(model, services, {}, (session) => session.run(feeds));
    const plain = found.plain!.data as Float32Array;
    const other = found.blocked!.data as Float32Array;
    return plain.every((value, at) => Math.abs(value - other[at]!) < 1e-4);
  } catch (error) {
    if (error instanceof PareError && error.code.startsWith("engine-")) return false;
    throw error;
  }
}

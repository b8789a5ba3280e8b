// Where a model will run, and what is fast there. The measurements behind each choice stand beside it.

import type { Method } from "../base/registry.js";

export interface Target extends Method {
  /** Native operators with a fast kernel there. Everything else is stored self-extracting. */
  readonly fast: {
    /** Bit widths for which MatMulNBits is at least as fast as float, with the accuracy_level that makes it so. */
    readonly matMulNBits: readonly { readonly bits: number; readonly accuracyLevel: number }[];
    readonly gatherBlockQuantized: boolean;
    /** DynamicQuantizeLinear + MatMulInteger / ConvInteger. */
    readonly dynamicInt8: boolean;
    /** float16 arithmetic without casts back to float32. */
    readonly float16: boolean;
  };
  /** Engines of `platform` that show how fast a form is there: the native one, onnxruntime-web's WASM, or neither here. */
  readonly timedOn: readonly ("native" | "wasm")[];
  /**
   * Whether a CPU there may saturate sums of uint8 x int8 products (x64 without VNNI): int8 weights of dynamic layers
   * then stay within 7 bits.
   */
  readonly saturates: boolean;
  /** Largest heap of the runtime there, bytes; infinite where it is the machine's memory. */
  readonly heapLimit: number;
}

export const defineTarget = (target: Target): Target => Object.freeze(target);

// Where a model will run, and what is fast there. The measurement behind each choice stands beside it, in `why`.

import type { Method } from "../base/registry.js";
import type { DType } from "../tensor/dtype.js";
import type { ProviderName } from "./support/kernels.js";

/** A pair of types of QDQ int8: activations, then weights. */
export type StaticInt8 = "U8S8" | "U8U8" | "S8S8";

/** One runtime that a target stands for, and the providers that it asks for each node, in order. */
export interface TargetRuntime {
  /** As people call it: "onnxruntime-node", "onnxruntime-web". */
  readonly name: string;
  /** The first with a kernel runs the node; the last is where what the others lack falls back to. */
  readonly providers: readonly [ProviderName, ...ProviderName[]];
  /** What its build leaves out: a domain with all its operators, or one operator ("com.microsoft:GatherBlockQuantized"). */
  readonly lacks?: readonly string[];
}

/** A condition on the shape of a weight, without which a packed kernel runs but is not the fast one. */
export interface Alignment {
  readonly form: keyof Target["fast"];
  /** The reduced dimension must be a multiple of this. */
  readonly k?: number;
  /** The output dimension must be a multiple of this. */
  readonly n?: number;
  /** Block sizes that the fast kernel takes. */
  readonly block?: readonly number[];
  readonly why: string;
}

export interface Target extends Method {
  /** Native forms with a fast kernel there. Everything else is stored self-extracting. */
  readonly fast: {
    /**
     * Bit widths for which MatMulNBits is about as fast as float or faster, with the accuracy_level that makes it so, and
     * for how many rows of activations: "few" (8 at most: a token or some) or any number.
     */
    readonly matMulNBits: readonly {
      readonly bits: 2 | 4 | 8;
      readonly accuracyLevel: number;
      readonly rows: "few" | "any";
    }[];
    readonly matMulBnb4: boolean;
    readonly gatherBlockQuantized: boolean;
    /** Element types of constant weights that a DequantizeLinear makes float at (nearly) no cost at every run. */
    readonly dequantizeLinear: readonly DType[];
    /** DynamicQuantizeLinear + MatMulInteger, for products and recurrent layers. */
    readonly dynamicInt8: boolean;
    /** DynamicQuantizeLinear + ConvInteger with uint8 weights. */
    readonly dynamicInt8Conv: boolean;
    /** QDQ int8: types of activations and weights with a fused integer kernel, best first; empty: none. */
    readonly staticInt8: readonly StaticInt8[];
    /** float16 arithmetic without casts back to float32. */
    readonly float16: boolean;
  };
  /** For each row of `fast`: why, in one sentence, with the measured figure where there is one. */
  readonly why: Readonly<Record<keyof Target["fast"], string>>;
  /** Shapes that the packed kernels want to be fast there. */
  readonly alignment: readonly Alignment[];
  /** Highest version of the default domain that the runtime there loads. */
  readonly opset: number;
  /** Highest ir_version that the runtime there loads. */
  readonly irVersion: number;
  /** Engines of `platform` that show how fast a form is there: the native one, onnxruntime-web's WASM, or neither here. */
  readonly timedOn: readonly ("native" | "wasm")[];
  /**
   * Whether a CPU there may saturate sums of uint8 x int8 products (x64 without VNNI): int8 weights of dynamic layers
   * then stay within 7 bits.
   */
  readonly saturates: boolean;
  /** Largest heap of the runtime there, bytes; infinite where it is the machine's memory. */
  readonly heapLimit: number;
  /** Runtimes in which a model must run to run "there"; the operators they have are in `support/`. */
  readonly runtimes: readonly [TargetRuntime, ...TargetRuntime[]];
  /**
   * Builds that may be loaded there instead, with fewer kernels: what they lack is told, and does not keep a model from
   * running there.
   */
  readonly builds?: readonly TargetRuntime[];
}

/** onnxruntime-web with WebGPU in its build, asked for WebAssembly alone. */
export const WEBGPU_BUILD: TargetRuntime = {
  name: "the build of onnxruntime-web that holds WebGPU (transformers.js loads it for device wasm too)",
  providers: ["webgpu-wasm"],
  // WebGPU runs it in the sessions that its table was made with.
  lacks: ["ai.onnx.ml", "com.microsoft:GatherBlockQuantized"],
};

export const defineTarget = (target: Target): Target => Object.freeze(target);

/** Builds of onnxruntime-web that hold WebGPU read no sparse_initializer. Proved in Chromium: the session fails, as if the weight were missing. */
export const readsSparse = ({ providers }: TargetRuntime): boolean => !providers.includes("webgpu-wasm");

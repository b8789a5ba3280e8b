// What the bench finds, as it stands in bench/results/targets.json.

import type { Timed } from "./runner.js";

export interface Row extends Partial<Omit<Timed, "output">> {
  /** "node-1", "wasm-2", "webgpu": the number is threads. */
  readonly place: string;
  readonly model: string;
  readonly form: string;
  readonly bytes?: number | undefined;
  /** Of the first output against float32 in Node; null: equal; -999: not a number. */
  readonly sqnrDb?: number | null;
  /** Nodes by operator that a WebGPU session left to the CPU. */
  readonly onCpu?: Readonly<Record<string, number>>;
  readonly failed?: string;
}

export interface Results {
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly node: string;
    readonly onnxruntimeNode: string;
    readonly onnxruntimeWeb: string;
    readonly python: string;
    readonly chromium: string;
    readonly adapter: string;
    readonly float16Adapter: boolean;
  };
  readonly models: readonly { readonly name: string; readonly what: string; readonly bytes: number }[];
  readonly rows: readonly Row[];
}

/** Within this of float nothing is called slower: the bar that self-extracting weights must meet. */
const SAME = 1.05;

/** Slower than float beyond what a busy machine explains: three quarters of the rounds say so, and the fastest runs too. */
export const slower = ({ low, best }: Row): boolean => low !== undefined && low > SAME && (best ?? low) > SAME;

export const number = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);

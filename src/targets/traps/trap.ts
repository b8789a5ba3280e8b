// What a trap is: a node that a kernel takes by its version and types, but not as fast as another form of it would run, or
// that fails by one of its attributes.

import type { Method } from "../../base/registry.js";
import type { NodeView } from "../node-view.js";
import type { ProviderName } from "../support/kernels.js";
import type { Target } from "../target.js";

/** Where a node runs, as the placement found. */
export interface TrapSite {
  readonly view: NodeView;
  readonly target: Target;
  readonly provider: ProviderName;
  /** Runs in float32 between casts that the runtime inserts. */
  readonly casts: boolean;
}

export interface Caught {
  /** Default "slow". */
  readonly verdict?: "slow" | "will-not-run";
  /** One or two sentences: what is slow, with the measured figure where there is one. */
  readonly reason: string;
  /** What to do instead, a command where pare can do it. */
  readonly change: string;
}

export interface Trap extends Method {
  /** Operators that it looks at, as "OpType" or "domain:OpType"; absent: all. */
  readonly operators?: readonly string[];
  find(site: TrapSite): Caught | undefined;
}

export const defineTrap = (trap: Trap): Trap => Object.freeze(trap);

/** Constants of fewer elements are not worth a word: a run of them takes microseconds. */
export const SMALL = 4096;

export const elementsOf = (dims: readonly number[]): number => dims.reduce((all, dim) => all * dim, 1);

/** Providers whose kernels are those of ONNX Runtime's CPU provider. */
export const onCpu = (provider: ProviderName): boolean =>
  provider === "cpu" || provider === "wasm" || provider === "webgpu-wasm";

// A native form: an operator of the runtime that reads a weight in few bits at every run.

import type { Note } from "../../base/note.js";
import type { Method } from "../../base/registry.js";
import type { Model } from "../../ir/model.js";
import type { Target } from "../../targets/target.js";
import type { Weight } from "../../weights/weights.js";
import type { Workers } from "../computation.js";
import type { Settings } from "../options.js";
import type { Edits, Parts } from "../rewrite.js";

export const MICROSOFT = "com.microsoft";

/** A row of a target's table: what is fast there, and why. */
export type TargetRow = keyof Target["fast"];

/** The row of a target that says that a form is slower than float there. */
export interface Against {
  readonly row: TargetRow;
  /** It is fast for few rows of activations, and the weight is multiplied with many, or the file does not say how many. */
  readonly rows?: "many" | "unknown";
}

/** One weight, where how it is used may matter. */
export interface Use {
  readonly weight: Weight;
  readonly model: Model;
}

/** What a native form made of a weight. */
export interface NativeResult {
  /** For foresight and reports: "int4-native". */
  readonly what: string;
  /** What is in the file for it. */
  readonly bytes: number;
  readonly notes: readonly Note[];
}

/** A weight that can be read so: what it needs of the model, and how it is done. */
export interface NativePlan {
  /** Operators that will read it. */
  readonly operators: readonly NativeForm["name"][];
  /** Lowest opset of the default domain. */
  readonly opset: number;
  /** Opset of com.microsoft that must be imported; 0: none. */
  readonly microsoft: 0 | 1;
  /** Conditions of the target's fast kernel that the weight does not meet: it runs, but slower. */
  readonly misaligned: readonly string[];
  /** The row of the target that says that it is slower than float there: it was asked for all the same. */
  readonly slow?: TargetRow | undefined;
  /** Edits the graph; called at most once. Weights are read when the edited model is. */
  pack(edits: Edits, workers: Workers): NativeResult;
}

export interface NativeForm extends Method {
  readonly name: "MatMulNBits" | "GatherBlockQuantized" | "MatMulBnb4" | "DequantizeLinear";
  /** What it reads, for messages. */
  readonly reads: string;
  /** Whether the options ask for codes that it reads, whatever the target. */
  serves(settings: Settings): boolean;
  /** What speaks against it there, for this weight where one is given; undefined: it is fast, at least for some weights. */
  slow(settings: Settings, target: Target, use?: Use): Against | undefined;
  /** Why it cannot read a weight with these settings, or what it would make of it. */
  plan(weight: Weight, settings: Settings, target: Target): NativePlan | { readonly obstacle: string };
}

export const defineNativeForm = (form: NativeForm): NativeForm => Object.freeze(form);

/** Bytes of constants in the file. */
export const bytesOf = (parts: Parts): number =>
  parts.reduce((sum, [, part]) => sum + ("data" in part ? part.data.byteLength : 0), 0);

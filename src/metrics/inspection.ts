// What `inspect` gives: plain data, the same for the text form and for JSON.

import type { Note } from "../base/note.js";
import type { Estimate } from "../hardware/estimate.js";

export type { Device, Figure } from "../hardware/device.js";
export type { DeviceEstimate, Estimate, FormEstimate } from "../hardware/estimate.js";

export interface Inspection {
  readonly path: string;
  /** Bytes of the file and its external data. */
  readonly bytes: number;
  readonly producer: { readonly name: string; readonly version: string };
  readonly graph: string;
  readonly irVersion: number;
  /** "ai.onnx" for the default domain. */
  readonly opsets: Readonly<Record<string, number>>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly inputs: readonly PortSummary[];
  readonly outputs: readonly PortSummary[];
  readonly counts: {
    /** All nodes, those of subgraphs and functions included. */
    readonly nodes: number;
    readonly subgraphs: number;
    readonly functions: number;
    readonly constants: number;
    readonly parameters: number;
    /** Bytes of all constants, as stored. */
    readonly weightBytes: number;
  };
  /** By bytes of weights, then by count. */
  readonly operators: readonly OperatorSummary[];
  readonly dtypes: readonly {
    readonly dtype: string;
    readonly tensors: number;
    readonly elements: number;
    readonly bytes: number;
  }[];
  /** The largest, at most 20. */
  readonly largest: readonly WeightSummary[];
  /** Constants that several nodes use: tied weights, most bytes first, at most 20. */
  readonly shared: readonly (WeightSummary & { readonly users: readonly string[] })[];
  /** Groups of constants equal to each other under different names; null unless deep. */
  readonly equal:
    | readonly { readonly names: readonly string[]; readonly bytes: number; readonly wasted: number }[]
    | null;
  /** Null when the shapes are not known (not deep, and the file states too few). */
  readonly macs: number | null;
  /** Most bytes of activations alive at one time, at the shapes in `observed`; null unless deep. */
  readonly peakActivationBytes: number | null;
  /** What the model was run on; null unless deep, or when an estimate needed shapes that the file does not state. */
  readonly observed: Readonly<Record<string, readonly number[]>> | null;
  /** What the model would take on devices that were asked for: computed from peak figures, never measured. Else null. */
  readonly estimate: Estimate | null;
  /** What can be pruned by channels, in graph order; null unless asked for, or where the model cannot be run. */
  readonly groups: readonly GroupSummary[] | null;
  readonly target: string;
  /** Every node, in graph order, main graph first. */
  readonly nodes: readonly NodeSummary[];
  readonly notes: readonly Note[];
}

export interface PortSummary {
  readonly name: string;
  /** "float32", or "sequence", "optional", "map" ... for what is no tensor. */
  readonly type: string;
  /** Symbols as strings; null: not known. */
  readonly shape: readonly (number | string | null)[] | null;
}

export interface OperatorSummary {
  /** With its domain where that is not the default: "com.microsoft.MatMulNBits". */
  readonly op: string;
  readonly count: number;
  /** Bytes of weights that these nodes use, each weight counted once, at its first user. */
  readonly weightBytes: number;
  readonly macs: number | null;
}

export interface WeightSummary {
  readonly name: string;
  /** "" for the main graph. */
  readonly scope: string;
  readonly dtype: string;
  readonly dims: readonly number[];
  readonly bytes: number;
}

/** Channels that are coupled: what goes when one goes. */
export interface GroupSummary {
  /** Of the weight that makes the channels. */
  readonly name: string;
  /** "filter", "head", "hidden" or "recurrent". */
  readonly kind: string;
  /** How many there are that can go one by one. */
  readonly units: number;
  /** Elements of constants that go with one unit. */
  readonly parameters: number;
  /** The constants along whose axes they lie; `perUnit` positions each. */
  readonly spans: readonly {
    readonly weight: string;
    readonly axis: number;
    readonly role: string;
    readonly perUnit: number;
  }[];
  readonly removable: boolean;
  /** Ends the sentence "they stay because ...", with the node or value that is the reason. */
  readonly why?: string;
  readonly node?: string;
}

export interface NodeSummary {
  readonly name: string;
  readonly op: string;
  readonly scope: string;
  readonly weightBytes: number;
  readonly macs: number | null;
  /** Output shape, observed or stated; null when not known. */
  readonly shape: readonly number[] | null;
  /** What pare can make of it for the target: "int8", "fp16" ... */
  readonly can: readonly string[];
  /** Why nothing can be done, where nothing can. */
  readonly why?: string;
}

// The one representation of a model: the ONNX graph as read-only data, its weights lazy. Nothing here knows protobuf;
// what pare has no use for travels along in `rest`, opaque, so that a load and save without change loses nothing.

import type { Folder } from "../base/bytes.js";
import type { DType } from "../tensor/dtype.js";
import type { Tensor } from "../tensor/tensor.js";

/** What the file holds beyond what the IR names (unknown fields, training info, annotations). Only `onnx/` looks inside. */
export type Rest = { readonly opaque: unknown };

export interface Model {
  readonly irVersion: number;
  /** Domain to version. The default domain is "" (never "ai.onnx"). */
  readonly opsets: ReadonlyMap<string, number>;
  readonly producerName: string;
  readonly producerVersion: string;
  readonly domain: string;
  readonly modelVersion: bigint;
  readonly docString: string;
  readonly metadata: ReadonlyMap<string, string>;
  readonly graph: Graph;
  readonly functions: readonly FunctionDefinition[];
  readonly rest?: Rest;
  /** Where it was loaded from: for messages, output names, external data. */
  readonly origin?: Origin;
}

export interface Origin {
  /** Path, URL or "bytes". */
  readonly name: string;
  /** Bytes of the model file and its external data files, as found at load. */
  readonly bytes: number;
  readonly folder?: Folder | undefined;
  /** Files that weights of this model are read from: paths that `save` must not overwrite while reading. */
  readonly files: readonly string[];
}

export interface Graph {
  readonly name: string;
  readonly docString: string;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** Shapes and types of inner values as the file states them: hints, not truth. */
  readonly valueInfo: ReadonlyMap<string, ValueInfo>;
  /** In execution order. */
  readonly nodes: readonly Node[];
  /** Constants by value name, in file order. A name may also be an input (IR < 4, or a default value). */
  readonly initializers: ReadonlyMap<string, Initializer>;
  readonly rest?: Rest;
}

/** Identity is by reference; names are for people and may be missing or repeated. "" in inputs or outputs: not given. */
export interface Node {
  readonly name: string;
  readonly opType: string;
  readonly domain: string;
  readonly overload: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
  readonly docString: string;
  readonly metadata: ReadonlyMap<string, string>;
  readonly rest?: Rest;
}

export type Initializer = (Tensor & WeightExtras & { readonly sparse?: undefined }) | SparseInitializer;

export interface WeightExtras {
  readonly docString?: string;
  readonly rest?: Rest;
}

/** SparseTensorProto; dense dims, and the two parts as the file holds them. Its name is its key in `initializers`. */
export interface SparseInitializer extends WeightExtras {
  readonly sparse: { readonly values: Tensor & WeightExtras; readonly indices: Tensor & WeightExtras };
  readonly dtype: DType;
  readonly dims: readonly number[];
}

export type Attribute = { readonly docString?: string; readonly rest?: Rest } & (
  | { readonly type: "float"; readonly value: number }
  | { readonly type: "int"; readonly value: bigint }
  /** Raw bytes: ONNX strings are UTF-8 by convention only. */
  | { readonly type: "string"; readonly value: Uint8Array }
  | { readonly type: "tensor"; readonly value: Tensor & WeightExtras & { readonly name?: string } }
  | { readonly type: "graph"; readonly value: Graph }
  | { readonly type: "sparse"; readonly value: SparseInitializer }
  | { readonly type: "type"; readonly value: ValueType }
  | { readonly type: "floats"; readonly value: readonly number[] }
  | { readonly type: "ints"; readonly value: readonly bigint[] }
  | { readonly type: "strings"; readonly value: readonly Uint8Array[] }
  | { readonly type: "tensors"; readonly value: readonly (Tensor & WeightExtras & { readonly name?: string })[] }
  | { readonly type: "graphs"; readonly value: readonly Graph[] }
  | { readonly type: "sparses"; readonly value: readonly SparseInitializer[] }
  | { readonly type: "types"; readonly value: readonly ValueType[] }
  /** Inside a function: stands for the attribute of that name of the call. `of` is the declared type's code. */
  | { readonly type: "reference"; readonly value: string; readonly of: number }
);

export interface ValueInfo {
  readonly name: string;
  /** Absent when the file states none. */
  readonly type?: ValueType;
  readonly docString?: string;
  readonly metadata?: ReadonlyMap<string, string>;
  readonly rest?: Rest;
}

export type ValueType = { readonly denotation?: string; readonly rest?: Rest } & (
  | { readonly kind: "tensor" | "sparse-tensor"; readonly dtype: DType | undefined; readonly shape: Shape | undefined }
  | { readonly kind: "sequence" | "optional"; readonly element: ValueType | undefined }
  | { readonly kind: "map"; readonly key: DType | undefined; readonly value: ValueType | undefined }
  | { readonly kind: "opaque"; readonly domain: string; readonly name: string }
  | { readonly kind: "unset" }
);

/** A number, a symbol, or null when the file says nothing of that dimension. */
export type Shape = readonly Dim[];
export type Dim = number | string | null;

export interface FunctionDefinition {
  readonly name: string;
  readonly domain: string;
  readonly overload: string;
  readonly docString: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Names of attributes without default, and attributes with one. */
  readonly attributes: readonly string[];
  readonly attributeDefaults: ReadonlyMap<string, Attribute>;
  readonly nodes: readonly Node[];
  readonly opsets: ReadonlyMap<string, number>;
  readonly valueInfo: ReadonlyMap<string, ValueInfo>;
  readonly metadata: ReadonlyMap<string, string>;
  readonly rest?: Rest;
}

/** How messages and notes call a node: its name, else its operator and first output. */
export const label = (node: Node): string =>
  node.name !== "" ? node.name : `${node.opType}:${node.outputs.find((name) => name !== "") ?? "?"}`;

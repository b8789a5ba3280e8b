// Concrete values: what goes into a model and comes out of it.

import type { DType } from "./dtype.js";

export type Numbers =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** A concrete value. float16 is its bit pattern in a Uint16Array; 4-bit types are packed in a Uint8Array; bool is Uint8Array. */
export interface Value {
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly data: Numbers | readonly string[];
}

export type Feeds = Readonly<Record<string, Value>>;

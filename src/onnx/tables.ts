// Which field of which ONNX message holds what, derived from the generated schema: what the wire walkers steer by.

import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { ModelProtoSchema, TensorProtoSchema } from "./schema/onnx_pb.js";

/** Length-delimited `payload` fields are the elements of a tensor: raw_data and the packed typed fields. */
export type Field =
  | { readonly kind: "message"; readonly table: Table }
  | { readonly kind: "payload" | "string" | "bytes" }
  /** `width` bytes an element when packed; 0: varints. */
  | { readonly kind: "number"; readonly wire: 0 | 1 | 5; readonly width: 0 | 4 | 8; readonly repeated: boolean };

export interface Table {
  readonly name: string;
  /** By field number. */
  readonly fields: readonly (Field | undefined)[];
  /** Whether a TensorProto may stand in it, at any depth. */
  readonly holdsTensors: boolean;
  /** Fields that a skeleton on reading holds under the number PRIVATE_FIELD + their own: see `eachApart`. */
  readonly apart: ReadonlySet<number>;
}

/**
 * The long lists. protobuf-es would make all of a graph before the first node becomes IR: a million objects that live
 * just long enough to be dear to the garbage collector. So it sees them as unknown fields, and decodes them one by one.
 */
const APART: Readonly<Record<string, readonly number[]>> = { GraphProto: [1, 5, 13], FunctionProto: [7] };

/**
 * In TensorProto: a field of our skeletons only, which stands for a payload. It and those after it are from the range
 * that protobuf keeps for its implementations, so no ONNX version can ever define them; files that use them are refused.
 */
export const PRIVATE_FIELD = 19000;

/** Numbers of TensorProto's payload fields. */
export const PAYLOAD = { float: 4, int32: 5, int64: 7, raw: 9, double: 10, uint64: 11 } as const;
export type PayloadField = (typeof PAYLOAD)[keyof typeof PAYLOAD];

const payloads = new Set<number>(Object.values(PAYLOAD));
const tables = new Map<string, Table>();

export const modelTable = tableOf(ModelProtoSchema);

function tableOf(schema: DescMessage): Table {
  const known = tables.get(schema.typeName);
  if (known) return known;
  const fields: (Field | undefined)[] = [];
  const table: Table = {
    name: schema.name,
    fields,
    holdsTensors: reachesTensor(schema, new Set()),
    apart: new Set(APART[schema.name]),
  };
  tables.set(schema.typeName, table);
  for (const field of schema.fields) fields[field.number] = fieldOf(schema, field);
  return table;
}

function fieldOf(schema: DescMessage, field: DescField): Field {
  if (field.message) return { kind: "message", table: tableOf(field.message) };
  if (schema.typeName === TensorProtoSchema.typeName && payloads.has(field.number)) return { kind: "payload" };
  const repeated = field.fieldKind === "list";
  switch (field.scalar) {
    case ScalarType.STRING:
      return { kind: "string" };
    case ScalarType.BYTES:
      return { kind: "bytes" };
    case ScalarType.FLOAT:
      return { kind: "number", wire: 5, width: 4, repeated };
    case ScalarType.DOUBLE:
      return { kind: "number", wire: 1, width: 8, repeated };
    default:
      return { kind: "number", wire: 0, width: 0, repeated };
  }
}

function reachesTensor(schema: DescMessage, seen: Set<string>): boolean {
  if (schema.typeName === TensorProtoSchema.typeName) return true;
  if (seen.has(schema.typeName)) return false;
  seen.add(schema.typeName);
  return schema.fields.some((field) => field.message !== undefined && reachesTensor(field.message, seen));
}

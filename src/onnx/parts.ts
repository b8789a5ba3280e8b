// The private field of TensorProto by which a skeleton speaks of payloads: on reading, bytes or the place where they
// stand; on writing, the number of a payload that is put in later.

import { type DescMessage, fromBinary, type Message, type MessageShape, type UnknownField } from "@bufbuild/protobuf";
import { internal, invalid } from "../base/errors.js";
import { type PayloadField, PRIVATE_FIELD } from "./tables.js";
import type { GrowingBytes } from "./writer.js";

/** One length-delimited occurrence of a payload field in a file. */
export type Part =
  | { readonly field: PayloadField; readonly bytes: Uint8Array }
  | { readonly field: PayloadField; readonly offset: number; readonly length: number };

const TAG = PRIVATE_FIELD * 8 + 2;
const INLINE = 0;
const SPAN = 1;

/** Writes the head of a part; the caller appends its `length` bytes. */
export function writeInlinePart(out: GrowingBytes, field: number, length: number): void {
  out.varint(TAG);
  out.varint(length + 2);
  out.byte(field);
  out.byte(INLINE);
}

export function writeSpanPart(out: GrowingBytes, field: number, offset: number, length: number): void {
  out.varint(TAG);
  out.varint(18);
  out.byte(field);
  out.byte(SPAN);
  out.float64(offset);
  out.float64(length);
}

/** The parts among the unknown fields of a TensorProto, and the fields that really are unknown. */
export function takeParts(unknown: readonly UnknownField[] | undefined): {
  parts: Part[];
  others: readonly UnknownField[] | undefined;
} {
  if (unknown === undefined) return { parts: [], others: undefined };
  return {
    parts: unknown.filter((field) => field.no === PRIVATE_FIELD).map((field) => partOf(field.data)),
    others: foreignFields(unknown),
  };
}

/**
 * What `make` makes of each message of a list that the skeleton holds apart (`tables.ts`), decoded one by one; then those
 * in `plain`, the same list where a message was not read from a skeleton.
 */
export function eachApart<Desc extends DescMessage, T>(
  message: Message,
  field: number,
  schema: Desc,
  plain: readonly MessageShape<Desc>[],
  make: (message: MessageShape<Desc>) => T,
): T[] {
  const made: T[] = [];
  for (const { no, data } of message.$unknown ?? []) {
    if (no === PRIVATE_FIELD + field) made.push(make(decoded(schema, contentOf(data))));
  }
  for (const one of plain) made.push(make(one));
  return made;
}

function decoded<Desc extends DescMessage>(schema: Desc, bytes: Uint8Array): MessageShape<Desc> {
  try {
    return fromBinary(schema, bytes);
  } catch (cause) {
    throw invalid("protobuf-broken", `A ${schema.name} is not a well-formed protobuf message.`, { cause });
  }
}

/** The unknown fields that the file has, without ours. */
export function foreignFields(unknown: readonly UnknownField[] | undefined): readonly UnknownField[] | undefined {
  const foreign = unknown?.filter(({ no }) => no < PRIVATE_FIELD || no >= PRIVATE_FIELD + 1000);
  return foreign === undefined || foreign.length === 0 ? undefined : foreign;
}

/** An unknown length-delimited field without the length that its data begin with. */
function contentOf(data: Uint8Array): Uint8Array {
  let at = 0;
  while (data[at]! >= 0x80) at++;
  return data.subarray(at + 1);
}

function partOf(data: Uint8Array): Part {
  const content = contentOf(data);
  const field = content[0] as PayloadField;
  if (content[1] === INLINE) return { field, bytes: content.subarray(2) };
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  return { field, offset: view.getFloat64(2, true), length: view.getFloat64(10, true) };
}

/** Stands for payload number `index` in a skeleton that is to be written. */
export function slot(index: number): UnknownField {
  const data = new Uint8Array(9);
  data[0] = 8;
  new DataView(data.buffer).setFloat64(1, index, true);
  return { no: PRIVATE_FIELD, wireType: 2, data };
}

/** The number in a slot; `content` is the field without its tag and length. */
export function slotIndex(content: Uint8Array): number {
  if (content.length !== 8) throw internal("a payload slot of the wrong length");
  return new DataView(content.buffer, content.byteOffset, 8).getFloat64(0, true);
}

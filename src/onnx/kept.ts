// What a message holds beyond what the IR names: unknown fields, fields that pare has no use for, and which fields were
// written out though they hold their default. It travels in `rest`, so that a load and save without change is equal.

import type { DescField, DescMessage, Message, UnknownField } from "@bufbuild/protobuf";
import type { Rest } from "../ir/model.js";

export interface Kept {
  readonly unknown?: readonly UnknownField[];
  /** Local names of fields that were present with their default value. */
  readonly explicit?: readonly string[];
  /** Set fields that the IR does not name, by local name. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** What a caller adds for itself. */
  readonly extra?: unknown;
}

/** Which fields of a message the IR names; made once per message type. */
export interface Plan {
  readonly named: readonly (readonly [field: DescField, standard: unknown])[];
  readonly others: readonly DescField[];
}

/** Members of a oneof are left to the caller: they are neither named nor kept. */
export function planOf(schema: DescMessage, ...names: readonly string[]): Plan {
  const named: (readonly [DescField, unknown])[] = [];
  const others: DescField[] = [];
  for (const field of schema.fields) {
    if (field.oneof) continue;
    if (!names.includes(field.localName)) others.push(field);
    else if (field.fieldKind === "scalar" || field.fieldKind === "enum")
      named.push([field, field.getDefaultValue() ?? zero(field)]);
  }
  return { named, others };
}

function zero(field: DescField): unknown {
  if (field.fieldKind === "enum") return 0;
  const scalar = field.scalar;
  // descriptor.proto: 9 string, 12 bytes; 3, 4, 6, 16, 18 the 64-bit integers.
  if (scalar === 9) return "";
  if (scalar === 3 || scalar === 4 || scalar === 6 || scalar === 16 || scalar === 18) return 0n;
  return 0;
}

/** The rest of `message`, or undefined when there is none, as for most. `unknown` when the caller has taken some away. */
export function keep(
  message: Message,
  plan: Plan,
  more: { readonly extra?: unknown; readonly unknown?: readonly UnknownField[] | undefined } = {},
): Rest | undefined {
  const unknown = "unknown" in more ? more.unknown : message.$unknown;
  const values = message as unknown as Readonly<Record<string, unknown>>;
  let explicit: string[] | undefined;
  for (const [field, standard] of plan.named) {
    if (values[field.localName] === standard && isSet(values, field)) {
      explicit ??= [];
      explicit.push(field.localName);
    }
  }
  let fields: Record<string, unknown> | undefined;
  for (const field of plan.others) {
    if (!isSet(values, field)) continue;
    fields ??= {};
    fields[field.localName] = values[field.localName];
  }
  const { extra } = more;
  if (unknown === undefined && explicit === undefined && fields === undefined && extra === undefined) return undefined;
  const kept: Kept = {
    ...(unknown === undefined ? {} : { unknown }),
    ...(explicit === undefined ? {} : { explicit }),
    ...(fields === undefined ? {} : { fields }),
    ...(extra === undefined ? {} : { extra }),
  };
  return { opaque: kept };
}

/** isFieldSet of protobuf-es for the fields of proto2 outside oneofs, without its checks: this runs for every field. */
const isSet = (values: Readonly<Record<string, unknown>>, field: DescField): boolean =>
  field.fieldKind === "list"
    ? (values[field.localName] as readonly unknown[]).length > 0
    : Object.hasOwn(values, field.localName) && values[field.localName] !== undefined;

export const isFieldPresent = (message: Message, field: DescField): boolean =>
  isSet(message as unknown as Readonly<Record<string, unknown>>, field);

export const keptOf = (rest: Rest | undefined): Kept | undefined => rest?.opaque as Kept | undefined;

/** Puts back into `message` what `keep` found in the one it was made from. Named fields that are set now win. */
export function restore(message: Message, rest: Rest | undefined, plan: Plan): void {
  const kept = keptOf(rest);
  if (kept === undefined) return;
  const values = message as unknown as Record<string, unknown>;
  if (kept.fields) Object.assign(values, kept.fields);
  for (const [field, standard] of plan.named) {
    if (kept.explicit?.includes(field.localName) && !isSet(values, field)) values[field.localName] = standard;
  }
  if (kept.unknown) message.$unknown = [...(message.$unknown ?? []), ...kept.unknown];
}

/**
 * How the file spelt a value of the IR, by identity: a map or list that is still the same object was not changed, and
 * is written as it was (order, repetitions and odd forms included).
 */
export class Spelling<Value extends object, Form> {
  private readonly forms = new WeakMap<Value, Form>();

  of(value: Value): Form | undefined {
    return this.forms.get(value);
  }

  note<V extends Value>(value: V, form: Form): V {
    this.forms.set(value, form);
    return value;
  }
}

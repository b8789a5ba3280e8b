// AttributeProto to and from attributes of the IR.

import { create } from "@bufbuild/protobuf";
import { invalid } from "../base/errors.js";
import type { Attribute } from "../ir/model.js";
import type { GraphReader, GraphWriter } from "./graphs.js";
import { isFieldPresent, keep, keptOf, type Plan, planOf, restore } from "./kept.js";
import { type AttributeProto, AttributeProtoSchema, AttributeProto_AttributeType as Type } from "./schema/onnx_pb.js";
import { readSparse, readTensor, writeSparse, writeTensor } from "./tensors.js";
import { readType, writeType } from "./types.js";

type ValueField = Exclude<keyof typeof AttributeProtoSchema.field, "name" | "docString" | "type" | "refAttrName">;

/** Each type of attribute: its code, the field that holds its value, and its name in the IR. */
const KINDS = [
  [Type.FLOAT, "f", "float"],
  [Type.INT, "i", "int"],
  [Type.STRING, "s", "string"],
  [Type.TENSOR, "t", "tensor"],
  [Type.GRAPH, "g", "graph"],
  [Type.SPARSE_TENSOR, "sparseTensor", "sparse"],
  [Type.TYPE_PROTO, "tp", "type"],
  [Type.FLOATS, "floats", "floats"],
  [Type.INTS, "ints", "ints"],
  [Type.STRINGS, "strings", "strings"],
  [Type.TENSORS, "tensors", "tensors"],
  [Type.GRAPHS, "graphs", "graphs"],
  [Type.SPARSE_TENSORS, "sparseTensors", "sparses"],
  [Type.TYPE_PROTOS, "typeProtos", "types"],
] as const satisfies readonly (readonly [Type, ValueField, Attribute["type"]])[];

/** Fields that may hold tensors: a second value there is refused, since only the IR keeps tensors. */
const HEAVY: readonly ValueField[] = ["t", "g", "sparseTensor", "tensors", "graphs", "sparseTensors"];

const kinds = new Map<Type, (typeof KINDS)[number]>(KINDS.map((kind) => [kind[0], kind]));
const plans = new Map<Type, Plan>(
  KINDS.map(([code, field]) => [code, planOf(AttributeProtoSchema, "name", "docString", "type", "refAttrName", field)]),
);
const referencePlan = planOf(AttributeProtoSchema, "name", "docString", "type", "refAttrName");

const isSet = (proto: AttributeProto, field: keyof typeof AttributeProtoSchema.field): boolean =>
  isFieldPresent(proto, AttributeProtoSchema.field[field]);

interface Extra {
  /** The file gave no type (ONNX before IR 2). */
  readonly untyped?: boolean;
  /** The file left out a value that is the default (writers of protobuf 3 do). */
  readonly valueless?: boolean;
}

export function readAttribute(proto: AttributeProto, reader: GraphReader, node: string): Attribute {
  const where = `${node}.${proto.name}`;
  const untyped = !isSet(proto, "type");
  if (proto.refAttrName !== "") {
    const rest = keep(proto, referencePlan, untyped ? { extra: { untyped } } : {});
    refuseSecondValue(proto, undefined, where);
    return { type: "reference", value: proto.refAttrName, of: proto.type, ...common(proto, rest) };
  }
  const kind = proto.type === Type.UNDEFINED ? KINDS.find(([, field]) => isSet(proto, field)) : kinds.get(proto.type);
  if (kind === undefined) {
    throw invalid("attribute-empty", `Attribute "${proto.name}" has neither a known type nor a value.`, {
      node: where,
    });
  }
  const [code, field] = kind;
  refuseSecondValue(proto, field, where);
  const valueless = !isSet(proto, field);
  const extra: Extra | undefined =
    untyped || valueless ? { ...(untyped ? { untyped } : {}), ...(valueless ? { valueless } : {}) } : undefined;
  const rest = keep(proto, plans.get(code)!, { extra });
  return { ...common(proto, rest), ...readValue(proto, code, reader, where) };
}

const common = (proto: AttributeProto, rest: ReturnType<typeof keep>) => ({
  ...(proto.docString === "" ? {} : { docString: proto.docString }),
  ...(rest ? { rest } : {}),
});

function readValue(proto: AttributeProto, code: Type, reader: GraphReader, where: string): Attribute {
  const { payloads } = reader;
  switch (code) {
    case Type.FLOAT:
      return { type: "float", value: proto.f };
    case Type.INT:
      return { type: "int", value: proto.i };
    case Type.STRING:
      return { type: "string", value: proto.s };
    case Type.TENSOR:
      return { type: "tensor", value: readTensor(present(proto.t, where), payloads, where) };
    case Type.GRAPH:
      return { type: "graph", value: reader.graph(present(proto.g, where)) };
    case Type.SPARSE_TENSOR:
      return { type: "sparse", value: readSparse(present(proto.sparseTensor, where), payloads, where) };
    case Type.TYPE_PROTO:
      return { type: "type", value: readType(present(proto.tp, where), where) };
    case Type.FLOATS:
      return { type: "floats", value: proto.floats };
    case Type.INTS:
      return { type: "ints", value: proto.ints };
    case Type.STRINGS:
      return { type: "strings", value: proto.strings };
    case Type.TENSORS:
      return { type: "tensors", value: proto.tensors.map((tensor) => readTensor(tensor, payloads, where)) };
    case Type.GRAPHS:
      return { type: "graphs", value: proto.graphs.map((graph) => reader.graph(graph)) };
    case Type.SPARSE_TENSORS:
      return { type: "sparses", value: proto.sparseTensors.map((sparse) => readSparse(sparse, payloads, where)) };
    default:
      return { type: "types", value: proto.typeProtos.map((type) => readType(type, where)) };
  }
}

export function writeAttribute(name: string, attribute: Attribute, writer: GraphWriter): AttributeProto {
  const proto = create(AttributeProtoSchema);
  if (name !== "") proto.name = name;
  if (attribute.docString) proto.docString = attribute.docString;
  const extra = keptOf(attribute.rest)?.extra as Extra | undefined;
  if (attribute.type === "reference") {
    proto.refAttrName = attribute.value;
    if (!extra?.untyped) proto.type = attribute.of;
    restore(proto, attribute.rest, referencePlan);
    return proto;
  }
  const [code] = KINDS.find(([, , type]) => type === attribute.type)!;
  if (!extra?.untyped) proto.type = code;
  writeValue(proto, attribute, writer, extra?.valueless ?? false);
  restore(proto, attribute.rest, plans.get(code)!);
  return proto;
}

function writeValue(proto: AttributeProto, attribute: Attribute, writer: GraphWriter, valueless: boolean): void {
  const { sink } = writer;
  switch (attribute.type) {
    case "float":
      if (!valueless || attribute.value !== 0) proto.f = attribute.value;
      return;
    case "int":
      if (!valueless || attribute.value !== 0n) proto.i = attribute.value;
      return;
    case "string":
      if (!valueless || attribute.value.length > 0) proto.s = attribute.value;
      return;
    case "tensor":
      proto.t = writeTensor(attribute.value, attribute.value.name, sink, false);
      return;
    case "graph":
      proto.g = writer.graph(attribute.value);
      return;
    case "sparse":
      proto.sparseTensor = writeSparse(attribute.value, nameOf(attribute.value), sink);
      return;
    case "type":
      proto.tp = writeType(attribute.value);
      return;
    case "floats":
      proto.floats = [...attribute.value];
      return;
    case "ints":
      proto.ints = [...attribute.value];
      return;
    case "strings":
      proto.strings = [...attribute.value];
      return;
    case "tensors":
      proto.tensors = attribute.value.map((tensor) => writeTensor(tensor, tensor.name, sink, false));
      return;
    case "graphs":
      proto.graphs = attribute.value.map((graph) => writer.graph(graph));
      return;
    case "sparses":
      proto.sparseTensors = attribute.value.map((sparse) => writeSparse(sparse, nameOf(sparse), sink));
      return;
    case "types":
      proto.typeProtos = attribute.value.map((type) => writeType(type));
      return;
    case "reference":
      return;
  }
}

/** Sparse attributes read from a file carry the name of their values along. */
const nameOf = (sparse: object): string | undefined => ("name" in sparse ? String(sparse.name) : undefined);

function refuseSecondValue(proto: AttributeProto, but: ValueField | undefined, where: string): void {
  const second = HEAVY.find((field) => field !== but && isSet(proto, field));
  if (second === undefined) return;
  throw invalid("attribute-two-values", `Attribute "${proto.name}" holds a value that is not of its type.`, {
    node: where,
    expected: but ?? "a reference",
    found: second,
  });
}

function present<T>(value: T | undefined, where: string): T {
  if (value !== undefined) return value;
  throw invalid("attribute-empty", "An attribute lacks the value that its type promises.", { node: where });
}

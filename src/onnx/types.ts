// TypeProto, ValueInfoProto and the small lists of pairs, to and from the IR.

import { create, isFieldSet } from "@bufbuild/protobuf";
import { invalid, unsupported } from "../base/errors.js";
import type { Dim, Rest, Shape, ValueInfo, ValueType } from "../ir/model.js";
import { DTYPES, type DType, dtypeOfCode } from "../tensor/dtype.js";
import { keep, keptOf, planOf, restore, Spelling } from "./kept.js";
import {
  type OperatorSetIdProto,
  OperatorSetIdProtoSchema,
  type StringStringEntryProto,
  StringStringEntryProtoSchema,
  type TensorShapeProto,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  type TypeProto,
  TypeProto_MapSchema,
  TypeProto_OpaqueSchema,
  TypeProto_OptionalSchema,
  TypeProto_SequenceSchema,
  TypeProto_SparseTensorSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "./schema/onnx_pb.js";

const plans = {
  type: planOf(TypeProtoSchema, "denotation"),
  tensor: planOf(TypeProto_TensorSchema, "elemType", "shape"),
  sparse: planOf(TypeProto_SparseTensorSchema, "elemType", "shape"),
  sequence: planOf(TypeProto_SequenceSchema, "elemType"),
  optional: planOf(TypeProto_OptionalSchema, "elemType"),
  map: planOf(TypeProto_MapSchema, "keyType", "valueType"),
  opaque: planOf(TypeProto_OpaqueSchema, "domain", "name"),
  info: planOf(ValueInfoProtoSchema, "name", "type", "docString", "metadataProps"),
};

export function readValueInfo(proto: ValueInfoProto): ValueInfo {
  const rest = keep(proto, plans.info);
  return {
    name: proto.name,
    ...(proto.type ? { type: readType(proto.type, proto.name) } : {}),
    ...(proto.docString === "" ? {} : { docString: proto.docString }),
    ...(proto.metadataProps.length === 0 ? {} : { metadata: readPairs(proto.metadataProps) }),
    ...(rest ? { rest } : {}),
  };
}

export function writeValueInfo(info: ValueInfo): ValueInfoProto {
  const proto = create(ValueInfoProtoSchema);
  if (info.name !== "") proto.name = info.name;
  if (info.type) proto.type = writeType(info.type);
  if (info.docString) proto.docString = info.docString;
  if (info.metadata) proto.metadataProps = writePairs(info.metadata);
  restore(proto, info.rest, plans.info);
  return proto;
}

export function readType(proto: TypeProto, where: string): ValueType {
  const { value: type } = proto;
  // The type proper and what stands in it have a rest each; the inner one travels as `extra`.
  let inner: Rest | undefined;
  let found: ValueType;
  switch (type.case) {
    case "tensorType":
    case "sparseTensorType":
      inner = keep(type.value, type.case === "tensorType" ? plans.tensor : plans.sparse);
      found = {
        kind: type.case === "tensorType" ? "tensor" : "sparse-tensor",
        dtype: readElement(type.value.elemType, where),
        shape: type.value.shape && readShape(type.value.shape),
      };
      break;
    case "sequenceType":
    case "optionalType":
      inner = keep(type.value, type.case === "sequenceType" ? plans.sequence : plans.optional);
      found = {
        kind: type.case === "sequenceType" ? "sequence" : "optional",
        element: type.value.elemType && readType(type.value.elemType, where),
      };
      break;
    case "mapType":
      inner = keep(type.value, plans.map);
      found = {
        kind: "map",
        key: readElement(type.value.keyType, where),
        value: type.value.valueType && readType(type.value.valueType, where),
      };
      break;
    case "opaqueType":
      inner = keep(type.value, plans.opaque);
      found = { kind: "opaque", domain: type.value.domain, name: type.value.name };
      break;
    default:
      found = { kind: "unset" };
  }
  const rest = keep(proto, plans.type, { extra: inner });
  if (proto.denotation === "" && rest === undefined) return found;
  return { ...found, ...(proto.denotation ? { denotation: proto.denotation } : {}), ...(rest ? { rest } : {}) };
}

export function writeType(type: ValueType): TypeProto {
  const proto = create(TypeProtoSchema);
  if (type.denotation) proto.denotation = type.denotation;
  restore(proto, type.rest, plans.type);
  const inner = keptOf(type.rest)?.extra as Rest | undefined;
  switch (type.kind) {
    case "tensor":
    case "sparse-tensor": {
      const dense = type.kind === "tensor";
      const value = create(dense ? TypeProto_TensorSchema : TypeProto_SparseTensorSchema);
      if (type.dtype) value.elemType = DTYPES[type.dtype].code;
      if (type.shape) value.shape = writeShape(type.shape);
      restore(value, inner, dense ? plans.tensor : plans.sparse);
      if (value.$typeName === "onnx.TypeProto.Tensor") proto.value = { case: "tensorType", value };
      else proto.value = { case: "sparseTensorType", value };
      return proto;
    }
    case "sequence":
    case "optional": {
      const sequence = type.kind === "sequence";
      const value = create(sequence ? TypeProto_SequenceSchema : TypeProto_OptionalSchema);
      if (type.element) value.elemType = writeType(type.element);
      restore(value, inner, sequence ? plans.sequence : plans.optional);
      if (value.$typeName === "onnx.TypeProto.Sequence") proto.value = { case: "sequenceType", value };
      else proto.value = { case: "optionalType", value };
      return proto;
    }
    case "map": {
      const value = create(TypeProto_MapSchema);
      if (type.key) value.keyType = DTYPES[type.key].code;
      if (type.value) value.valueType = writeType(type.value);
      restore(value, inner, plans.map);
      proto.value = { case: "mapType", value };
      return proto;
    }
    case "opaque": {
      const value = create(TypeProto_OpaqueSchema);
      if (type.domain) value.domain = type.domain;
      if (type.name) value.name = type.name;
      restore(value, inner, plans.opaque);
      proto.value = { case: "opaqueType", value };
      return proto;
    }
    default:
      return proto;
  }
}

const readElement = (code: number, where: string): DType | undefined =>
  code === 0 ? undefined : dtypeOfCode(code, where);

/** Shapes that hold more than plain dimensions: denotations, unknown fields, numbers that mean nothing. */
const shapes = new Spelling<Shape, TensorShapeProto>();

function readShape(proto: TensorShapeProto): Shape {
  let odd = proto.$unknown !== undefined;
  const shape = proto.dim.map((dim): Dim => {
    if (dim.$unknown !== undefined || isFieldSet(dim, TensorShapeProto_DimensionSchema.field.denotation)) odd = true;
    if (dim.value.case === "dimParam") return dim.value.value;
    if (dim.value.case === undefined) return null;
    const size = dim.value.value;
    if (size >= 0n && size <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(size);
    odd = true;
    return null;
  });
  return odd ? shapes.note(shape, proto) : shape;
}

function writeShape(shape: Shape): TensorShapeProto {
  const spelt = shapes.of(shape);
  if (spelt) return spelt;
  return create(TensorShapeProtoSchema, {
    dim: shape.map((dim) => {
      const proto = create(TensorShapeProto_DimensionSchema);
      if (typeof dim === "string") proto.value = { case: "dimParam", value: dim };
      else if (dim !== null) proto.value = { case: "dimValue", value: BigInt(dim) };
      return proto;
    }),
  });
}

const pairs = new Spelling<ReadonlyMap<string, string>, readonly StringStringEntryProto[]>();

export function readPairs(protos: readonly StringStringEntryProto[]): ReadonlyMap<string, string> {
  const map = new Map(protos.map((proto) => [proto.key, proto.value]));
  return protos.length === 0 ? map : pairs.note(map, protos);
}

export function writePairs(map: ReadonlyMap<string, string>): StringStringEntryProto[] {
  const spelt = pairs.of(map);
  if (spelt) return [...spelt];
  return [...map].map(([key, value]) => create(StringStringEntryProtoSchema, { key, value }));
}

const opsetLists = new Spelling<ReadonlyMap<string, number>, readonly OperatorSetIdProto[]>();

/** "ai.onnx" is another name of the default domain, "". When both stand there the higher version counts, as in ONNX Runtime. */
export function readOpsets(protos: readonly OperatorSetIdProto[]): ReadonlyMap<string, number> {
  const map = new Map<string, number>();
  for (const { domain, version } of protos) {
    if (version < 0n || version > 2n ** 31n) {
      throw invalid("opset-version", `Opset version ${version} of domain "${domain}" is impossible.`);
    }
    const name = domain === "ai.onnx" ? "" : domain;
    map.set(name, Math.max(map.get(name) ?? 0, Number(version)));
  }
  return opsetLists.note(map, protos);
}

export function writeOpsets(map: ReadonlyMap<string, number>): OperatorSetIdProto[] {
  const spelt = opsetLists.of(map);
  if (spelt) return [...spelt];
  return [...map].map(([domain, version]) => {
    if (!Number.isSafeInteger(version))
      throw unsupported("opset-version", `Opset version ${version} cannot be written.`);
    return create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) });
  });
}

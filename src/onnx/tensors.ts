// TensorProto and SparseTensorProto to and from tensors of the IR.

import { create, type UnknownField } from "@bufbuild/protobuf";
import type { ByteSource } from "../base/bytes.js";
import { invalid, unsupported } from "../base/errors.js";
import type { SparseInitializer, WeightExtras } from "../ir/model.js";
import { byteCount, DTYPES, type DType, dtypeOfCode, elementCount } from "../tensor/dtype.js";
import { bytesData, type Tensor, type TensorData } from "../tensor/tensor.js";
import type { ExternalFiles } from "./external-data.js";
import { keep, keptOf, planOf, restore } from "./kept.js";
import { MAX_COUNT, MAX_RANK } from "./limits.js";
import { type Part, takeParts } from "./parts.js";
import {
  type SparseTensorProto,
  SparseTensorProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
} from "./schema/onnx_pb.js";
import { storedData, storedForms, typedField } from "./stored.js";
import { PAYLOAD, type PayloadField } from "./tables.js";
import { packVarints } from "./varints.js";

const plan = planOf(
  TensorProtoSchema,
  "dims",
  "dataType",
  "name",
  "docString",
  "rawData",
  "floatData",
  "int32Data",
  "int64Data",
  "doubleData",
  "uint64Data",
  "stringData",
  "externalData",
  "dataLocation",
);
const sparsePlan = planOf(SparseTensorProtoSchema, "values", "indices", "dims");

/** Where the payloads of a model stand. */
export interface Payloads {
  readonly source: ByteSource;
  readonly external: ExternalFiles;
}

/** Takes the data of tensors that are written: gives the fields that stand for it in the skeleton. */
export interface PayloadSink {
  /** The slot of a payload field whose bytes are `pieces`, put in when the skeleton is laid out. */
  inline(field: PayloadField, pieces: readonly TensorData[]): UnknownField;
  /** The external_data entries of data that is written beside the model; undefined when it goes inline. */
  external(data: TensorData): Readonly<Record<string, string>> | undefined;
}

export function readTensor(
  proto: TensorProto,
  payloads: Payloads,
  where: string,
): Tensor & WeightExtras & { name: string } {
  const dtype = dtypeOfCode(proto.dataType, where);
  const dims = readDims(proto.dims, where);
  if (proto.segment) throw unsupported("tensor-segment", `Tensor "${where}" is stored in segments.`, { node: where });
  checkSize(dtype, dims, where);
  const { parts, others } = takeParts(proto.$unknown);
  const rest = keep(proto, plan, { unknown: others });
  const extras = {
    name: proto.name,
    ...(proto.docString === "" ? {} : { docString: proto.docString }),
    ...(rest === undefined ? {} : { rest }),
  };
  if (dtype === "string") {
    return {
      dtype,
      dims,
      data: bytesData(new Uint8Array(0)),
      strings: readStrings(proto, parts, dims, where),
      ...extras,
    };
  }
  return { dtype, dims, data: readData(proto, parts, dtype, dims, payloads, where), ...extras };
}

function readData(
  proto: TensorProto,
  packed: readonly Part[],
  dtype: DType,
  dims: readonly number[],
  payloads: Payloads,
  where: string,
): TensorData {
  if (proto.stringData.length > 0) throw twoPayloads(where);
  const parts = withUnpacked(proto, packed, where);
  const full = parts.filter((part) => !("bytes" in part && part.bytes.length === 0));
  if (proto.dataLocation === TensorProto_DataLocation.EXTERNAL) {
    if (full.length > 0) throw twoPayloads(where);
    return payloads.external.data(proto.externalData, byteCount(dtype, dims), where);
  }
  const field = full[0]?.field;
  if (field === undefined) return emptyData(dtype, dims, parts[0]?.field, where);
  if (full.some((part) => part.field !== field)) throw twoPayloads(where);
  if (field !== PAYLOAD.raw && field !== typedField(dtype)) {
    throw invalid("tensor-field", `Tensor "${where}" keeps its data in a field that is not for its type.`, {
      node: where,
      expected: `raw_data, or ${fieldName(typedField(dtype))} for ${dtype}`,
      found: fieldName(field),
    });
  }
  return storedData(payloads.source, dtype, dims, field, full, where);
}

function emptyData(dtype: DType, dims: readonly number[], field: PayloadField | undefined, where: string): TensorData {
  if (elementCount(dims) > 0) {
    throw invalid("tensor-data-missing", `Tensor "${where}" has no data.`, {
      node: where,
      expected: `${byteCount(dtype, dims)} bytes for ${dtype}[${dims}]`,
      found: "nothing",
      hint: "The weights may have been stripped from this file.",
    });
  }
  const data = bytesData(new Uint8Array(0));
  return storedForms.note(data, { dtype, field, pieces: field === undefined ? [] : [data] });
}

/** Typed fields may also be written element by element; protobuf-es has read those. */
function withUnpacked(proto: TensorProto, parts: readonly Part[], where: string): readonly Part[] {
  const loose: Part[] = [];
  const add = (field: PayloadField, length: number, bytes: () => ArrayBufferView) => {
    if (length === 0) return;
    if (parts.some((part) => part.field === field)) {
      throw unsupported("tensor-mixed-packing", `Tensor "${where}" mixes packed and single elements.`, { node: where });
    }
    const view = bytes();
    loose.push({ field, bytes: new Uint8Array(view.buffer, view.byteOffset, view.byteLength) });
  };
  add(PAYLOAD.float, proto.floatData.length, () => Float32Array.from(proto.floatData));
  add(PAYLOAD.double, proto.doubleData.length, () => Float64Array.from(proto.doubleData));
  add(PAYLOAD.int32, proto.int32Data.length, () => packVarints(proto.int32Data));
  add(PAYLOAD.int64, proto.int64Data.length, () => packVarints(proto.int64Data));
  add(PAYLOAD.uint64, proto.uint64Data.length, () => packVarints(proto.uint64Data));
  return loose.length === 0 ? parts : [...parts, ...loose];
}

function readStrings(proto: TensorProto, parts: readonly Part[], dims: readonly number[], where: string) {
  if (proto.dataLocation === TensorProto_DataLocation.EXTERNAL || parts.length > 0) {
    throw invalid("tensor-field", `The strings of tensor "${where}" must stand in string_data.`, { node: where });
  }
  if (proto.stringData.length !== elementCount(dims)) {
    throw invalid("tensor-size", `The data of tensor "${where}" does not fit its dimensions [${dims}].`, {
      node: where,
      expected: `${elementCount(dims)} strings`,
      found: `${proto.stringData.length}`,
    });
  }
  return proto.stringData;
}

/** Dimensions that are non-negative and whose product is exact. */
export function readDims(proto: readonly bigint[], where: string): readonly number[] {
  if (proto.length > MAX_RANK) {
    throw invalid("tensor-rank", `"${where}" has ${proto.length} dimensions.`, {
      node: where,
      expected: `${MAX_RANK} at most`,
    });
  }
  for (const dim of proto) {
    if (dim >= 0n) continue;
    throw invalid("tensor-dims", `"${where}" has the negative dimension ${dim}.`, { node: where });
  }
  // The bound holds for the product of the non-zero dimensions: 2^60 x 0 is empty here and an overflow elsewhere.
  const product = proto.reduce((all, dim) => (dim === 0n ? all : all * dim), 1n);
  if (product > BigInt(MAX_COUNT)) {
    throw invalid("tensor-dims", `The dimensions of "${where}", [${proto.join(", ")}], overflow.`, { node: where });
  }
  return proto.map(Number);
}

function checkSize(dtype: DType, dims: readonly number[], where: string): void {
  if (elementCount(dims) * (DTYPES[dtype].bits / 8) > MAX_COUNT) {
    throw invalid("tensor-dims", `The dimensions of "${where}", [${dims.join(", ")}], overflow.`, { node: where });
  }
}

/** `name`: undefined leaves it unset unless the file had an empty one. */
export function writeTensor(
  tensor: Tensor & WeightExtras,
  name: string | undefined,
  sink: PayloadSink,
  mayBeExternal: boolean,
): TensorProto {
  const proto = create(TensorProtoSchema);
  proto.dims = tensor.dims.map(BigInt);
  proto.dataType = DTYPES[tensor.dtype].code;
  if (name) proto.name = name;
  if (tensor.docString) proto.docString = tensor.docString;
  restore(proto, tensor.rest, plan);
  if (tensor.dtype === "string") {
    proto.stringData = [...(tensor.strings ?? [])];
    return proto;
  }
  const entries = mayBeExternal ? sink.external(tensor.data) : undefined;
  if (entries) {
    proto.dataLocation = TensorProto_DataLocation.EXTERNAL;
    proto.externalData = Object.entries(entries).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value }),
    );
    return proto;
  }
  const stored = storedForms.of(tensor.data);
  const payload =
    stored !== undefined && stored.dtype === tensor.dtype
      ? stored.field && sink.inline(stored.field, stored.pieces)
      : sink.inline(PAYLOAD.raw, [tensor.data]);
  if (payload) proto.$unknown = [...(proto.$unknown ?? []), payload];
  return proto;
}

/** The parts of a sparse tensor; its name is that of its values. */
export function readSparse(
  proto: SparseTensorProto,
  payloads: Payloads,
  where: string,
): SparseInitializer & { name: string } {
  if (!proto.values || !proto.indices) {
    throw invalid("sparse-parts", `Sparse tensor "${where}" lacks its values or its indices.`, { node: where });
  }
  const values = readTensor(proto.values, payloads, where);
  const { name: indicesName, ...indices } = readTensor(proto.indices, payloads, `${where} (indices)`);
  const dims = readDims(proto.dims, where);
  const [count] = values.dims;
  const fits =
    values.dims.length === 1 &&
    indices.dtype === "int64" &&
    indices.dims[0] === count &&
    (indices.dims.length === 1 || (indices.dims.length === 2 && indices.dims[1] === dims.length));
  if (!fits) {
    throw invalid("sparse-shape", `The parts of sparse tensor "${where}" do not fit each other.`, {
      node: where,
      expected: `values [n] and int64 indices [n] or [n, ${dims.length}]`,
      found: `values [${values.dims}] and ${indices.dtype} indices [${indices.dims}]`,
    });
  }
  checkSize(values.dtype, dims, where);
  const { name, ...rest } = values;
  const kept = keep(proto, sparsePlan, indicesName === "" ? {} : { extra: indicesName });
  return { sparse: { values: rest, indices }, dtype: values.dtype, dims, name, ...(kept ? { rest: kept } : {}) };
}

export function writeSparse(sparse: SparseInitializer, name: string | undefined, sink: PayloadSink): SparseTensorProto {
  const proto = create(SparseTensorProtoSchema, { dims: sparse.dims.map(BigInt) });
  restore(proto, sparse.rest, sparsePlan);
  const indicesName = keptOf(sparse.rest)?.extra as string | undefined;
  // Runtimes read sparse parts from the model file itself: ONNX Runtime has no external form for both.
  proto.values = writeTensor(sparse.sparse.values, name, sink, false);
  proto.indices = writeTensor(sparse.sparse.indices, indicesName, sink, false);
  return proto;
}

const FIELD_NAMES: Readonly<Record<PayloadField, string>> = {
  4: "float_data",
  5: "int32_data",
  7: "int64_data",
  9: "raw_data",
  10: "double_data",
  11: "uint64_data",
};
const fieldName = (field: PayloadField | undefined) => (field === undefined ? "none" : FIELD_NAMES[field]);

const twoPayloads = (where: string) =>
  invalid("tensor-two-payloads", `Tensor "${where}" keeps its data in more than one place.`, { node: where });

// The generated zoo of ONNX files (tools/fixtures/onnx_zoo.py), and small hand-made protobuf for files that no library writes.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createRegistry, equals, fromBinary } from "@bufbuild/protobuf";
import { bytesSource } from "../../src/base/bytes.js";
import type { Model } from "../../src/ir/model.js";
import { decode } from "../../src/onnx/decode.js";
import { file_onnx, type ModelProto, ModelProtoSchema } from "../../src/onnx/schema/onnx_pb.js";

export const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/onnx/${name}`, import.meta.url));
export const fixtureBytes = (name: string): Uint8Array => new Uint8Array(readFileSync(fixture(name)));

export const decodeBytes = (bytes: Uint8Array, name = "test"): Promise<Model> => decode(bytesSource(bytes, name));

export const parse = (bytes: Uint8Array): ModelProto => fromBinary(ModelProtoSchema, bytes);

const registry = createRegistry(file_onnx);

/** Field by field, unknown fields, presence of defaults and bits of NaN included. */
export const sameMessage = (a: Uint8Array, b: Uint8Array): boolean =>
  equals(ModelProtoSchema, parse(a), parse(b), { registry, unknown: true });

export function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return [...bytes, rest];
}

/** A length-delimited field. `content` may claim another length than it has. */
export const field = (number: number, content: Iterable<number>, claim?: number): number[] => {
  const bytes = [...content];
  return [...varint(number * 8 + 2), ...varint(claim ?? bytes.length), ...bytes];
};
export const text = (value: string): Uint8Array => new TextEncoder().encode(value);
export const number = (at: number, value: number): number[] => [...varint(at * 8), ...varint(value)];

/** A model file of IR 8, opset 17, around the fields of a graph. */
export const modelFile = (...graph: readonly number[][]): Uint8Array =>
  Uint8Array.from([...number(1, 8), ...field(8, number(2, 17)), ...field(7, graph.flat())]);

/** A TensorProto: name, data_type, dims and further fields. */
export const tensorFields = (
  name: string,
  code: number,
  dims: readonly number[],
  ...more: readonly number[][]
): number[] => [...dims.flatMap((dim) => number(1, dim)), ...number(2, code), ...field(8, text(name)), ...more.flat()];

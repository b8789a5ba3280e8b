// Makes the models that the bench converts: chains of MatMul with random weights, above 1 GiB behind a 512 MiB embedding.
// Written directly as protobuf, so that pare is not measured on its own output. Seeded: the same files on every machine.

import { mkdirSync, statSync } from "node:fs";
import { type FileHandle, open, rename } from "node:fs/promises";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProto_DataType,
  TensorProtoSchema,
} from "../src/onnx/schema/onnx_pb.js";

const MiB = 2 ** 20;
const GiB = 2 ** 30;
/** protobuf's own limit: larger models keep their weights beside the file. */
const inlineLimit = 2 * GiB - 64 * MiB;

interface Weight {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
}

/** Path of a model of about `gib` GiB; made when it is not there yet. */
export async function benchModel(
  folder: string,
  gib: number,
): Promise<{ path: string; bytes: number; weights: number }> {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${gib}gib.onnx`);
  const plan = planOf(gib * GiB);
  const bytes = () => sizeOf(path) + sizeOf(`${path}.data`);
  if (sizeOf(path) === 0) await write(path, plan, gib * GiB > inlineLimit);
  return { path, bytes: bytes(), weights: plan.weights.length };
}

/** An embedding where there is room for it, then products of 2048 x 2048 to 4096 x 4096 until the size is reached. */
function planOf(bytes: number): { weights: Weight[]; embedding: boolean } {
  const weights: Weight[] = [];
  const embedding = bytes >= GiB;
  let left = bytes;
  if (embedding) {
    weights.push({ name: "embedding", rows: 65536, columns: 2048 });
    left -= 512 * MiB;
  }
  const shapes = [
    [2048, 2048],
    [2048, 4096],
    [4096, 4096],
    [4096, 2048],
  ] as const;
  for (let at = 0; left > 0; at++) {
    const [rows, columns] = shapes[at % shapes.length]!;
    weights.push({ name: `weight_${at}`, rows, columns });
    left -= rows * columns * 4;
  }
  return { weights, embedding };
}

function graphOf({ weights, embedding }: ReturnType<typeof planOf>): GraphProto {
  const value = (name: string, elemType: number, dims: (string | number)[]) => ({
    name,
    type: {
      value: {
        case: "tensorType" as const,
        value: {
          elemType,
          shape: {
            dim: dims.map((dim) => ({
              value:
                typeof dim === "string"
                  ? { case: "dimParam" as const, value: dim }
                  : { case: "dimValue" as const, value: BigInt(dim) },
            })),
          },
        },
      },
    },
  });
  const node: { opType: string; name: string; input: string[]; output: string[] }[] = [];
  let at = "input";
  for (const { name } of weights) {
    const gather = name === "embedding";
    node.push({
      opType: gather ? "Gather" : "MatMul",
      name: `${name}_use`,
      input: gather ? [name, at] : [at, name],
      output: [`${name}_product`],
    });
    at = `${name}_product`;
    if (gather) continue;
    // Bounds the values, so that a hundred random layers stay finite.
    node.push({ opType: "Tanh", name: `${name}_bound`, input: [at], output: [`${name}_out`] });
    at = `${name}_out`;
  }
  const { INT64, FLOAT } = TensorProto_DataType;
  return create(GraphProtoSchema, {
    name: "bench",
    node,
    input: [
      embedding ? value("input", INT64, ["batch", "sequence"]) : value("input", FLOAT, ["batch", weights[0]!.rows]),
    ],
    output: [
      value(at, FLOAT, embedding ? ["batch", "sequence", weights.at(-1)!.columns] : ["batch", weights.at(-1)!.columns]),
    ],
  });
}

async function write(path: string, plan: ReturnType<typeof planOf>, external: boolean): Promise<void> {
  const weightBytes = ({ rows, columns }: Weight) => rows * columns * 4;
  let offset = 0;
  const heads = plan.weights.map((weight) => {
    const length = weightBytes(weight);
    const head = toBinary(
      TensorProtoSchema,
      tensorOf(weight, external ? { location: path, offset, length } : undefined),
    );
    offset += length;
    return head;
  });
  const graph = toBinary(GraphProtoSchema, graphOf(plan));
  // field 5 of GraphProto is an initializer, field 9 of TensorProto its raw_data, field 7 of ModelProto the graph.
  const payloadTags = plan.weights.map((weight) => (external ? empty : tagged(9, weightBytes(weight))));
  const bodies = plan.weights.map(
    (weight, at) => heads[at]!.length + payloadTags[at]!.length + (external ? 0 : weightBytes(weight)),
  );
  const initializerTags = bodies.map((length) => tagged(5, length));
  const graphLength = graph.length + bodies.reduce((sum, length, at) => sum + length + initializerTags[at]!.length, 0);
  const model = toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, { irVersion: 8n, producerName: "bench", opsetImport: [{ domain: "", version: 17n }] }),
  );

  const file = await open(`${path}.part`, "w");
  const side = external ? await open(`${path}.data.part`, "w") : undefined;
  await file.write(Buffer.concat([model, tagged(7, graphLength), graph]));
  for (const [at, weight] of plan.weights.entries()) {
    await file.write(Buffer.concat([initializerTags[at]!, heads[at]!, payloadTags[at]!]));
    await fill(side ?? file, weightBytes(weight), at + 1, 1 / Math.sqrt(weight.rows));
  }
  await side?.close();
  await file.close();
  if (external) await rename(`${path}.data.part`, `${path}.data`);
  await rename(`${path}.part`, path);
}

function tensorOf(
  { name, rows, columns }: Weight,
  place: { location: string; offset: number; length: number } | undefined,
): TensorProto {
  const tensor = create(TensorProtoSchema, {
    name,
    dims: [BigInt(rows), BigInt(columns)],
    dataType: TensorProto_DataType.FLOAT,
  });
  if (place) {
    tensor.dataLocation = TensorProto_DataLocation.EXTERNAL;
    const entries = {
      location: `${place.location.split("/").at(-1)}.data`,
      offset: `${place.offset}`,
      length: `${place.length}`,
    };
    tensor.externalData = Object.entries(entries).map(
      ([key, value]) =>
        ({ $typeName: "onnx.StringStringEntryProto", key, value }) as TensorProto["externalData"][number],
    );
  }
  return tensor;
}

/** Normal values by table and xorshift32: hundreds of megabytes a second, and never twice the same row. */
async function fill(file: FileHandle, bytes: number, seed: number, deviation: number): Promise<void> {
  const chunk = new Float32Array(4 * MiB);
  const scaled = normals.map((value) => value * deviation);
  let state = Math.imul(seed, 0x9e3779b1) | 1;
  for (let left = bytes / 4; left > 0; left -= chunk.length) {
    const count = Math.min(left, chunk.length);
    for (let at = 0; at < count; at++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      chunk[at] = scaled[state & 0xffff]!;
    }
    await file.write(new Uint8Array(chunk.buffer, 0, count * 4));
  }
}

/** 65536 quantiles of the normal distribution, by Box and Muller over a fixed sequence. */
const normals = (() => {
  const table = new Float32Array(65536);
  for (let at = 0; at < table.length; at += 2) {
    const radius = Math.sqrt(-2 * Math.log((at + 1) / (table.length + 1)));
    const angle = 2 * Math.PI * ((at * 0.6180339887498949) % 1);
    table[at] = radius * Math.cos(angle);
    table[at + 1] = radius * Math.sin(angle);
  }
  return table;
})();

const empty = new Uint8Array(0);

/** Tag and length of a length-delimited field. */
function tagged(field: number, length: number): Uint8Array {
  const bytes = [(field << 3) | 2];
  for (let left = length; ; left = Math.floor(left / 128)) {
    if (left < 128) return Uint8Array.from([...bytes, left]);
    bytes.push((left % 128) | 128);
  }
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

// Bytes to IR: the skeleton of the file through protobuf-es, its weights as references into the file.

import { fromBinary } from "@bufbuild/protobuf";
import type { ByteSource, Folder } from "../base/bytes.js";
import { invalid, PareError } from "../base/errors.js";
import type { Model } from "../ir/model.js";
import { ExternalFiles } from "./external-data.js";
import { foreign, HEAD } from "./foreign.js";
import { GraphReader } from "./graphs.js";
import { type ModelProto, ModelProtoSchema } from "./schema/onnx_pb.js";
import { readSkeleton } from "./wire.js";

/**
 * Reads a model. No weight of 1 KiB or more is read: its data refers to `source`, or to the external data file in
 * `folder`, which must stay as they are while the model is in use.
 *
 * Throws a PareError that says what is wrong: `not-onnx`, `file-truncated`, `length-past-end`, `protobuf-broken`,
 * `nesting-too-deep`, `structure-too-large`, `tensor-*`, `attribute-*`, `external-*` ...
 */
export async function decode(source: ByteSource, folder?: Folder): Promise<Model> {
  const head = await source.read(0, Math.min(source.size, HEAD));
  const kind = foreign(head, source.size);
  if (kind?.sure) throw notOnnx(source, kind.text, kind.hint);
  try {
    const proto = await readProto(source);
    if (!proto.graph) throw notOnnx(source, kind?.text, kind?.hint);
    const external = new ExternalFiles();
    const model = new GraphReader({ source, external }).model(proto);
    const files = await external.open(folder, source.name);
    return {
      ...model,
      origin: {
        name: source.name,
        bytes: files.reduce((sum, file) => sum + file.size, source.size),
        folder,
        files: [source, ...files].map(pathOf),
      },
    };
  } catch (error) {
    // What looks like another format and does not parse is that format; only then is the guess worth more than the error.
    if (kind && error instanceof PareError && STRUCTURE.has(error.code))
      throw notOnnx(source, kind.text, kind.hint, error);
    throw error;
  }
}

/** The message that the file holds, payloads as PRIVATE_FIELD parts. */
export async function readProto(source: ByteSource): Promise<ModelProto> {
  const skeleton = await readSkeleton(source);
  try {
    return fromBinary(ModelProtoSchema, skeleton);
  } catch (error) {
    throw invalid("protobuf-broken", `${source.name} is not a well-formed protobuf message.`, { cause: error });
  }
}

const STRUCTURE = new Set([
  "file-truncated",
  "length-past-end",
  "protobuf-broken",
  "protobuf-group",
  "nesting-too-deep",
]);

const pathOf = (source: ByteSource): string => {
  const { handle } = source;
  return handle && "path" in handle ? handle.path : source.name;
};

function notOnnx(source: ByteSource, looks: string | undefined, hint: string | undefined, cause?: unknown): PareError {
  return invalid("not-onnx", `${source.name} is not an ONNX model${looks ? `: it looks like ${looks}` : ""}.`, {
    hint,
    cause,
  });
}

// IR to bytes, as streams whose sizes are known first: the structure through protobuf-es, then each weight as it is
// pulled. Never more than a piece of a weight is in memory.

import { toBinary } from "@bufbuild/protobuf";
import { internal, unsupported } from "../base/errors.js";
import type { Model } from "../ir/model.js";
import type { TensorData } from "../tensor/tensor.js";
import { GraphWriter } from "./graphs.js";
import { layOut, type Payload, type Piece, pieceLength } from "./layout.js";
import { MAX_MODEL } from "./limits.js";
import { slot } from "./parts.js";
import { ModelProtoSchema } from "./schema/onnx_pb.js";
import type { PayloadField } from "./tables.js";
import type { PayloadSink } from "./tensors.js";

/** One file to be written. */
export interface EncodedFile {
  readonly byteLength: number;
  /** Bytes, and weights that are still to be read, in order. */
  readonly pieces: readonly Piece[];
  /** The same as bytes. Pieces may be views of shared memory: never write into them. */
  stream(): AsyncIterable<Uint8Array>;
}

export interface Encoded extends EncodedFile {
  /** The data file that stands beside the model, when weights were moved there. */
  readonly external?: DataFile;
  /** More data files, where one would pass the limit of `EncodeOptions`. */
  readonly further?: readonly DataFile[];
}

export interface DataFile extends EncodedFile {
  readonly location: string;
}

export interface EncodeOptions {
  /**
   * Puts initializers of `threshold` bytes (default 1024) or more into a file `location` beside the model. What would make
   * that file longer than `limit` bytes goes into `<location>_1`, `<location>_2` and so on; no weight is cut in two, so
   * one weight beyond the limit makes a longer file.
   */
  readonly external?: { readonly location: string; readonly threshold?: number; readonly limit?: number | undefined };
}

/** Smaller ones stay inline: runtimes read shape constants while they infer shapes, before external data is there. */
const THRESHOLD = 1024;
/** Weights of this size are mapped into memory: their place is a multiple of a page (onnx ExternalData.md). */
const LARGE = 64 * 1024;
const PAGE = 4096;
/** Smaller ones are at least aligned for vector loads, without spending a page on each. */
const VECTOR = 64;

/** Throws `unsupported("model-too-large")` when the model file itself would pass protobuf's 2 GiB. */
export function encode(model: Model, options: EncodeOptions = {}): Encoded {
  const encoded = layOutModel(model, options);
  if (encoded.byteLength > MAX_MODEL) {
    throw unsupported("model-too-large", "The model is too large for one file.", {
      expected: `at most ${MAX_MODEL} bytes, the bound of protobuf`,
      found: `${encoded.byteLength} bytes`,
      hint: options.external
        ? "Only initializers can stand in a data file: constants inside nodes or functions are too large here."
        : "Write the weights to an external data file: --external, or `external: true`.",
    });
  }
  return encoded;
}

/** As `encode`, for callers that want to know the size before they decide; may be larger than protobuf allows. */
export function layOutModel(model: Model, options: EncodeOptions = {}): Encoded {
  const payloads: Payload[] = [];
  const data = options.external && new Externals(options.external);
  const sink: PayloadSink = {
    inline(field: PayloadField, pieces: readonly TensorData[]) {
      payloads.push({ field, pieces });
      return slot(payloads.length - 1);
    },
    external: (tensor) => data?.place(tensor),
  };
  const skeleton = toBinary(ModelProtoSchema, new GraphWriter(sink).model(model));
  const file = encodedFile(layOut(skeleton, payloads));
  const [external, ...further] = data?.files() ?? [];
  return external ? { ...file, external, ...(further.length > 0 ? { further } : {}) } : file;
}

/** The whole model as one message in memory, weights inline. */
export async function toBytes(model: Model): Promise<Uint8Array<ArrayBuffer>> {
  const encoded = encode(model);
  const bytes = new Uint8Array(encoded.byteLength);
  let at = 0;
  for await (const piece of encoded.stream()) {
    bytes.set(piece, at);
    at += piece.byteLength;
  }
  return bytes;
}

class Externals {
  /** The pieces of each data file. */
  private readonly pieces: Piece[][] = [];
  private length = 0;
  /** Weights that share their data (tied weights) share their place. */
  private readonly places = new Map<TensorData, Readonly<Record<string, string>>>();

  constructor(private readonly options: NonNullable<EncodeOptions["external"]>) {}

  place(data: TensorData): Readonly<Record<string, string>> | undefined {
    const { threshold = THRESHOLD, limit = Number.POSITIVE_INFINITY } = this.options;
    if (data.byteLength < Math.max(threshold, 1)) return undefined;
    const known = this.places.get(data);
    if (known) return known;
    const alignment = data.byteLength >= LARGE ? PAGE : VECTOR;
    const gap = (alignment - (this.length % alignment)) % alignment;
    if (this.pieces.length === 0 || this.length + gap + data.byteLength > limit) {
      this.pieces.push([data]);
      this.length = 0;
    } else {
      const pieces = this.pieces.at(-1)!;
      if (gap > 0) pieces.push(new Uint8Array(gap));
      pieces.push(data);
      this.length += gap;
    }
    const offset = this.length;
    this.length += data.byteLength;
    const location = this.location(this.pieces.length - 1);
    const entries = { location, offset: String(offset), length: String(data.byteLength) };
    this.places.set(data, entries);
    return entries;
  }

  files(): readonly DataFile[] {
    return this.pieces.map((pieces, at) => ({ ...encodedFile(pieces), location: this.location(at) }));
  }

  private location(at: number): string {
    return at === 0 ? this.options.location : `${this.options.location}_${at}`;
  }
}

const encodedFile = (pieces: readonly Piece[]): EncodedFile => ({
  byteLength: pieces.reduce((sum, piece) => sum + pieceLength(piece), 0),
  pieces,
  async *stream() {
    for (const piece of pieces) yield* pieceStream(piece);
  },
});

/** The bytes of a piece. Throws when a weight gives another number of them than it said: a length is already written. */
export async function* pieceStream(piece: Piece): AsyncIterable<Uint8Array> {
  if (piece instanceof Uint8Array) {
    yield piece;
    return;
  }
  let given = 0;
  for await (const bytes of piece.stream()) {
    given += bytes.byteLength;
    if (given > piece.byteLength) break;
    yield bytes;
  }
  if (given !== piece.byteLength) throw internal(`a tensor gave ${given} bytes or more of ${piece.byteLength}`);
}

// Codes of a weight in any number format, with the scales, zero points or numbers that belong to them. They come out of one
// computation, which runs when the first of them is pulled: the small parts are kept, packed codes only until they are pulled.

import { FLOAT_FORMATS } from "../tensor/float-formats.js";
import { toFloat16, toSharedFloat16 } from "../tensor/float16.js";
import { LEVEL_TABLES } from "../tensor/level-tables.js";
import { type Packing, packedBytes, packingFor } from "../tensor/packing.js";
import { CHUNK, derivedData, type TensorData } from "../tensor/tensor.js";
import type { Weight } from "../weights/weights.js";
import { type Fitter, notFinite, type Workers } from "./computation.js";
import { scaleMatrix } from "./cut.js";
import { type CodeLayout, encodeWeight, fitLayoutOf, groupsOf, scalingOf } from "./encode-weight.js";
import type { NumberFormat, ScaleFormat } from "./formats/index.js";

export { type CodeLayout, channelsOf, gridFor, groupSize, groupsOf } from "./encode-weight.js";

export interface PackedCodes {
  readonly packing: Packing;
  /** One for each plane of the packing, codes in the weight's own order. */
  readonly planes: readonly TensorData[];
  /** One for each part of the cut, in `scaleFormat`; absent for codebooks. */
  readonly scales?: TensorData;
  /** Affine: one byte for each scale, the code of 0. */
  readonly zeroPoints?: TensorData;
  /** NVFP4, shared16: one float32 that all scales (of codebooks: all numbers) are multiplied by. */
  readonly tensorScale?: TensorData;
  /** Codebooks: [groups, entries] in `scaleFormat`. */
  readonly levels?: TensorData;
  /** Sum of the squared differences to the weight. Computes the codes, unless they were pulled before. */
  squaredError(): Promise<number>;
}

/** Levels of a code: what the packing is made for. */
export function levelsOf(format: NumberFormat, entries: number): number {
  if (format.kind === "learned") return entries;
  if (format.kind === "levels") return LEVEL_TABLES[format.table!].levels.length;
  return 2 ** format.bits;
}

export function packedCodes(workers: Workers, weight: Weight, layout: CodeLayout): PackedCodes {
  const { cut, format, scaleFormat, entries } = layout;
  const packing = packingFor(levelsOf(format, entries));
  const shared = new Computation(workers, weight, layout, packing);
  const [rows, columns] = scaleMatrix(cut);
  const planes = packing.planes.map((plane, at) =>
    derivedData(packedBytes({ ...packing, planes: [plane] }, weight.elements), async function* () {
      const bytes = await shared.plane(at);
      for (let from = 0; from < bytes.byteLength; from += CHUNK) yield bytes.subarray(from, from + CHUNK);
    }),
  );
  const squaredError = async () => (await shared.small()).squaredError;
  const tensorScale = (scaleFormat === "float8e4m3fn" || scaleFormat === "shared16") && {
    tensorScale: lazy(4, async () => bytesOf(Float32Array.of((await shared.small()).tensorScale))),
  };
  if (format.kind === "learned") {
    const count = groupsOf(layout) * entries;
    const levels = lazy(count * SCALE_BYTES[scaleFormat], async () => (await shared.small()).levels!);
    return { packing, planes, levels, squaredError, ...tensorScale };
  }
  const scales = lazy(rows * columns * SCALE_BYTES[scaleFormat], async () => (await shared.small()).scales);
  return {
    packing,
    planes,
    scales,
    squaredError,
    ...(scalingOf(layout) === "affine" && {
      zeroPoints: lazy(rows * columns, async () => (await shared.small()).zeroPoints!),
    }),
    ...tensorScale,
  };
}

/** What is kept, in the bytes of the file. */
interface Small {
  readonly scales: Uint8Array;
  readonly zeroPoints?: Uint8Array;
  readonly tensorScale: number;
  readonly levels?: Uint8Array;
  readonly squaredError: number;
}

/** The one computation whose planes are held. Planes are pulled one after the other; another weight's may not pile up. */
let holding: Computation | undefined;

class Computation {
  #small: Small | undefined;
  #planes = new Map<number, Uint8Array>();
  #running: Promise<void> | undefined;

  constructor(
    private readonly workers: Workers,
    private readonly weight: Weight,
    private readonly layout: CodeLayout,
    private readonly packing: Packing,
  ) {
    if (layout.fit && workers.fits && layout.format.kind !== "learned") {
      this.#fitted = workers.fits.want(weight, fitLayoutOf(weight, { ...layout, fit: layout.fit }, packing));
    }
  }

  async plane(at: number): Promise<Uint8Array> {
    for (;;) {
      const bytes = this.#planes.get(at);
      if (bytes) {
        this.#planes.delete(at);
        return bytes;
      }
      await this.#run();
    }
  }

  async small(): Promise<Small> {
    while (this.#small === undefined) await this.#run();
    return this.#small;
  }

  /** Fitted codes are asked for at once: they are found before anything is pulled. */
  #fitted: ReturnType<Fitter["want"]> | undefined;

  async #encode(): Promise<Awaited<ReturnType<typeof encodeWeight>>> {
    return this.#fitted ? this.#fitted() : encodeWeight(this.workers, this.weight, this.layout, this.packing);
  }

  /** Computes once for all who wait. A failure (a cancelled pull) is not kept. */
  #run(): Promise<void> {
    this.#running ??= this.#compute().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #compute(): Promise<void> {
    const { encoded, levels, tensorScale } = await this.#encode();
    if (encoded.nonFinite > 0) throw notFinite(this.weight);
    if (holding && holding !== this) holding.#planes.clear();
    holding = this;
    this.#planes = new Map(encoded.planes.entries());
    const { scales, zeroPoints, squaredError } = encoded;
    const { scaleFormat } = this.layout;
    const kept = stored(levels ?? scales, scaleFormat);
    this.#small = {
      scales: levels ? EMPTY : kept.bytes,
      ...(zeroPoints && { zeroPoints }),
      ...(levels && { levels: kept.bytes }),
      tensorScale: kept.factor ?? tensorScale,
      squaredError,
    };
  }
}

/** Bytes of one scale. */
export const SCALE_BYTES = { float32: 4, float16: 2, shared16: 2, float8e8m0: 1, float8e4m3fn: 1 } as const;

const EMPTY = new Uint8Array(0);

/** Values that the type holds exactly, in its bytes; and what they are multiplied by. */
function stored(values: Float32Array, format: ScaleFormat): { readonly bytes: Uint8Array; readonly factor?: number } {
  if (format === "float32") return { bytes: bytesOf(values) };
  if (format === "float16") return { bytes: bytesOf(toFloat16(values)) };
  if (format === "shared16") {
    const { bits, factor } = toSharedFloat16(values);
    return { bytes: bytesOf(bits), factor };
  }
  return { bytes: Uint8Array.from(values, (value) => FLOAT_FORMATS[format].encode(value)) };
}

const lazy = (byteLength: number, make: () => Promise<Uint8Array>): TensorData =>
  derivedData(byteLength, async function* () {
    yield await make();
  });

const bytesOf = (view: ArrayBufferView) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

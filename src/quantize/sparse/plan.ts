// Weights with many zeros: only the others are stored, in any number format, with one of three ways to say where they stand.
// Zeros stay exactly zero, whatever the format.

import { FLOAT_BYTES } from "../../kernels/numbers.js";
import { readsSparse } from "../../targets/target.js";
import { LEVEL_TABLES } from "../../tensor/level-tables.js";
import { derivedData, type TensorData } from "../../tensor/tensor.js";
import type { Weight } from "../../weights/weights.js";
import type { Workers } from "../computation.js";
import { type DecodingPlace, type ExtractPlan, planExtract } from "../extract/choose.js";
import { type Packed, packed } from "../extract/extract.js";
import { isPlain, type NumberFormat } from "../formats/index.js";
import type { Settings } from "../options.js";
import type { Edits } from "../rewrite.js";
import { allZero, OPSETS, type Placing, placeByGaps, placeByMask } from "./decode.js";
import { type GapBits, gapsOf, indicesOf, maskOf, type Occupancy, valuesOf } from "./non-zeros.js";

export interface SparsePlan extends ExtractPlan {
  /** The format has no zero, and half of the weight or more is: dense codes, even if smaller, would be of another weight. */
  readonly keepsZeros: boolean;
}

/**
 * The smallest of the forms that the option allows, whether or not it is smaller than the dense weight; or why there is none.
 * Reads nothing: what it needs of the weight's numbers is in `occupancy`.
 */
export function planSparse(
  weight: Weight,
  settings: Settings,
  place: DecodingPlace,
  occupancy: Occupancy,
): SparsePlan | { readonly obstacle: string } {
  const { format, sparse, granularity } = settings;
  if (granularity === "channel") return { obstacle: "the scales of sparse weights are those of blocks or of a tensor" };
  // The dense form refuses them by name.
  if (occupancy.nonFinite > 0 && !isPlain(format)) return { obstacle: "it holds infinities or NaN" };
  if (weight.elements > MOST_ELEMENTS) return { obstacle: "decoded at load, it would pass 1 GiB" };
  if (occupancy.nonZero === 0) return { ...nothing(weight, settings), keepsZeros: true };
  const forms = [
    ...(sparse === "initializer" || sparse === "auto" ? [initializer(weight, settings, place, occupancy)] : []),
    ...(sparse === "gaps" || sparse === "auto"
      ? GAP_BITS.map((bits) => gaps(weight, settings, place, occupancy, bits))
      : []),
    ...(sparse === "bitmask" || sparse === "auto" ? [bitmask(weight, settings, place, occupancy)] : []),
  ];
  const [best] = forms.filter((form) => "bytes" in form).sort((a, b) => a.bytes - b.bytes);
  const keepsZeros = !holdsZero(settings) && 2 * occupancy.nonZero <= weight.elements;
  return best
    ? { ...best, keepsZeros }
    : { obstacle: [...new Set(forms.flatMap((form) => ("obstacle" in form ? form.obstacle : [])))].join("; ") };
}

const GAP_BITS: readonly GapBits[] = [8, 16];

/** ONNX Runtime folds no node whose result passes 1 GiB. */
const MOST_ELEMENTS = 2 ** 28;

type Form = ExtractPlan | { readonly obstacle: string };

/** What stands beside a weight while it is decoded, in float copies of it: measured at 50 % and 90 % zeros. */
const COPIES = { bitmask: 8, gaps: 4.3, initializer: 1.6 } as const;

function bitmask(weight: Weight, settings: Settings, place: DecodingPlace, { nonZero }: Occupancy): ExtractPlan {
  // Where the format has no zero, it is put before the decoded numbers.
  const lead = holdsZero(settings) ? 1 : 0;
  const values = valuesPlan(weight, settings, place, nonZero + lead);
  return {
    ...values,
    text: textOf(values, nonZero, weight, "a mask"),
    opset: Math.max(values.opset, OPSETS.bitmask),
    copies: COPIES.bitmask,
    bytes: values.bytes + Math.ceil(weight.elements / 8),
    pack(edits, workers) {
      const data = valuesOf(workers, weight, nonZero, lead);
      return values.joined(edits, workers, data, (name) =>
        placeByMask(edits, weight, name, maskOf(workers, weight), lead === 0),
      );
    },
  };
}

function gaps(weight: Weight, settings: Settings, place: DecodingPlace, occupancy: Occupancy, bits: GapBits): Form {
  const escapes = occupancy.escapes[bits];
  if (!Number.isFinite(escapes)) return { obstacle: "too few of its elements are zero" };
  if (escapes > 0 && !holdsZero(settings)) {
    return { obstacle: `${settings.format.name} has no zero, which gaps longer than ${2 ** bits - 1} need` };
  }
  const count = occupancy.nonZero + escapes;
  const values = valuesPlan(weight, settings, place, count);
  return {
    ...values,
    text: textOf(values, occupancy.nonZero, weight, `gaps of ${bits} bits`),
    opset: Math.max(values.opset, OPSETS.gaps),
    copies: COPIES.gaps,
    bytes: values.bytes + (count * bits) / 8,
    pack(edits, workers) {
      const made = gapsOf(workers, weight, bits, count);
      return values.joined(edits, workers, made.values, (name) =>
        placeByGaps(edits, weight, name, made.gaps, bits, keeps(weight, settings.format)),
      );
    },
  };
}

/** Holds numbers as they are. The runtime makes it dense when it loads the model, without a node. */
function initializer(weight: Weight, { format }: Settings, { target }: DecodingPlace, { nonZero }: Occupancy): Form {
  const { tensor, name } = weight;
  const { dtype, dims } = tensor;
  if (![...target.runtimes, ...(target.builds ?? [])].every(readsSparse)) {
    return {
      obstacle: `on target ${target.name} sparse_initializer fails: builds of onnxruntime-web that hold WebGPU do not read it`,
    };
  }
  if (!keeps(weight, format))
    return { obstacle: `sparse_initializer would hold its numbers as ${dtype}: use weights float32` };
  const values = { dtype, dims: [nonZero] };
  return {
    format,
    text: `${format.name} with places (${shareOf(nonZero, weight)})`,
    opset: 11,
    copies: COPIES.initializer,
    bytes: nonZero * ((dtype === "float16" ? 2 : 4) + 8),
    pack: (_, workers) =>
      packed(
        [
          [
            name,
            {
              dtype,
              dims,
              sparse: {
                values: { ...values, data: valuesOf(workers, weight, nonZero, 0) },
                indices: { dtype: "int64", dims: [nonZero], data: indicesOf(workers, weight, nonZero) },
              },
            },
          ],
        ],
        [],
      ),
  };
}

function nothing(weight: Weight, { format }: Settings): ExtractPlan {
  return {
    format,
    text: "zeros",
    opset: 9,
    copies: 1,
    bytes: 0,
    pack(edits) {
      const { parts, nodes } = allZero(edits, weight);
      return packed(parts, nodes);
    },
  };
}

interface Values extends Omit<ExtractPlan, "pack" | "copies"> {
  /** The values under a name of their own, then what puts them in their places. */
  joined(edits: Edits, workers: Workers, data: Weight["tensor"]["data"], place: (name: string) => Placing): Packed;
}

/** The non-zeros as a weight of one axis: as they are, or in the format, one scale for all or for so many in a row. */
function valuesPlan(weight: Weight, settings: Settings, place: DecodingPlace, count: number): Values {
  const { format } = settings;
  const list = (name: string, data: Weight["tensor"]["data"], elements = count): Weight => ({
    name,
    tensor: { dtype: weight.tensor.dtype, dims: [elements], data },
    graph: weight.graph,
    elements,
    consumers: [],
    overridable: false,
  });
  const join = (values: Packed, { parts, nodes }: Placing): Packed => ({
    ...values,
    ...packed([...values.parts, ...parts], [...values.decode, ...nodes]),
  });
  const nameOf = (edits: Edits) => edits.fresh(`${weight.name}_values`);
  if (keeps(weight, format)) {
    return {
      format,
      text: format.name,
      opset: 0,
      bytes: count * (weight.tensor.dtype === "float16" ? 2 : 4),
      joined(edits, _, data, placing) {
        const name = nameOf(edits);
        return join(packed([[name, list(name, data).tensor]], []), placing(name));
      },
    };
  }
  // A channel has non-zeros here and there: blocks of them take the part of channels.
  const blocks = settings.granularity === "auto" && format.bits <= 8 && format.kind !== "learned";
  const own: Settings = blocks ? { ...settings, granularity: "block" } : settings;
  // Whole blocks and bytes, so that scales need no index of their own: zeros after the last value.
  const whole = own.granularity === "block" ? own.block : 8;
  const padded = Math.ceil(count / whole) * whole;
  const { text, opset, bytes } = planExtract(list("", weight.tensor.data, padded), own, place);
  return {
    format,
    text,
    opset,
    bytes,
    joined(edits, workers, data, placing) {
      const name = nameOf(edits);
      const all = list(name, followed(data, padded, weight), padded);
      return join(planExtract(all, own, place).pack(edits, workers), placing(name));
    },
  };
}

function followed(data: TensorData, count: number, { tensor }: Weight): TensorData {
  const byteLength = count * FLOAT_BYTES[tensor.dtype];
  return derivedData(byteLength, async function* () {
    yield* data.stream();
    yield new Uint8Array(byteLength - data.byteLength);
  });
}

/** Whether the format is that of the weight itself. */
const keeps = ({ tensor }: Weight, { name }: NumberFormat) => name === "float32" || name === tensor.dtype;

/** Whether a zero among the values comes back as zero. */
const holdsZero = ({ format }: Settings): boolean =>
  isPlain(format) ||
  format.kind === "integer" ||
  format.kind === "float" ||
  (format.table !== undefined && [...LEVEL_TABLES[format.table].levels].includes(0));

const shareOf = (nonZero: number, { elements }: Weight) =>
  `${((100 * nonZero) / elements).toPrecision(3)} % are not zero`;

const textOf = ({ text }: Pick<Values, "text">, nonZero: number, weight: Weight, how: string) =>
  `its non-zeros with ${how} (${shareOf(nonZero, weight)}): ${text}`;

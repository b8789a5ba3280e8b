// float16 weights and arithmetic. Operators without float16, sizes, and whatever would pass its range stay in float32.

import { info, type Note, warning } from "../../base/note.js";
import { type Graph, label, type Model, type Node } from "../../ir/model.js";
import { everyNode, subgraphs } from "../../ir/traverse.js";
import { outputTypes } from "../../ops/types.js";
import type { StepContext } from "../../step/step.js";
import type { DType } from "../../tensor/dtype.js";
import { collectWeights, matrixUses, type Weight } from "../../weights/weights.js";
import { halfCopy } from "../computation.js";
import { toHalf } from "../half/convert.js";
import { decodingNodes } from "../half/decoding.js";
import { LARGEST_VALUE, largestValues, SUBNORMAL, weightRange } from "../half/ranges.js";
import { operatorObstacle } from "../half/rules.js";
import type { Settings } from "../options.js";
import { prepare, raiseOpset } from "../prepare.js";
import { Edits } from "../rewrite.js";
import { matcher, nothingDone, selection } from "../select.js";
import { COMMON, defineScheme } from "./scheme.js";

export const half = defineScheme({
  name: "half",
  summary: "float16 weights and arithmetic; inputs and outputs stay float32 unless asked otherwise",
  reference: "https://onnxruntime.ai/docs/performance/model-optimizations/float16.html",
  operators: ["*"],
  reads: { ...COMMON, compute: true, io: true, float16Io: true, guard: true },
  serves: ({ format, compute, sparse }) => sparse === "off" && format.computes === true && compute === "compute",
  foresee(model) {
    const opset = model.opsets.get("") ?? 1;
    const nodes = [...everyNode(model)].map((node) => [node, operatorObstacle(node, opset)] as const);
    return {
      made: nodes.flatMap(([node, obstacle]) => (obstacle === undefined ? [[node, "float16"] as const] : [])),
      kept: nodes.flatMap(([node, obstacle]) => (obstacle === undefined ? [] : [[node, obstacle] as const])),
    };
  },
  async apply(given, settings, context) {
    const { model, notes: raised } = raiseOpset(await prepare(given), 7);
    const weights = collectWeights(model, { functions: false }).filter((weight) => weight.tensor.dtype === "float32");
    const values = floatValues(model);
    if (weights.length + values.length === 0) return { model: given, notes: [nothingDone("float16", given)] };
    const ranged = await outOfRange(model, weights, values, settings, context);
    const choice = selection(model, { ...settings, minimum: 0 });
    const large = selection(model, settings);
    const decoding = decodingNodes(model);
    const storedNames = new Set(
      weights
        .filter(({ consumers }) => !consumers.some(({ node, path }) => decoding.has(path[0] ?? node!)))
        .filter((weight) => !ranged.reasons.has(weight.name) && large.reasonToKeep(weight) === undefined)
        .map((weight) => weight.name),
    );
    const edits = new Edits(model);
    const kept = new Map<string, Node[]>();
    const opset = model.opsets.get("") ?? 1;
    let narrowed = 0;
    const converted = toHalf(model, {
      io: settings.io,
      float16Io: matcher(settings.float16Io ?? []),
      stores: (name) => storedNames.has(name),
      fresh: (prefix) => edits.fresh(prefix),
      half(name, tensor) {
        narrowed++;
        return halfCopy(context, name, tensor);
      },
      obstacle: (node, names) =>
        (decoding.has(node) ? DECODING : undefined) ??
        operatorObstacle(node, opset) ??
        (choice.node(node) ? undefined : "the options keep or only say so") ??
        names.map((name) => ranged.reasons.get(name)).find((reason) => reason !== undefined),
      kept: (node, reason) => kept.set(reason, [...(kept.get(reason) ?? []), node]),
    });
    const notes = [...raised, ...ranged.notes, ...borders(model, ranged, settings), ...keptNodes(kept)];
    // Casts around values alone would make the file larger, and no weight smaller; who states io asks for just them.
    if (settings.io === "float32" && !settings.float16Io?.length && narrowed === 0 && decoding.size === 0) {
      return { model: given, notes: [...notes, nothingDone("float16", given)] };
    }
    return { model: converted, notes: [...notes, ...speed(context), JUDGED] };
  },
});

const DECODING = "it decodes a weight when the model loads";

/** ONNX Runtime's CPU widens float16 nodes to float32 and rounds nothing on the way. */
const JUDGED = warning(
  "float16-judged-in-float32",
  "Fidelity measured on a CPU is that of float32 arithmetic on float16 weights and values; a GPU rounds more.",
);

/** Inputs and outputs that the option io makes float16 whatever they hold. */
function borders({ graph }: Model, { reasons }: OutOfRange, { io, float16Io = [] }: Settings): Note[] {
  const stated = matcher(float16Io);
  return [...graph.inputs, ...graph.outputs].flatMap(({ name }) => {
    const reason = io === "float16" || stated(name) ? reasons.get(name) : undefined;
    if (reason === undefined) return [];
    const text = `"${name}" is float16 as io asks, and becomes infinite beyond: ${reason}. Use io float32.`;
    return [warning("border-out-of-range", text, name)];
  });
}

function keptNodes(kept: ReadonlyMap<string, readonly Node[]>): Note[] {
  return [...kept].flatMap(([reason, nodes]) =>
    reason === DECODING
      ? [info("kept-float32", `${nodes.length} nodes stay float32, as they decode weights when the model loads.`)]
      : nodes.map((node) =>
          info("kept-float32", `${label(node)} (${node.opType}) stays float32: ${reason}.`, label(node)),
        ),
  );
}

function speed({ target }: StepContext): Note[] {
  if (target.fast.float16) return [];
  const text = `Target ${target.name} computes float16 by casting to float32: smaller, not faster. Use compute: stored, or a GPU.`;
  return [info("float16-speed", text)];
}

/** Names of float32 values that nodes of the top-level graph give. */
function floatValues(model: Model): string[] {
  const types = new Map<string, DType | undefined>();
  const { graph } = model;
  for (const { name, type } of graph.inputs) types.set(name, type?.kind === "tensor" ? type.dtype : undefined);
  for (const [name, { dtype }] of graph.initializers) types.set(name, dtype);
  const found: string[] = [];
  for (const node of graph.nodes) {
    if (subgraphs(node).length > 0) continue;
    for (const [at, dtype] of outputTypes(node, (name) => types.get(name)).entries()) {
      const name = node.outputs[at]!;
      const known = dtype ?? statedType(graph, name);
      types.set(name, known);
      if (name !== "" && known === "float32") found.push(name);
    }
  }
  return found;
}

function statedType(graph: Graph, name: string): DType | undefined {
  const type = (graph.valueInfo.get(name) ?? graph.outputs.find((output) => output.name === name))?.type;
  return type?.kind === "tensor" ? type.dtype : undefined;
}

/** Inputs that come as float32. One with a default value is never cast. */
const floatInputs = ({ graph }: Model): string[] =>
  graph.inputs.flatMap(({ name, type }) =>
    type?.kind === "tensor" && type.dtype === "float32" && !graph.initializers.has(name) ? [name] : [],
  );

interface OutOfRange {
  /** By value or weight name: why nodes that touch it stay float32. */
  readonly reasons: ReadonlyMap<string, string>;
  readonly notes: readonly Note[];
}

async function outOfRange(
  model: Model,
  weights: readonly Weight[],
  values: readonly string[],
  settings: Settings,
  context: StepContext,
): Promise<OutOfRange> {
  const reasons = new Map<string, string>();
  const notes: Note[] = [];
  const bytes = weights.reduce((sum, weight) => sum + 4 * weight.elements, 0);
  // Reading every weight of a large model first would double the work; large ones are checked as they are converted.
  // What is no trained matrix (a mask, say) is where values beyond float16 are found: it is read whatever its size.
  const small = (weight: Weight) => weight.elements <= ALWAYS_READ || matrixUses(weight).length === 0;
  const checked = bytes <= READ_ALL ? weights : weights.filter(small);
  for (const weight of checked) {
    const { overflow, underflow, maxAbs } = await weightRange(weight, context);
    if (overflow > 0) {
      reasons.set(weight.name, `${weight.name} holds values up to ${maxAbs.toPrecision(4)}, beyond float16`);
      notes.push(
        warning("value-out-of-range", `Weight "${weight.name}" reaches ${maxAbs.toPrecision(4)}.`, weight.name),
      );
    } else if (maxAbs !== 0 && (maxAbs < SUBNORMAL || (maxAbs < TINY && underflow > 0))) {
      // Small values beside large ones may become 0: they did not matter. A weight that is small as a whole does.
      reasons.set(weight.name, `${weight.name} reaches only ${maxAbs.toPrecision(2)}, where float16 has few digits`);
      notes.push(warning("value-underflow", `Weight "${weight.name}" is too small for float16.`, weight.name));
    }
  }
  if (settings.guard === "off" || (settings.guard === "auto" && bytes > RUN_BELOW)) {
    const why = settings.guard === "off" ? "as the option says" : "because the model is large";
    notes.push(
      warning("values-not-checked", `Whether values pass float16's range was not checked by running, ${why}.`),
    );
    return { reasons, notes };
  }
  for (const [name, largest] of await largestValues(model, [...floatInputs(model), ...values], context, SAMPLES)) {
    if (largest <= LARGEST_VALUE) continue;
    reasons.set(name, `${name} reaches ${largest.toPrecision(4)}; float16 ends at 65504`);
    notes.push(warning("value-out-of-range", `Value "${name}" reaches ${largest.toPrecision(4)} on the data.`, name));
  }
  return { reasons, notes };
}

const TINY = 2 ** -10;
const READ_ALL = 256 * 2 ** 20;
const ALWAYS_READ = 2 ** 18;
const RUN_BELOW = 512 * 2 ** 20;
const SAMPLES = 4;

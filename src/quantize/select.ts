// Which weights a quantize step is about, with which settings each: patterns of the user, sizes, and the reasons of
// those left out.

import { invalid, PareError } from "../base/errors.js";
import { info, type Note, warning } from "../base/note.js";
import type { Model, Node } from "../ir/model.js";
import { everyGraph } from "../ir/traverse.js";
import { elementCount } from "../tensor/dtype.js";
import { type Patterns, patterns } from "../weights/patterns.js";
import type { Weight } from "../weights/weights.js";
import { quantizedAlready } from "./existing.js";
import { checkForm } from "./native/index.js";
import { overridden, type Settings } from "./options.js";

export { matcher } from "../weights/patterns.js";

export interface Selection {
  /** Whether the patterns leave a node to the step. */
  node(node: Node): boolean;
  /** Why a weight stays as it is, or undefined when the step may change it. */
  reasonToKeep(weight: Weight): string | undefined;
  /** The settings with those of the first entry of `layers` that matches the weight or a node that uses it. */
  settingsFor(weight: Weight): Settings;
  /** Which entry of `layers` that was, counted from 1; undefined: none. */
  layerOf(weight: Weight): number | undefined;
  /** What was understood otherwise than it may have been meant. */
  readonly notes: readonly Note[];
}

/**
 * Throws what `patterns` throws, and, naming the entry of `layers`, `invalid("quantize-options")` where its options
 * contradict each other or those of the step, and `unsupported("form-missing")`.
 */
export function selection(model: Model, settings: Settings): Selection {
  const notes: Note[] = float64Weights(model).map(([name, { dims }]) =>
    info("kept-float", `"${name}" [${dims}] stays float64: pare quantizes float32 and float16. ${CAST_FIRST}`, name),
  );
  const { minimum } = settings;
  const keep = patterns(model, settings.keep, minimum, notes);
  const only = settings.only.length > 0 ? patterns(model, settings.only, minimum, notes) : EVERYTHING;
  const layers = (settings.layers ?? []).map((layer, at) => ({
    matches: patterns(model, layer.match, minimum, notes),
    keep: layer.keep === true,
    settings: layerSettings(settings, layer, at),
  }));
  const layerAt = (weight: Weight) => {
    const at = layers.findIndex(({ matches }) => touches(matches, weight));
    return at < 0 ? undefined : at;
  };
  return {
    notes,
    node: (node) => !keep.node(node) && only.node(node) && !layers.find(({ matches }) => matches.node(node))?.keep,
    reasonToKeep(weight) {
      if (keep.weight(weight)) return "the option keep names it";
      if (usersOf(weight).some(keep.node)) return "the option keep names a node that uses it";
      if (!touches(only, weight)) return "the option only does not name it";
      const layer = layerAt(weight);
      if (layer !== undefined && layers[layer]!.keep) return `entry ${layer + 1} of the option layers keeps it`;
      if (weight.overridable) return "it is also an input of the model, so a caller may replace it";
      if (weight.elements === 0) return "it is empty";
      if (weight.elements < minimum) return `it has fewer than ${minimum} elements`;
      return undefined;
    },
    settingsFor(weight) {
      const layer = layerAt(weight);
      return layer === undefined ? settings : layers[layer]!.settings;
    },
    layerOf(weight) {
      const layer = layerAt(weight);
      return layer === undefined ? undefined : layer + 1;
    },
  };
}

const EVERYTHING: Patterns = { node: () => true, weight: () => true };

/** Nodes that use it, and those through which they see it. */
const usersOf = (weight: Weight): readonly Node[] =>
  weight.consumers.flatMap(({ node, path }) => (node ? [...path, node] : path));

const touches = (matches: Patterns, weight: Weight) => matches.weight(weight) || usersOf(weight).some(matches.node);

function layerSettings(settings: Settings, layer: NonNullable<Settings["layers"]>[number], at: number): Settings {
  const where = `Entry ${at + 1} of the option layers (${layer.match.join(", ")})`;
  const { match: _, keep, ...options } = layer;
  const stated = Object.entries(options).filter(([, value]) => value !== undefined);
  if (keep && stated.length > 0) {
    throw invalid("quantize-options", `${where} keeps its weights as they are: its other options do nothing.`, {
      found: stated.map(([name]) => name).join(", "),
      hint: "Leave keep out, or the others.",
    });
  }
  if (!keep && stated.length === 0) {
    throw invalid("quantize-options", `${where} states no option.`, {
      expected: "keep: true, or options such as weights",
    });
  }
  try {
    const own = keep ? settings : overridden(settings, layer);
    checkForm(own);
    return own;
  } catch (error) {
    if (!(error instanceof PareError)) throw error;
    const { code, kind, expected, found, hint } = error;
    throw new PareError(`${where}: ${error.message}`, { code, kind, expected, found, hint, cause: error });
  }
}

/** Notes of weights left out; small ones are counted together, they are many and matter little. */
export function keptNotes(kept: readonly { readonly weight: Weight; readonly reason: string }[]): Note[] {
  const large = kept.filter(({ weight }) => weight.elements >= LARGE);
  const small = kept.length - large.length;
  const notes = large.map(({ weight, reason }) =>
    info(
      "kept-float",
      `"${weight.name}" [${weight.tensor.dims}] stays ${weight.tensor.dtype}: ${reason}.`,
      weight.name,
    ),
  );
  if (small > 0) {
    const what = small === 1 ? "1 small constant" : `${small} small constants`;
    const stay = small === 1 ? "stays" : "stay";
    notes.push(info("kept-float", `${what} (biases, norms, fewer than ${LARGE} elements) ${stay} float.`));
  }
  return notes;
}

export const LARGE = 256;

const CAST_FIRST = "Export the model in float32 first.";

/** Matrices that nothing here reads: type, not size, is why. */
const float64Weights = (model: Model) =>
  [...everyGraph(model)].flatMap(({ initializers }) =>
    [...initializers].filter(
      ([, { dtype, dims }]) => dtype === "float64" && dims.length > 1 && elementCount(dims) >= LARGE,
    ),
  );

/** Says that a step changed nothing, and why, as far as the model tells. */
export function nothingDone(what: string, model?: Model): Note {
  const text = `The model has no weights that ${what} can change`;
  const already = model ? quantizedAlready(model) : undefined;
  if (already) return warning("nothing-quantized", `${text}: it is already quantized (${already}).`);
  const wide = model ? float64Weights(model).length : 0;
  if (wide === 0) return warning("nothing-quantized", `${text}.`);
  return warning("nothing-quantized", `${text}: ${wide === 1 ? "1 is" : `${wide} are`} float64. ${CAST_FIRST}`);
}

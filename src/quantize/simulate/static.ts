// The static scheme, simulated: weights and activations stand on the grids that the plan gives them, at the same places of the
// graph, and biases on those of their products.

import { internal, unsupported } from "../../base/errors.js";
import { info, type Note } from "../../base/note.js";
import type { Model, Node } from "../../ir/model.js";
import { passes } from "../../passes/index.js";
import { sequence } from "../../passes/pass.js";
import type { StepContext } from "../../step/step.js";
import { elementCount } from "../../tensor/dtype.js";
import type { Attached, AttachSite } from "../../train/attached.js";
import type { Constraint } from "../../train/constraint.js";
import { roundedActivation, roundedBias, roundedWeight } from "../../train/fake-quantize.js";
import type { Prepared } from "../../train/prepared.js";
import type { Rewrite } from "../../train/rewrite.js";
import { matrixOrder } from "../../weights/views.js";
import type { ActivationType, Settings } from "../options.js";
import { type ActivationGrid, codesOf } from "../static/activation-grid.js";
import { fusedNotes } from "../static/fused-notes.js";
import { gridsOfPlan } from "../static/grids-of-plan.js";
import { takenBy } from "../static/islands.js";
import { staticNotes } from "../static/notes.js";
import { type DetailedPlan, planStatic } from "../static/plan.js";
import { prepareStatic } from "../static/prepare.js";
import { rangesOfPlan } from "../static/ranges-of-plan.js";
import type { ScaleGroup } from "../static/scale-groups.js";
import { type MadeWeight, mayPairsSaturate, type Weights, weightsOfPlan } from "../static/weights-of-plan.js";
import { readByFloats, writeQdq } from "../static/write-qdq.js";
import { writeQOperator } from "../static/write-qoperator.js";
import { extraWeights, type Parameter, parameterAfter, parameterIn, sizeOf } from "./scales.js";
import type { SimulateOptions, Simulation } from "./simulation.js";

const FOLDING = [passes.get("constant-weights"), passes.get("fold-batch-norm")];

/** What is learned, and how the optimizer takes it. */
interface Learning extends SimulateOptions {
  /** Factor of the learning rate of a number of about this size. */
  rate(size: number): number;
}

/** A weight on its grid. */
interface WeightOnGrid {
  readonly scale: Parameter;
  /** Codes are -top to top. */
  readonly top: number;
  /** Dimensions of scales that broadcast to the weight as it is stored. */
  readonly dims: readonly number[];
  /** Weights that share a scale. */
  readonly each: number;
}

interface ActivationOnGrid {
  readonly grid: ActivationGrid;
  readonly scale: Parameter;
  readonly zeroPoint: Parameter;
  /** Nothing below the grid occurs. */
  readonly bounded: boolean;
}

/** `simulate` for settings that the static scheme serves. Throws what calibrating and planning throw. */
export async function simulateStatic(
  given: Model,
  settings: Settings,
  options: SimulateOptions,
  context: StepContext,
): Promise<Simulation> {
  // With its own statistics it would be trained between numbers that the export has no place to round.
  const { model: folded } = await sequence(FOLDING, given, context);
  const { model, notes: raised } = await prepareStatic(folded, settings);
  const { plan, values, notes: found, without } = await rangesOfPlan(model, settings, context);
  const grids = gridsOfPlan(plan, { values }, settings.activations as ActivationType);
  const weights = await weightsOfPlan(plan, grids, settings, context);
  const saturates = mayPairsSaturate(settings, context.target);
  const learning: Learning = {
    ...options,
    rate: (size) => options.scaleRate * (options.adaptive ? size : 1),
  };
  const activations = activationsOn(plan, grids, learning);
  const onGrid = weightsOn(plan, weights, learning, saturates);
  const biases = biasesOn(plan, weights);
  return {
    model,
    notes: [...raised, ...found],
    attach: (site) => attached(site, { plan, activations, onGrid, biases, options }),
    async finish(trained, extra) {
      const again = planStatic(trained, settings, context.target, without);
      const after = new Map(
        [...activations].map(([group, { grid, scale, zeroPoint }]) => {
          const [size, code] = [parameterAfter(scale, extra)[0]!, parameterAfter(zeroPoint, extra)[0]!];
          return [group.values[0]!, { ...grid, scale: size, zeroPoint: code }] as const;
        }),
      );
      const trainedGrids = new Map(
        again.quantized.map((name) => [name, after.get(plan.groups.get(name)!.values[0]!)!]),
      );
      const scales = new Map(
        [...onGrid].map(([source, { scale, top }]) => [source, { scales: parameterAfter(scale, extra), top }]),
      );
      const made = await weightsOfPlan(again, trainedGrids, settings, context, scales);
      const write = settings.form === "qoperator" ? writeQOperator : writeQdq;
      const result = write(again, trainedGrids, made);
      const fuses = settings.form !== "qoperator" && !settings.activations.endsWith("16");
      const fused = fuses ? await fusedNotes(result, again, context) : [];
      return { model: result, notes: [...staticNotes(again, settings, context), ...fused], float: trained };
    },
  };
}

function activationsOn(
  plan: DetailedPlan,
  grids: ReadonlyMap<string, ActivationGrid>,
  { scales, offsets, clipDecay, rate, scaleRate, adaptive }: Learning,
): ReadonlyMap<ScaleGroup, ActivationOnGrid> {
  const all = new Map<ScaleGroup, ActivationOnGrid>();
  for (const [name, group] of plan.groups) {
    if (all.has(group)) continue;
    const grid = grids.get(name)!;
    const [first, last] = codesOf(grid);
    const { low, high } = group.bounds;
    // A range that the operator prescribes, and one that was never seen to hold anything, stay.
    const fixed = scales === "fixed" || group.range !== undefined;
    const most = Math.min(
      grid.zeroPoint < last ? high / (last - grid.zeroPoint) : Number.POSITIVE_INFINITY,
      grid.zeroPoint > first ? low / (first - grid.zeroPoint) : Number.POSITIVE_INFINITY,
      LARGEST,
    );
    const initial = Float32Array.of(grid.scale);
    const decay = scales === "pact" ? clipDecay : 0;
    // The runtime takes a Relu away that the grid makes needless, and its bound is a code.
    const moves = offsets && !fixed && !Number.isFinite(low) && !Number.isFinite(high);
    all.set(group, {
      grid,
      bounded: low >= 0,
      scale: {
        name: `pare.scale.${group.values[0]}`,
        initial,
        dims: [],
        low: Math.min(grid.scale, SMALLEST),
        high: Math.max(grid.scale, reached(most, grid, group)),
        ...(!fixed && { learned: { rate: rate(sizeOf(initial)), decay } }),
      },
      zeroPoint: {
        name: `pare.zero_point.${group.values[0]}`,
        initial: Float32Array.of(grid.zeroPoint),
        dims: [],
        low: first,
        high: last,
        whole: true,
        ...(moves && { learned: { rate: scaleRate * (adaptive ? last - first : 1) } }),
      },
    });
  }
  return all;
}

/** Scales stay where float32 has all of its digits. */
const SMALLEST = 1e-12;
const LARGEST = 1e30;
/** Two products of 8-bit activations with codes of up to 64 fit in 16 bits, whatever stands beside them. */
const WITHOUT_SATURATION = 64;

/** The largest scale at which no code stands for a number beyond the bounds, as `activationGrid` has it. */
function reached(most: number, grid: ActivationGrid, { bounds }: ScaleGroup): number {
  if (most >= LARGEST) return LARGEST;
  const { zeroPoint } = grid;
  const [first, last] = codesOf(grid);
  let scale = Math.fround(most);
  const beyond = (grid: number) =>
    (zeroPoint > first && Math.fround((first - zeroPoint) * grid) < bounds.low) ||
    (zeroPoint < last && Math.fround((last - zeroPoint) * grid) > bounds.high);
  while (beyond(scale)) scale = Math.fround(scale * (1 - 2 ** -23));
  return scale;
}

function weightsOn(
  plan: DetailedPlan,
  { byNode }: Weights,
  { scales, rate }: Learning,
  saturates: boolean,
): ReadonlyMap<string, WeightOnGrid> {
  const all = new Map<string, WeightOnGrid & { readonly made: MadeWeight }>();
  for (const [node, made] of byNode) {
    const { source, weight } = made;
    const known = all.get(source);
    if (known?.made === made) continue;
    if (known !== undefined) throw twice(source);
    const { use } = plan.islands.clusters.get(node)!;
    const { consumer, weight: stored } = plan.facts.weight(node, use.weight!.input)!;
    const turned = consumer.path.length > 0 && matrixOrder(consumer.view) === "columns";
    const { dims } = stored.tensor;
    const axis = weight.axis === undefined ? undefined : turned ? dims.length - 1 - weight.axis : weight.axis;
    const top = saturates ? Math.min(weight.top, WITHOUT_SATURATION) : weight.top;
    const initial = weight.values.map((scale) => (scale * weight.top) / top);
    const least = Math.min(...initial);
    all.set(source, {
      made,
      top,
      dims: axis === undefined ? [] : dims.map((size, at) => (at === axis ? size : 1)),
      each: elementCount(dims) / initial.length,
      scale: {
        name: `pare.scale.${source}`,
        initial,
        dims: axis === undefined ? [] : [initial.length],
        low: Math.min(least, SMALLEST),
        high: LARGEST,
        ...(scales === "learned" && { learned: { rate: rate(sizeOf(initial)) } }),
      },
    });
  }
  return all;
}

const twice = (name: string) =>
  unsupported("simulate-shared-weight", `"${name}" is rounded in two ways, by what reads it.`, {
    node: name,
    hint: "Leave one of its readers as it is (keep), or quantize without training.",
  });

/** Biases with the value whose scale their products have, and the weight. */
interface BiasOnGrid {
  readonly value: string;
  readonly weight: string;
}

function biasesOn({ islands }: DetailedPlan, { byNode, biases }: Weights): ReadonlyMap<string, BiasOnGrid> {
  return new Map(
    [...biases].map(([node, { source }]) => {
      const { use } = islands.clusters.get(node)!;
      return [source, { value: node.inputs[use.activations[0]!]!, weight: byNode.get(node)!.source }] as const;
    }),
  );
}

interface Rules {
  readonly plan: DetailedPlan;
  readonly activations: ReadonlyMap<ScaleGroup, ActivationOnGrid>;
  readonly onGrid: ReadonlyMap<string, WeightOnGrid>;
  readonly biases: ReadonlyMap<string, BiasOnGrid>;
  readonly options: SimulateOptions;
}

function attached({ prepared }: AttachSite, rules: Rules): Attached {
  const { plan, activations, onGrid, options } = rules;
  const parameters = [...activations.values()].flatMap(({ scale, zeroPoint }) => [scale, zeroPoint]);
  const known = new Set(prepared.weights.map(({ source }) => source));
  const notes: Note[] = [...onGrid.keys()]
    .filter((source) => !known.has(source))
    .map((source) => info("not-simulated", `"${source}" is rounded at the end only: it is not trained.`, source));
  const used = [...onGrid].filter(([source]) => known.has(source)).map(([, { scale }]) => scale);
  return {
    weights: extraWeights([...used, ...parameters]),
    constraints: [weightConstraint(onGrid), biasConstraint(rules)],
    rewrites: [...plan.groups].flatMap(([value, group]) => rewriteOf(value, activations.get(group)!, rules, prepared)),
    settings: { simulate: options },
    notes,
  };
}

const weightConstraint = (onGrid: ReadonlyMap<string, WeightOnGrid>): Constraint => ({
  name: "weight-grid",
  applies: ({ source }) => onGrid.has(source),
  forward(emit, value, { source }, site) {
    const { scale, top, dims, each } = onGrid.get(source)!;
    const learns = scale.learned && site.weight(scale.name);
    const factor = 1 / Math.sqrt(each * top);
    return roundedWeight(emit, value, {
      low: -top,
      high: top,
      scale: emit.reshape(parameterIn(site, scale), dims),
      ...(learns && { scaleLearns: { value: learns, factor } }),
    });
  },
});

const biasConstraint = ({ plan, activations, onGrid, biases }: Rules): Constraint => ({
  name: "bias-grid",
  applies: ({ source }) => biases.has(source),
  forward(emit, value, { source }, site) {
    const bias = biases.get(source)!;
    const { scale } = activations.get(plan.groups.get(bias.value)!)!;
    const product = emit.mul(parameterIn(site, scale), parameterIn(site, onGrid.get(bias.weight)!.scale));
    const dims = emit.dims(value);
    return roundedBias(emit, value, emit.rank(product) === 0 ? product : emit.reshape(product, dims));
  },
});

/** None where the value holds codes of its grid anyway, moved there. */
function rewriteOf(
  value: string,
  activation: ActivationOnGrid,
  { plan, options }: Rules,
  prepared: Prepared,
): Rewrite[] {
  const { islands, facts, groups } = plan;
  const maker = islands.makers.get(value);
  if (
    (maker?.use.moves || maker?.use.gathers) &&
    takenBy(maker, facts).every((one) => groups.get(one) === groups.get(value))
  )
    return [];
  if (!prepared.shapes.has(value)) throw internal(`training has no value "${value}"`);
  const everywhere = !facts.isInput(value) && (maker !== undefined || !readByFloats(value, plan));
  const { grid, scale, zeroPoint, bounded } = activation;
  const [first, last] = codesOf(grid);
  const steps = Math.max(last - grid.zeroPoint, grid.zeroPoint - first);
  return [
    {
      name: "activation-grid",
      values: new Set([value]),
      ...(!everywhere && { reads: integerReaders(value, plan, prepared) }),
      write(site, x) {
        const { emit } = site;
        const learns = scale.learned && site.weight(scale.name);
        const moves = zeroPoint.learned && site.weight(zeroPoint.name);
        const factor = 1 / Math.sqrt((elementCount(emit.dims(x)) / prepared.batch) * steps);
        const pact = options.scales === "pact";
        return roundedActivation(emit, x, {
          dtype: grid.dtype,
          first,
          last,
          scale: parameterIn(site, scale),
          zeroPoint: parameterIn(site, zeroPoint),
          bounded,
          // PACT learns the range, which is the scale times the steps.
          ...(learns && {
            scaleLearns: { value: learns, factor: pact ? 1 / steps ** 2 : factor, by: pact ? "pact" : "lsq" },
          }),
          ...(moves && { zeroPointLearns: { value: moves, factor } }),
        });
      },
    },
  ];
}

/** Of a value that floats read as it is: the nodes that take it as integers, or what preparation has made of them. */
function integerReaders(
  value: string,
  { islands, facts }: DetailedPlan,
  { model }: Prepared,
): NonNullable<Rewrite["reads"]> {
  const takes = (node: Node, at: number) => islands.clusters.get(node)?.use.activations.includes(at) === true;
  const byResult = new Map(facts.consumers(value).map((node) => [node.outputs[0], node]));
  /** Nodes that have come in the place of a reader, by their first result. */
  const pieces = new Map<string, Node>();
  for (const node of model.graph.nodes.toReversed()) {
    for (const name of node.outputs) {
      const reader = byResult.get(name) ?? pieces.get(name);
      if (reader === undefined) continue;
      pieces.set(node.outputs[0]!, reader);
      for (const input of node.inputs) if (facts.producer(input) === undefined) pieces.set(input, reader);
      break;
    }
  }
  return (node, input) => {
    const reader = pieces.get(node.outputs[0]!);
    if (reader === undefined) return false;
    const same = reader.opType === node.opType && reader.outputs[0] === node.outputs[0];
    if (same) return takes(reader, input);
    return reader.inputs.every((name, at) => name !== value || takes(reader, at));
  };
}

// What the channels of a group give behind their activation function: means over samples and places.

import { info, type Note } from "../../base/note.js";
import { makeNode } from "../../ir/build.js";
import type { Model, Node } from "../../ir/model.js";
import { definitions } from "../../ir/traverse.js";
import { operatorKey } from "../../ops/operator.js";
import { channelStatistics } from "../../statistics/channel-statistics.js";
import type { StepContext } from "../../step/step.js";
import type { Group, Place } from "../group/group.js";
import type { ScoredGroup } from "../scores/score.js";

export type Activations = NonNullable<ScoredGroup["activations"]>;

/**
 * By name of the group, all in one run over the calibrate part of the data. Groups without an inner value are left out. Throws
 * `invalid("calibration-empty")` and what running throws.
 */
export async function activationsOf(
  model: Model,
  groups: readonly Group[],
  samples: number,
  context: StepContext,
  notes: Note[],
): Promise<ReadonlyMap<string, Activations>> {
  const observed = groups.flatMap((group) => {
    const place = observedPlace(model, group);
    return place === undefined ? [] : [{ group, place }];
  });
  const own = new Map<string, Activations>();
  // A value may hold channels of two groups, along two axes: statistics are by value, so each axis is a run.
  for (const axis of new Set(observed.map(({ place }) => place.axis))) {
    const along = observed.filter(({ place }) => place.axis === axis);
    const values = [...new Set(along.map(({ place }) => place.value))];
    const { extended, named } = withMagnitudes(model, values);
    const wanted = values.flatMap((value) => Object.values(named.get(value)!)).map((name) => ({ name, axis }));
    const found = await channelStatistics(extended, wanted, context, { samples });
    for (const { group, place } of along) {
      const { magnitude, alive } = named.get(place.value)!;
      const [absolute, others] = [found.get(magnitude)!, found.get(alive)!];
      own.set(group.name, {
        magnitude: perUnit(group, place, absolute.mean),
        squares: perUnit(group, place, absolute.meanSquare),
        zeros: perUnit(group, place, others.mean).map((share) => 1 - share),
      });
    }
  }
  if (context.data.synthetic && own.size > 0) {
    notes.push(info("score-data", "Activations are those of made-up data: give data for scores that say something."));
  }
  return own;
}

/** One input, one output, position for position: what may stand between a layer and its activation function. */
const ELEMENTWISE = new Set(
  `BatchNormalization Relu LeakyRelu PRelu Clip Sigmoid HardSigmoid HardSwish Swish Mish Tanh Elu Selu Celu Softplus Softsign Gelu
  ThresholdedRelu com.microsoft:FastGelu com.microsoft:QuickGelu com.microsoft:Gelu com.microsoft:BiasGelu`.split(
    /\s+/,
  ),
);

/** The first inner value of the group, or what stands behind it after its activation function. */
function observedPlace({ graph }: Model, { places }: Group): Place | undefined {
  const inner = new Map(places.flatMap((place) => (place.constant ? [] : [[place.value, place] as const])));
  let [place] = inner.values();
  const readers = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const name of new Set(node.inputs)) readers.set(name, [...(readers.get(name) ?? []), node]);
  }
  while (place !== undefined) {
    const nodes: readonly Node[] = readers.get(place.value) ?? [];
    const next = inner.get(nodes[0]?.outputs[0] ?? "");
    const [node] = nodes;
    // A bias of its own, which some exporters write as an Add.
    const isBias = node?.opType === "Add" && node.inputs.some((name) => graph.initializers.has(name));
    const follows = nodes.length === 1 && (isBias || ELEMENTWISE.has(operatorKey(node!)));
    if (!follows || next === undefined || next.axis !== place.axis) break;
    place = next;
  }
  return place;
}

/** The model with |x| and "is not zero" (1 or 0) of each value as further values. */
function withMagnitudes(model: Model, values: readonly string[]) {
  const { graph } = model;
  const taken = definitions(graph);
  const fresh = (stem: string) => {
    let name = stem;
    for (let i = 1; taken.has(name); i++) name = `${stem}_${i}`;
    return name;
  };
  const nodes: Node[] = [...graph.nodes];
  const named = new Map<string, { readonly magnitude: string; readonly alive: string }>();
  for (const [at, value] of values.entries()) {
    const name = (part: string) => fresh(`pare.score.${at}.${part}`);
    const [plain, magnitude, truth, alive] = [name("plain"), name("magnitude"), name("truth"), name("alive")];
    nodes.push(
      makeNode("Cast", [value], [plain], { attributes: { to: 1 } }),
      makeNode("Abs", [plain], [magnitude]),
      // Equal takes floats from opset 11 on only.
      makeNode("Cast", [plain], [truth], { attributes: { to: BOOL } }),
      makeNode("Cast", [truth], [alive], { attributes: { to: 1 } }),
    );
    named.set(value, { magnitude, alive });
  }
  return { extended: { ...model, graph: { ...graph, nodes } }, named };
}

/** As ONNX numbers element types. */
const BOOL = 9;

/** The mean over the positions of each unit. */
function perUnit({ units }: Group, { positions, perUnit: each }: Place, channels: Float64Array): Float64Array {
  const found = new Float64Array(units);
  for (const [at, position] of positions.entries()) {
    const unit = Math.floor(at / each);
    found[unit] = found[unit]! + channels[position]! / each;
  }
  return found;
}

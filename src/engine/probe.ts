// Probes: nodes that tell the shape and element type of a value without keeping it. Each is an output with no elements,
// Slice(Unsqueeze(x, 0), 0:0), whose dimensions are [0, ...those of x]; the value itself is freed as in any run. A value
// whose type has no JavaScript tensor is probed by Shape, or behind a Cast where the runtime's Shape lacks the type.

import { int, ints, tensorAttribute } from "../ir/attributes.js";
import type { Attribute, Graph, Model, Node } from "../ir/model.js";
import { int64 } from "../tensor/tensor.js";

export interface Probe {
  /** The value that is probed. */
  readonly value: string;
  /** The output that tells of it. */
  readonly output: string;
  readonly kind: ProbeKind;
}

/** "slice" tells dimensions and type, "shape" and "cast" only dimensions. */
export type ProbeKind = "slice" | "shape" | "cast";

const PREFIX = "pare.probe";

/** The model with probes as its only outputs. `kinds`: of values that need another probe than "slice". */
export function withProbes(
  model: Model,
  values: readonly string[],
  kinds: ReadonlyMap<string, ProbeKind>,
): { readonly model: Model; readonly probes: readonly Probe[] } {
  const opset = model.opsets.get("") ?? 21;
  const zero = new Map([["value", tensorAttribute(int64([1], [0]))]]);
  const start: Node = { ...node("Constant", [], `${PREFIX}.zero`), attributes: zero };
  const groups: Node[][] = [];
  const probes = values.map((value, index): Probe => {
    const output = `${PREFIX}.${index}`;
    const kind = kinds.get(value) ?? "slice";
    groups.push(probeNodes[kind](value, output, opset));
    return { value, output, kind };
  });
  const graph: Graph = {
    ...model.graph,
    // The last probe first: ONNX Runtime orders nodes depth first from the leaves of highest index, so that each probe
    // then runs as soon as its value is there. In file order all values stayed alive to the end (1.7 GB against 0.4).
    nodes: [start, ...model.graph.nodes, ...groups.reverse().flat()],
    outputs: probes.map(({ output }) => ({ name: output })),
    // Hints of the file may contradict the sizes bound here; the runtime infers its own.
    valueInfo: new Map(),
  };
  const opsets = model.opsets.has("") ? model.opsets : new Map([...model.opsets, ["", opset]] as const);
  return { model: { ...model, opsets, graph }, probes };
}

/** Index of the probe that a node or output name belongs to. */
export function probeIndex(name: string): number | undefined {
  const match = /pare\.probe\.(\d+)/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

const probeNodes = {
  slice,
  shape: (value: string, output: string) => [node("Shape", [value], output)],
  cast: (value: string, output: string, opset: number) => [
    node("Cast", [value], `${output}.wide`, output, { to: int(1) }),
    ...slice(`${output}.wide`, output, opset),
  ],
};

function slice(value: string, output: string, opset: number): Node[] {
  const lifted = `${output}.lifted`;
  const zero = `${PREFIX}.zero`;
  return [
    opset >= 13
      ? node("Unsqueeze", [value, zero], lifted, output)
      : node("Unsqueeze", [value], lifted, output, { axes: ints([0]) }),
    opset >= 10
      ? node("Slice", [lifted, zero, zero, zero], output)
      : node("Slice", [lifted], output, output, { axes: ints([0]), starts: ints([0]), ends: ints([0]) }),
  ];
}

const node = (
  opType: string,
  inputs: readonly string[],
  output: string,
  name = output,
  attributes: Readonly<Record<string, Attribute>> = {},
): Node => ({
  name: `${name}.${opType}`,
  opType,
  domain: "",
  overload: "",
  inputs,
  outputs: [output],
  attributes: new Map(Object.entries(attributes)),
  docString: "",
  metadata: new Map(),
});

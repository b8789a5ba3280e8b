import { expect, test } from "vitest";
import { services } from "../../../tests/support/services.js";
import { run } from "../../engine/run.js";
import { graphBuilder } from "../../ir/build.js";
import type { Node } from "../../ir/model.js";
import { random } from "../../tensor/random.js";
import { float32 } from "../../tensor/tensor.js";
import { backward } from "../backward.js";
import { Emitter } from "../emitter.js";
import { type RecomputeOptions, recompute } from "./recompute.js";

const LAYERS = 6;
const [BATCH, WIDTH] = [4, 8];

/** A chain of layers with one connection past the middle, its loss, and the gradients of its weights. */
function network() {
  const emit = new Emitter({ shape: () => undefined, has: () => false });
  const x = emit.declare("x", { dtype: "float32", dims: [BATCH, WIDTH] });
  const weights = Array.from({ length: LAYERS }, (_, i) => {
    return emit.declare(`w${i}`, { dtype: "float32", dims: [WIDTH, WIDTH] });
  });
  let value = x;
  const layers = weights.map((weight) => {
    value = emit.op("Relu", [emit.matmul(value, weight)], { name: `layer${weight.slice(1)}` });
    return value;
  });
  const past = emit.add(value, layers[1]!);
  const loss = emit.total(emit.mul(past, past));
  const forward = emit.nodes.length;
  const gradients = backward({ nodes: [...emit.nodes], loss, targets: weights }, emit);
  return { emit, loss, weights, forward, nodes: [...emit.nodes], gradients };
}

function again(options: RecomputeOptions) {
  const net = network();
  const outputs = [net.loss, ...net.gradients.values()];
  const { nodes, notes } = recompute(
    { nodes: net.nodes, differentiated: [net.loss], data: ["x"], outputs, emit: net.emit },
    options,
  );
  return { ...net, nodes, notes, plain: net.nodes };
}

async function numbers(
  { emit, loss, weights, gradients }: Omit<ReturnType<typeof network>, "nodes">,
  nodes: readonly Node[],
) {
  const builder = graphBuilder();
  const drawn = random(3);
  const values = (count: number) => Float32Array.from({ length: count }, () => drawn.normal() / 2);
  const feeds: Record<string, { dtype: "float32"; dims: number[]; data: Float32Array }> = {};
  for (const [name, dims] of [["x", [BATCH, WIDTH]], ...weights.map((w) => [w, [WIDTH, WIDTH]])] as [
    string,
    number[],
  ][]) {
    builder.input(name, "float32", dims);
    feeds[name] = { dtype: "float32", dims, data: values(dims[0]! * dims[1]!) };
  }
  for (const [name, value] of emit.initializers) builder.initializer(name, value);
  for (const name of [loss, ...gradients.values()]) builder.output(name);
  const graph = { ...builder.graph(), nodes };
  const made = await run({ ...builder.model({ opset: 21 }), graph }, feeds, services);
  return [loss, ...weights.map((weight) => gradients.get(weight)!)].map((name) => [
    ...(made[name]!.data as Float32Array),
  ]);
}

test.each([{}, { segments: 2 }, { segments: 4 }])("the same numbers, bit for bit: %o", async (options) => {
  const found = again(options);
  expect(await numbers(found, found.nodes)).toEqual(await numbers(found, found.plain));
});

test("nodes are in execution order, and no value is made twice", () => {
  const { nodes, emit } = again({ segments: 3 });
  const made = new Set(["x", ...Array.from({ length: LAYERS }, (_, i) => `w${i}`), ...emit.initializers.keys()]);
  for (const node of nodes) {
    for (const name of node.inputs) expect(made.has(name), `${name} is there for ${node.outputs[0]}`).toBe(true);
    for (const name of node.outputs) {
      expect(made.has(name), `${name} is new`).toBe(false);
      made.add(name);
    }
  }
});

test("inner activations are read by the backward pass from copies only", () => {
  const { nodes, forward, notes } = again({ segments: 3 });
  const copied = nodes.slice(forward).flatMap(({ outputs }) => outputs.filter((name) => name.endsWith("_again")));
  expect(copied.length).toBeGreaterThan(0);
  const read = new Set(nodes.slice(forward).flatMap(({ inputs }) => inputs));
  for (const copy of copied) {
    expect(read.has(copy), `${copy} is read`).toBe(true);
    expect(read.has(copy.replace(/_again$/, "")), `what ${copy} stands for is not`).toBe(false);
  }
  expect(notes[0]!.text).toContain("3 segments");
});

test("copies wait for the gradients behind them", () => {
  const { nodes } = again({ segments: 2 });
  const maker = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const reaches = (name: string, target: (node: Node) => boolean): boolean => {
    const node = maker.get(name);
    return node !== undefined && (target(node) || node.inputs.some((input) => reaches(input, target)));
  };
  const first = nodes.find(({ outputs }) => outputs[0]!.endsWith("_again"))!;
  expect(first.inputs.some((name) => reaches(name, ({ opType }) => opType === "GatherND"))).toBe(true);
});

test("nodes that may not run twice keep their values", () => {
  const { nodes } = again({ segments: 3, recomputes: () => false });
  expect(nodes.some(({ outputs }) => outputs[0]!.endsWith("_again"))).toBe(false);
});

test("a loss that nothing makes is a bug", () => {
  const { emit, nodes } = network();
  const input = { nodes, differentiated: ["nothing"], data: ["x"], outputs: [], emit };
  expect(() => recompute(input)).toThrow(/no node makes nothing/);
});

test("a model without anything to drop stays as it is", () => {
  const emit = new Emitter({ shape: () => undefined, has: () => false });
  emit.declare("x", { dtype: "float32", dims: [2] });
  const loss = emit.total(emit.mul("x", "x"));
  emit.initializers.set("unused", float32([], [0]));
  const { nodes } = recompute({ nodes: emit.nodes, differentiated: [loss], data: ["x"], outputs: [loss], emit });
  expect(nodes.map(({ opType }) => opType)).toEqual(["Mul", "ReduceSum"]);
});

// How far the model's outputs move when one block is skipped: one model with a switch for every block, run once for each.

import { adaptFeeds, asNumbers } from "../../engine/feeds.js";
import { type EngineServices, withSession } from "../../engine/session.js";
import { makeNode } from "../../ir/build.js";
import { GraphEditor } from "../../ir/edit.js";
import type { Model } from "../../ir/model.js";
import type { DType } from "../../tensor/dtype.js";
import type { Feeds, Value } from "../../tensor/value.js";
import type { Block } from "./blocks.js";

/**
 * Root of the squared distance of all float outputs from those with every block, over their squared length, a block;
 * infinite where skipping gives numbers that are none.
 */
export async function outputDistance(
  model: Model,
  blocks: readonly Block[],
  shapes: ReadonlyMap<string, { readonly dtype: DType }>,
  samples: AsyncIterable<Feeds>,
  context: EngineServices,
): Promise<Float64Array> {
  const editor = new GraphEditor(model.graph);
  const gates = blocks.map((block, at) => {
    const gate = editor.unique(`pare.gate.${at}`);
    const { dtype } = shapes.get(block.additions[0].branch)!;
    editor.setInputs([...editor.graph.inputs, { name: gate, type: { kind: "tensor", dtype, shape: [] } }]);
    for (const { node, branch } of block.additions) {
      const open = editor.unique(`pare.gated.${at}`);
      editor.insertBefore(node, [makeNode("Mul", [branch, gate], [open])]);
      const inputs = node.inputs.map((name) => (name === branch ? open : name));
      editor.replace(node, [{ ...node, inputs }]);
    }
    return { gate, dtype };
  });
  const errors = new Float64Array(blocks.length);
  let length = 0;
  // The batch stays what it is: ONNX Runtime fuses nothing across a switch.
  await withSession({ ...model, graph: editor.done() }, context, { threads: 1 }, async (session) => {
    for await (const feeds of samples) {
      const run = (skipped: number) => {
        const switches = gates.map(({ gate, dtype }, at) => [gate, scalar(dtype, at === skipped ? 0 : 1)] as const);
        return session.run(adaptFeeds({ ...feeds, ...Object.fromEntries(switches) }, session.inputs));
      };
      const whole = numbers(await run(-1));
      for (const row of whole) for (const x of Array.from(row)) length += x * x;
      for (let at = 0; at < blocks.length; at++) {
        context.signal?.throwIfAborted();
        for (const [index, row] of numbers(await run(at)).entries()) errors[at]! += squaredDistance(row, whole[index]!);
      }
    }
  });
  return errors.map((error) => (Number.isFinite(error) ? Math.sqrt(error / (length || 1)) : Number.POSITIVE_INFINITY));
}

const numbers = (outputs: Readonly<Record<string, Value>>) =>
  Object.values(outputs)
    .filter(({ dtype }) => dtype.startsWith("float"))
    // The next run may reuse the buffers.
    .map((value) => Float64Array.from(asNumbers(value)));

function squaredDistance(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < b.length; i++) sum += ((a[i] ?? Number.NaN) - b[i]!) ** 2;
  return sum;
}

const scalar = (dtype: DType, x: 0 | 1): Value => {
  if (dtype === "float16") return { dtype, dims: [], data: Uint16Array.of(x === 1 ? 0x3c00 : 0) };
  return dtype === "float64"
    ? { dtype, dims: [], data: Float64Array.of(x) }
    : { dtype, dims: [], data: Float32Array.of(x) };
};

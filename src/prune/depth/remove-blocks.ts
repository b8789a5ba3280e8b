// Takes blocks out of a model: what was the sum is what came in, and what made the rest is dead.

import type { Note } from "../../base/note.js";
import type { EngineServices } from "../../engine/session.js";
import { makeNode } from "../../ir/build.js";
import { GraphEditor } from "../../ir/edit.js";
import type { Model } from "../../ir/model.js";
import { passes } from "../../passes/index.js";
import { sequence } from "../../passes/pass.js";
import type { Block } from "./blocks.js";

/** `blocks` are those of this very graph. Outputs of the graph keep their names and shapes. */
export async function removeBlocks(
  model: Model,
  blocks: readonly Block[],
  context: EngineServices,
): Promise<{ model: Model; notes: readonly Note[] }> {
  if (blocks.length === 0) return { model, notes: [] };
  const editor = new GraphEditor(model.graph);
  for (const { node, kept, result } of blocks.flatMap(({ additions }) => additions)) {
    // What came in may have been the sum of a block that is gone by now.
    const at = node.inputs.indexOf(kept);
    const stays = editor.current(node)!.inputs[at]!;
    editor.renameUses(result, stays);
    const outputs = editor.isOutput(result) ? [makeNode("Identity", [stays], [result])] : [];
    editor.replace(node, outputs);
  }
  return sequence([passes.get("remove-dead-nodes")], { ...model, graph: editor.done() }, context);
}

// Weights that the file lists as inputs become constants. Before IR 4 every weight had to be listed so; runtimes and
// rewrites must then treat it as something a caller may override, and can neither fold nor compress it.

import { info } from "../base/note.js";
import { GraphEditor } from "../ir/edit.js";
import { definePass } from "./pass.js";

export const constantWeights = definePass({
  name: "constant-weights",
  summary: "Weights listed as inputs become constants (old exporters list all of them).",
  reference: "ONNX IR specification, IR version 4",
  rewrite(model, _context, notes) {
    const { graph } = model;
    const defaults = graph.inputs.filter((input) => graph.initializers.has(input.name));
    if (defaults.length === 0) return model;
    // From IR 4 on a default value may be meant; an exporter that lists every weight does not mean it.
    const habit = defaults.length === graph.initializers.size && defaults.length > 1;
    if (model.irVersion >= 4 && !habit) {
      for (const { name } of defaults) {
        notes.push(info("default-input-kept", `Input "${name}" has a default value and stays an input.`, name));
      }
      return model;
    }
    const editor = new GraphEditor(graph);
    editor.setInputs(graph.inputs.filter((input) => !graph.initializers.has(input.name)));
    notes.push(
      info("weights-made-constant", `${defaults.length} weights were listed as inputs; now they are constants.`),
    );
    return { ...model, irVersion: Math.max(model.irVersion, 4), graph: editor.done() };
  },
});

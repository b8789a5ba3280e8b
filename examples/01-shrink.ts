// Store the weights of a model as 8-bit codes and save the result: load, compress, save.

import { compress, load, save } from "pare";

const original = await load("model.onnx");
const { model, notes } = await compress(original, [
  { method: "clean" },
  { method: "quantize", weights: "int8", form: "extract" },
]);
const { bytes } = await save(model, "small.onnx");

for (const { text } of notes.slice(0, 3)) console.log("-", text);
console.log(`small.onnx: ${bytes} bytes`);

// Look into a model before deciding anything: its operators, and what pare could do with each node.

import { inspect, load } from "pare";

const found = await inspect(await load("model.onnx"));

for (const { op, count, weightBytes } of found.operators)
  console.log(`${count} x ${op}: ${weightBytes} bytes of weights`);
for (const { name, can, why } of found.nodes.slice(0, 3)) console.log(`${name}: ${can.join(", ") || why}`);

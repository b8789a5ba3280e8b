// A process that trains and is killed: run by a test as `node --import tsx train-child.ts <checkpoint>`. It says when it has
// come past the checkpoint, and then waits for its end in the middle of a step. With "end" behind the path it goes on to its
// end, which must come by itself.

import { checkpointFile } from "../../src/checkpoint-file.js";
import { train } from "../../src/train/loop.js";
import { engineServices } from "./engine.js";
import { killedOptions, spiralCase, spirals } from "./train-case.js";

const { step } = await spiralCase(killedOptions.step);
const checkpoint = checkpointFile(process.argv[2]!);
const options = { ...killedOptions.loop, checkpoint, checkpointEvery: 10 };
await train(step, { train: spirals() }, options, engineServices({ threads: 1 }), ({ step: number }) => {
  if (number !== 13 || process.argv[3] === "end") return;
  process.stdout.write("past the checkpoint\n");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});

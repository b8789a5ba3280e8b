// The commands, in the order of the help.

import type { Command } from "commander";
import { compressCommand } from "./compress.js";
import { inspectCommand } from "./inspect.js";
import { measureCommand } from "./measure.js";
import { methodsCommand } from "./methods.js";
import { pareCommand } from "./pare.js";
import { quantizeCommand } from "./quantize.js";

export const commands: readonly ((program: Command) => void)[] = [
  pareCommand,
  inspectCommand,
  compressCommand,
  quantizeCommand,
  measureCommand,
  methodsCommand,
];

// The commands, in the order of the help.

import type { Command } from "commander";
import { checkCommand } from "./check.js";
import { compressCommand } from "./compress.js";
import { finetuneCommand, trainCommand } from "./finetune.js";
import { inspectCommand } from "./inspect.js";
import { measureCommand } from "./measure.js";
import { methodsCommand } from "./methods.js";
import { pareCommand } from "./pare.js";
import { pruneCommand } from "./prune.js";
import { quantizeCommand } from "./quantize.js";
import { studyCommand } from "./study.js";

export const commands: readonly ((program: Command) => void)[] = [
  pareCommand,
  inspectCommand,
  checkCommand,
  compressCommand,
  pruneCommand,
  quantizeCommand,
  finetuneCommand,
  trainCommand,
  studyCommand,
  measureCommand,
  methodsCommand,
];

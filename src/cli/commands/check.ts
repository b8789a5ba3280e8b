// pare check: what a target runs, what falls back, runs slowly or does not run, and what to change.

import type { Command } from "commander";
import { check, load, printCheck } from "../../index.js";
import { ExitCode, exitWith } from "../exit.js";
import { type CommonFlags, commonFlags, withSession } from "../shared.js";

export function checkCommand(program: Command): void {
  const command = program
    .command("check")
    .description("which nodes a target runs, which fall back, run slowly or do not run, and what to change")
    .argument("<model>", "an ONNX file or URL")
    .addHelpText("after", "\nExit code 3: the model will not run on the target.");
  commonFlags(command).action(async (input: string, flags: CommonFlags) =>
    withSession(flags, async ({ terminal, options }) => {
      const result = await check(await load(input, options), options);
      terminal.json(result);
      terminal.print(printCheck(result, { all: flags.verbose === true }));
      if (!result.runs) exitWith(ExitCode.gate);
    }),
  );
}

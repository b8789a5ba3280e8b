#!/usr/bin/env node
// argv to command, exit codes, and the one place that prints errors.
// 0 done; 1 refused or failed; 2 wrong usage; 3 a stated budget or gate was not met.

import { existsSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { closest, distance } from "fastest-levenshtein";
import pc from "picocolors";
import { describeError, invalid, PareError, version } from "../index.js";
import { commands } from "./commands/index.js";
import { ExitCode } from "./exit.js";

const program = new Command("pare")
  .description("Make a trained ONNX model smaller and faster, with the proof of what was lost.")
  .version(version)
  .showHelpAfterError("(pare --help lists the commands, pare <command> --help its options)")
  // `pare model.onnx` and `pare quantize model.onnx` share flags: each takes those that stand behind it.
  .enablePositionalOptions()
  .exitOverride();

for (const add of commands) add(program);
for (const command of program.commands) command.exitOverride().showHelpAfterError(`(pare ${command.name()} --help)`);

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // `pare ... | head` closes the pipe early: that is no failure of ours.
  if (error.code === "EPIPE") process.exit(ExitCode.done);
  throw error;
});

try {
  refuseMisspeltCommand(process.argv[2]);
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.done : ExitCode.usage;
  const verbose = process.argv.includes("--verbose");
  if (error instanceof Error && error.name === "AbortError") {
    process.stderr.write(`${pc.yellow("Stopped.")} Nothing was written.\n`);
    return ExitCode.failed;
  }
  process.stderr.write(`${pc.red("error:")} ${describeError(error)}\n`);
  if (verbose) process.stderr.write(`${error instanceof Error ? stack(error) : ""}\n`);
  else if (!(error instanceof PareError) || error.kind === "internal") {
    process.stderr.write("  This looks like a bug in pare; --verbose shows where.\n");
  }
  return error instanceof PareError &&
    error.kind === "invalid" &&
    /^option-|-options$|-unknown$|^recipe-|^usage-/.test(error.code)
    ? ExitCode.usage
    : ExitCode.failed;
}

function stack(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stack(error.cause)}` : "";
  return `${error.stack ?? error.message}${cause}`;
}

/** `pare quantise x.onnx` would read "quantise" as a model: a bare word that is no file and like a command is that command. */
function refuseMisspeltCommand(word: string | undefined): void {
  const names = program.commands.map((command) => command.name());
  if (word === undefined || !/^[a-z]+$/i.test(word) || names.includes(word) || word === "help") return;
  const near = closest(word, names);
  if (existsSync(word) || distance(word, near) > 2) return;
  throw invalid("usage-command", `There is no command "${word}".`, { hint: `Did you mean "${near}"?` });
}

#!/usr/bin/env node
// argv to command, exit codes, and the one place that prints errors.

import { existsSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { closest, distance } from "fastest-levenshtein";
import pc from "picocolors";
import { describeError, invalid, PareError, version } from "../index.js";
import { commands } from "./commands/index.js";
import { ExitCode } from "./exit.js";
import { jsonPrinted } from "./terminal.js";

const program = new Command("pare")
  .description("Make a trained ONNX model smaller and faster, with the proof of what was lost.")
  .version(version)
  .showHelpAfterError("(pare --help lists the commands, pare <command> --help its options)")
  // `pare model.onnx` and `pare quantize model.onnx` share flags: each takes those that stand behind it.
  .enablePositionalOptions()
  .addHelpText(
    "after",
    `
Exit codes: 0 done; 1 refused or failed; 2 wrong usage; 3 a stated budget or gate was not met.
With --json an error is the one document on stdout too: { "error": { "code", "kind", "message", "hint", ... } }.`,
  )
  .hook("preSubcommand", (_, command) => refuseEarlyFlags(command.name()))
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
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return ExitCode.done;
    // Its words are on stderr already.
    const message = error.message.replace(/^error: /, "");
    const code = error.code.replace(/^commander\./, "").replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    printJson({ code: `usage-${code}`, kind: "invalid", message });
    return ExitCode.usage;
  }
  const verbose = process.argv.includes("--verbose");
  if (error instanceof Error && error.name === "AbortError") {
    process.stderr.write(`${pc.yellow("Stopped.")} Nothing was written.\n`);
    printJson({ code: "stopped", kind: "failed", message: "Stopped. Nothing was written." });
    return ExitCode.failed;
  }
  printJson(asData(error));
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

interface ErrorData {
  readonly code: string;
  readonly kind: string;
  readonly message: string;
  readonly node?: string | undefined;
  readonly expected?: string | undefined;
  readonly found?: string | undefined;
  readonly hint?: string | undefined;
}

function asData(error: unknown): ErrorData {
  if (!(error instanceof PareError)) return { code: "internal", kind: "internal", message: describeError(error) };
  const { code, kind, message, node, expected, found, hint } = error;
  return { code, kind, message, node, expected, found, hint };
}

/** With --json, unless a result stands there already: programs read stdout, people stderr. */
function printJson(error: ErrorData): void {
  if (!process.argv.includes("--json") || jsonPrinted()) return;
  process.stdout.write(`${JSON.stringify({ error }, null, 2)}\n`);
}

function stack(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stack(error.cause)}` : "";
  return `${error.stack ?? error.message}${cause}`;
}

/** What stands before a command would be read as of `pare model.onnx`, and do nothing. */
function refuseEarlyFlags(command: string): void {
  const early = program.options.filter((option) => program.getOptionValueSource(option.attributeName()) === "cli");
  const flags = [...new Set(early.map(({ long, short }) => long ?? short))].join(" ");
  if (flags === "") return;
  throw invalid("usage-order", `Flags stand behind the command: ${flags} would do nothing before ${command}.`, {
    hint: `pare ${command} ${flags} ...`,
  });
}

/** `pare quantise x.onnx` would read "quantise" as a model: a bare word that is no file and like a command is that command. */
function refuseMisspeltCommand(word: string | undefined): void {
  const names = program.commands.map((command) => command.name());
  if (word === undefined || !/^[a-z]+$/i.test(word) || names.includes(word) || word === "help") return;
  const near = closest(word, names);
  if (existsSync(word) || distance(word, near) > 2) return;
  throw invalid("usage-command", `There is no command "${word}".`, { hint: `Did you mean "${near}"?` });
}

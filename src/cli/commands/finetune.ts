// pare finetune and pare train: the weights of a model trained on data, with progress, a log, a curve, and a checkpoint that
// Ctrl-C leaves behind.

import type { Command } from "commander";
import { reportForm, steps } from "../../index.js";
import { flagsOf, parseWhole } from "../flags.js";
import { makeFlags } from "../make.js";
import { withSession } from "../shared.js";
import { type TrainFlags, trainModel } from "../training.js";

export function finetuneCommand(program: Command): void {
  trainingCommand(program, "finetune", "train the weights further on labelled data", (options) => options);
}

export function trainCommand(program: Command): void {
  // Fresh weights unless the flag says how else: that is what tells it from finetune.
  trainingCommand(program, "train", "train the graph from fresh weights (default: --init kaiming)", (options) => ({
    init: "kaiming",
    ...options,
  }));
}

function trainingCommand(
  program: Command,
  name: string,
  description: string,
  complete: (options: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>,
): void {
  const command = program.command(name).description(description).argument("<model>", "an ONNX file or URL");
  command
    .option("--log <file>", "write a line of JSON for every update")
    .option(
      "--checkpoint <file>",
      "where the state is kept (default: <out>.checkpoint, gone when the model is written)",
    )
    .option("--resume", "go on from the checkpoint")
    .addOption(
      command
        .createOption("--checkpoint-every <number>", "updates between two checkpoints (default: an epoch)")
        .argParser(parseWhole(1)),
    );
  const flags = makeFlags(command, "trained");
  // Flags that all commands share (the seed) stand there already.
  const common = new Set(flags.options.map((option) => option.attributeName()));
  const own = flagsOf(steps.get("finetune").options!).filter((option) => !common.has(option.attributeName()));
  for (const option of own) flags.addOption(option);
  const names = own.map((option) => option.attributeName());
  flags.action(async (input: string, all: TrainFlags & Readonly<Record<string, unknown>>) => {
    if (all.report !== undefined) reportForm(all.report);
    const given = Object.fromEntries(names.filter((key) => all[key] !== undefined).map((key) => [key, all[key]]));
    await withSession(all, (session) => trainModel(input, complete(given), all, session));
  });
}

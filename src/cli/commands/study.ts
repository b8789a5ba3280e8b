// pare study: pruning compared over scores, scopes, schedules and draws; runs are kept in a folder, and the report written there.

import { type Command, InvalidArgumentError, Option } from "commander";
import pc from "picocolors";
import {
  failed,
  load,
  printStudy,
  type RunEvent,
  type StudyReport,
  type StudySettings,
  study,
  studyWithoutSamples,
  writeStudy,
} from "../../index.js";
import { ExitCode, exitWith } from "../exit.js";
import { parseNumber, parseWhole } from "../flags.js";
import { type CommonFlags, commonFlags, withSession } from "../shared.js";

interface StudyFlags extends CommonFlags {
  readonly out: string;
  readonly structures?: string[];
  readonly scores?: string[];
  readonly scopes?: string[];
  readonly schedules?: string[];
  readonly steps?: number;
  readonly weights?: StudySettings["weights"];
  readonly ratios?: number[];
  readonly seeds?: number | number[];
  readonly finetune?: Record<string, unknown>;
  readonly prune?: Record<string, unknown>;
  readonly earlier?: string;
  readonly beside?: string[];
  readonly jobs?: number;
  readonly limit?: number;
}

export function studyCommand(program: Command): void {
  const command = program
    .command("study")
    .description("prune in many ways, several times each, and compare: accuracy against compression and speed-up")
    .argument("<model>", "an ONNX file or URL")
    .option(
      "-o, --out <folder>",
      "where runs are kept and the report is written; what is finished is not repeated",
      "study",
    )
    .addOption(words("--structures <list>", "what goes as one, as unstructured,channel,2:4 (default: unstructured)"))
    .addOption(
      words(
        "--scores <list>",
        "what is important, as l1,taylor; random and a magnitude are always there (default: l1)",
      ),
    )
    .addOption(words("--scopes <list>", "how layers share what goes, as uniform,global,lamp (default: uniform,global)"))
    .addOption(words("--schedules <list>", "one-shot, linear, exponential, cubic (default: one-shot)"))
    .addOption(
      new Option("--steps <number>", "steps of schedules other than one-shot (default: 3)").argParser(parseWhole(2)),
    )
    .addOption(
      words("--weights <list>", "what training begins from: keep, rewind (to --earlier), reinit (default: keep)"),
    )
    .addOption(
      new Option("--ratios <list>", "shares that go (default: 0.5,0.75,0.9)").argParser((text: string) =>
        list(text).map(parseNumber),
      ),
    )
    .addOption(new Option("--seeds <number>", "how many draws, or which, as 5,6,7 (default: 3)").argParser(parseSeeds))
    .addOption(
      new Option(
        "--finetune <options>",
        "training after each removal: options of finetune, as epochs=1,lr=0.01",
      ).argParser(parsePairs),
    )
    .addOption(
      new Option("--prune <options>", "further options of prune for all runs, as normalise=mean, or JSON").argParser(
        parsePairs,
      ),
    )
    .option("--earlier <model>", "the same network earlier in its training, for weights rewind")
    .option("--beside <models...>", "other networks for the same data, which stand beside the pruned ones")
    .addOption(new Option("--jobs <number>", "runs at a time (default: cores over threads)").argParser(parseWhole(1)))
    .addOption(new Option("--limit <number>", "samples that are judged at most").argParser(parseWhole(2)));
  commonFlags(command).action(async (input: string, flags: StudyFlags) => {
    await withSession(flags, async ({ terminal, options }) => {
      let finished = 0;
      const { structures, scores, scopes, schedules, steps, weights, ratios, seeds, finetune, prune } = flags;
      const settings = { structures, scores, scopes, schedules, steps, weights, ratios, seeds, finetune, prune };
      const report = await study(await load(input, options), settings, {
        ...options,
        folder: flags.out,
        jobs: flags.jobs,
        limit: flags.limit,
        earlier: flags.earlier,
        beside: flags.beside,
        onRun: (event) => {
          finished += Number(event.run.record !== undefined);
          terminal.say(runLine(event));
        },
      }).catch((error: unknown) => {
        throw options.signal?.aborted ? stopped(finished, flags.out, error) : error;
      });
      const paths = await writeStudy(report, flags.out);
      terminal.notes(report.notes, flags.verbose === true);
      terminal.json(studyWithoutSamples(report));
      terminal.print(printStudy(report));
      terminal.say(`report: ${paths.join(", ")}`);
      if (nothingFinished(report)) exitWith(ExitCode.failed);
    });
  });
}

const stopped = (runs: number, folder: string, cause: unknown) =>
  failed("study-stopped", `Stopped. ${runs} finished ${runs === 1 ? "run is" : "runs are"} kept in ${folder}.`, {
    hint: "The same command goes on from there.",
    cause,
  });

const nothingFinished = ({ runs }: StudyReport): boolean => runs.every(({ record }) => record === undefined);

/** "run 7 of 48: unstructured l1 global one-shot keep 0.75, seed 2: top-1 0.9812 (12 s; about 8 min left)". */
function runLine({ run, kept, done, total, secondsLeft }: RunEvent): string {
  const { structure, score, scope, schedule, weights } = run.method;
  const name = `run ${done} of ${total}: ${[structure, score, scope, schedule, weights, run.ratio].join(" ")}, seed ${run.seed}`;
  if (run.error) return `${name}: ${pc.red("failed")}: ${run.error.message.split("\n")[0]}`;
  const { metric, measured, seconds } = run.record!;
  const left = secondsLeft === undefined || secondsLeft < 1 ? "" : `; about ${duration(secondsLeft)} left`;
  const how = kept ? "kept from before" : `${seconds.toFixed(1)} s${left}`;
  return `${name}: ${metric} ${measured.value.toFixed(4)} ${pc.dim(`(${how})`)}`;
}

const duration = (seconds: number): string =>
  seconds < 90
    ? `${seconds.toFixed(0)} s`
    : seconds < 5400
      ? `${(seconds / 60).toFixed(0)} min`
      : `${(seconds / 3600).toFixed(1)} h`;

const list = (text: string): string[] =>
  text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");

const words = (flags: string, description: string): Option => new Option(flags, description).argParser(list);

/** A single number is how many, several are which. */
function parseSeeds(text: string): number | number[] {
  const given = list(text);
  return given.length === 1 ? parseWhole(1)(given[0]!) : given.map(parseWhole(0));
}

/** `epochs=1,lr=0.01`, values as JSON where they are, else as words; or one JSON object. */
function parsePairs(text: string): Record<string, unknown> {
  if (text.trim().startsWith("{")) return asObject(text);
  return Object.fromEntries(
    list(text).map((pair) => {
      const [, name, value] = /^([A-Za-z]+)=(.+)$/.exec(pair) ?? [];
      if (name === undefined || value === undefined) {
        throw new InvalidArgumentError(`"${pair}" is not option=value, as in epochs=1,lr=0.01.`);
      }
      return [name, parsedValue(value)];
    }),
  );
}

function asObject(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw new InvalidArgumentError(`${text} is not JSON; write '{ "epochs": 1, "lr": 0.01 }', or epochs=1,lr=0.01.`);
  }
}

function parsedValue(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

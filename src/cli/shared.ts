// What every command shares: the common flags, one abort signal for Ctrl-C, and the terminal.

import { type Command, Option } from "commander";
import { type ServiceOptions, targets } from "../index.js";
import { parseBytes, parseDims, parseShape, parseWhole } from "./flags.js";
import { type Terminal, terminal } from "./terminal.js";

export interface CommonFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly target?: string;
  readonly data?: string;
  readonly provider?: ServiceOptions["provider"];
  readonly dim?: Record<string, number>;
  readonly shape?: Record<string, number[]>;
  readonly seed?: number;
  readonly threads?: number;
  readonly memory?: number;
  /** Of the commands that make a model. */
  readonly calibration?: string;
}

const PROVIDERS = ["cpu", "wasm", "webgpu", "cuda", "dml", "coreml"];

/** Adds the flags that mean the same everywhere. */
export function commonFlags(command: Command): Command {
  return command
    .addOption(new Option("--target <target>", "where it will run").choices([...targets.names]).default("any"))
    .option("--data <path>", "dataset.json, folder, file or module to observe, calibrate and measure on")
    .addOption(new Option("--provider <provider>", "what runs the models here (default: cpu)").choices(PROVIDERS))
    .addOption(new Option("--dim <name=size,...>", "sizes of symbolic dimensions").argParser(parseDims))
    .addOption(new Option("--shape <input=sizes>", "shape of an input, as input=1,3,224,224").argParser(parseShape))
    .addOption(new Option("--seed <number>", "seed of everything random").argParser(parseWhole(0)))
    .addOption(
      new Option("--threads <number>", "worker and engine threads (default: all cores)").argParser(parseWhole(1)),
    )
    .addOption(
      new Option("--memory <bytes>", "working memory, as 4GiB (default: half of what is free)").argParser(parseBytes),
    )
    .option("--json", "print one JSON document to stdout and nothing else; after an error { error: ... }")
    .option("--quiet", "print errors only")
    .option("--verbose", "list every note, and the stack of errors");
}

export interface Session {
  readonly terminal: Terminal;
  readonly options: ServiceOptions;
}

/** Runs a command with the first Ctrl-C as an abort: work stops, temporary files go, nothing half-written stays. */
export async function withSession(flags: CommonFlags, work: (session: Session) => Promise<void>): Promise<void> {
  const controller = new AbortController();
  const stop = () => controller.abort(new DOMException("Stopped.", "AbortError"));
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  const screen = terminal(flags);
  try {
    await work({
      terminal: screen,
      options: {
        signal: controller.signal,
        onProgress: screen.progress,
        threads: flags.threads,
        memory: flags.memory,
        seed: flags.seed,
        data: flags.data,
        target: flags.target,
        provider: flags.provider,
        dims: { ...flags.dim, ...flags.shape },
        calibration: flags.calibration,
      },
    });
  } finally {
    screen.clear();
    process.removeListener("SIGINT", stop);
    process.removeListener("SIGTERM", stop);
  }
}

/** `dir/model.onnx` to `dir/model.pared.onnx`; the last part of a URL, into the working directory. */
export function defaultOutput(input: string, suffix = ".pared.onnx"): string {
  const path = /^https?:/.test(input) ? (new URL(input).pathname.split("/").pop() ?? "model.onnx") : input;
  return `${path.replace(/\.(onnx|onnx_data|pb)$/i, "")}${suffix}`;
}

// Calibration alone: every range method and ONNX Runtime's calibrators on the same samples of SqueezeNet, each in a process
// of its own: seconds, CPU seconds (what the wall clock says on a busy machine is not much) and peak memory.
//   npx tsx bench/calibration.ts [samples] [model]
// Needs the portfolio, and for the peer a Python with onnxruntime: PARE_BENCH_PYTHON.

import { spawnSync } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { consumers } from "../src/ir/traverse.js";
import { load } from "../src/load.js";
import { type CalibrationOptions, calibrate } from "../src/quantize/calibration/calibration.js";
import { calibrationRanges } from "../src/quantize/calibration/ranges/index.js";
import { withServices } from "../src/services.js";
import type { Feeds } from "../src/tensor/value.js";
import { portfolio } from "../tests/support/portfolio.js";
import { portfolioDatasets } from "../tests/support/portfolio-data.js";

const [first, second, third, fourth] = process.argv.slice(2);
if (first === "--one") await one(second!, third!, Number(fourth));
else await all(Number(first ?? 100), second ?? "squeezenet1.1");

interface Row {
  readonly tool: string;
  readonly method: string;
  readonly seconds: number;
  readonly cpu: number;
  readonly peak: number;
}

async function all(samples: number, name: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "pare-bench-"));
  const path = join(portfolio()!, "models", `${name}.onnx`);
  const feeds = join(folder, "feeds.f32");
  try {
    const described = await write(path, name, samples, feeds);
    const rows: Row[] = [];
    for (const method of calibrationRanges.names) {
      const node = [...process.execArgv, fileURLToPath(import.meta.url), "--one", path, method, String(samples)];
      rows.push({
        tool: "pare",
        method,
        ...measured(process.execPath, node, { PARE_BENCH_FEEDS: feeds, ...described }),
      });
    }
    const python = process.env.PARE_BENCH_PYTHON;
    for (const method of python ? ["MinMax", "Entropy", "Percentile"] : []) {
      const script = fileURLToPath(new URL("calibration.py", import.meta.url));
      const given = { PARE_BENCH_FEEDS: feeds, ...described };
      rows.push({ tool: "onnxruntime", method, ...measured(python!, [script, path, method, String(samples)], given) });
    }
    console.log(`${name}, ${samples} samples\n\n| | method | seconds | CPU seconds | peak MB |\n|---|---|---|---|---|`);
    for (const { tool, method, seconds, cpu, peak } of rows) {
      console.log(
        `| ${tool} | ${method} | ${seconds.toFixed(1)} | ${cpu.toFixed(1)} | ${Math.round(peak / 2 ** 20)} |`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The samples as float32 in one file, decoded beforehand, so that no one's image decoder is measured. */
async function write(path: string, name: string, samples: number, to: string): Promise<Record<string, string>> {
  const spec = portfolioDatasets()[name]!.spec;
  const file = openSync(to, "w");
  let described = {};
  await withServices(
    await load(path),
    { data: { ...spec, split: { calibrate: 1 } } as typeof spec },
    async ({ data }) => {
      for await (const { feeds } of data.split("calibrate").samples({ limit: samples })) {
        const [[input, value]] = Object.entries(feeds) as [[string, Feeds[string]]];
        writeSync(file, new Uint8Array((value.data as Float32Array).buffer));
        described = { PARE_BENCH_INPUT: input, PARE_BENCH_DIMS: value.dims.join(",") };
      }
    },
  );
  return described;
}

/** A child tells its own figures on its last line. */
function measured(command: string, args: readonly string[], env: Record<string, string>): Omit<Row, "tool" | "method"> {
  const { stdout, stderr, status } = spawnSync(command, args, { encoding: "utf8", env: { ...process.env, ...env } });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout.trim().split("\n").at(-1)!) as Omit<Row, "tool" | "method">;
}

async function one(path: string, method: string, samples: number): Promise<void> {
  const model = await load(path);
  const dims = process.env.PARE_BENCH_DIMS!.split(",").map(Number);
  const bytes = dims.reduce((product, size) => product * size, 4);
  const handle = await open(process.env.PARE_BENCH_FEEDS!);
  const size = (await handle.stat()).size / bytes;
  const data = {
    name: "bench",
    size,
    labelled: false,
    synthetic: false,
    metric: undefined,
    async *samples({ limit = size } = {}) {
      for (let at = 0; at < Math.min(size, limit); at++) {
        const buffer = new Uint8Array(bytes);
        await handle.read(buffer, 0, bytes, at * bytes);
        const value = { dtype: "float32", dims, data: new Float32Array(buffer.buffer) } as const;
        yield { id: String(at), feeds: { [process.env.PARE_BENCH_INPUT!]: value } };
      }
    },
    split: () => data,
  };
  // What integer operators read and write: not what is between a Conv and its Relu.
  const users = consumers(model.graph);
  const fused = (name: string) => users.get(name)?.every(({ opType }) => opType === "Relu" || opType === "Clip");
  const inputs = model.graph.inputs.map(({ name }) => name).filter((name) => !model.graph.initializers.has(name));
  const names = [...inputs, ...model.graph.nodes.map(({ outputs }) => outputs[0]!).filter((name) => !fused(name))];
  const options: CalibrationOptions = {
    activationRange: method,
    activationPercentile: 99.99,
    sigmas: 6,
    momentum: 0.01,
    calibrationSamples: samples,
    activations: "uint8",
    stated: {} as CalibrationOptions["stated"],
  };
  const begin = performance.now();
  const used = process.cpuUsage();
  await withServices(model, { data }, (context) => calibrate(model, names, options, context));
  const { user, system } = process.cpuUsage(used);
  const peak = Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))![1]) * 1024;
  console.log(JSON.stringify({ seconds: (performance.now() - begin) / 1000, cpu: (user + system) / 1e6, peak }));
}

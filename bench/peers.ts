// The Python peers: a virtual environment of the bench's own, made once from PyPI.

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export interface Peers {
  readonly versions: string;
  readonly python: string;
  /** Arguments of one conversion. */
  arguments(task: string, model: string, output: string, large: boolean): string[];
}

const script = fileURLToPath(new URL("./peers.py", import.meta.url));

/** Undefined, with the reason on stderr, where Python or PyPI is not to be had. PARE_BENCH_PYTHON names a Python instead. */
export function peers(folder: string): Peers | undefined {
  try {
    const python = process.env.PARE_BENCH_PYTHON ?? environment(folder);
    const versions = execFileSync(python, [script, "versions", "-", "-", "0"], { encoding: "utf8" }).trim();
    return {
      versions,
      python,
      arguments: (task, model, output, large) => [script, task, model, output, large ? "1" : "0"],
    };
  } catch (error) {
    process.stderr.write(`no Python peers: ${error instanceof Error ? error.message.split("\n")[0] : error}\n`);
    return undefined;
  }
}

function environment(folder: string): string {
  const python = join(folder, "bin", "python");
  const install = () => execFileSync(python, ["-m", "pip", "install", "-q", ...packages], { stdio: "inherit" });
  if (!existsSync(join(folder, "made"))) {
    execFileSync("python3", ["-m", "venv", folder], { stdio: "inherit" });
    install();
    execFileSync("touch", [join(folder, "made")]);
  }
  return python;
}

/** sympy, ml_dtypes and onnx_ir: onnxruntime's own converters import them. */
const packages = ["onnx", "onnxruntime", "numpy", "sympy", "ml_dtypes", "onnx_ir"];

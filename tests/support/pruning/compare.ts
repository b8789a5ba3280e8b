// Whether a cut model is the masked one: both run as the files say, and every element of every output is compared.

import { PareError } from "../../../src/base/errors.js";
import { run } from "../../../src/engine/run.js";
import { UNFUSED } from "../../../src/engine/runtime.js";
import type { Model } from "../../../src/ir/model.js";
import { verify } from "../../../src/ir/verify.js";
import type { Feeds, Value } from "../../../src/tensor/value.js";
import { services } from "../services.js";

const OPTIONS = { optimize: "off", config: UNFUSED } as const;

/** The first thing in which they differ by more than 1e-5 of the largest magnitude and 1e-6; undefined where nothing does. */
export async function difference(masked: Model, cut: Model, feeds: Feeds): Promise<string | undefined> {
  const broken = verify(cut);
  if (broken.length > 0) return `the cut model is not valid: ${JSON.stringify(broken[0])}`;
  const ports = (model: Model) => JSON.stringify([model.graph.inputs, model.graph.outputs].map(stated));
  if (ports(masked) !== ports(cut)) return `inputs and outputs are stated as ${ports(cut)}, not ${ports(masked)}`;
  const expected = await run(masked, feeds, services, OPTIONS);
  try {
    return different(expected, await run(cut, feeds, services, OPTIONS));
  } catch (error) {
    if (error instanceof PareError) return `the cut model does not run: ${error.message}`;
    throw error;
  }
}

const stated = (ports: Model["graph"]["inputs"]) =>
  ports.map(({ name, type }) => [name, type?.kind === "tensor" ? [type.dtype, type.shape] : type?.kind]);

export function different(
  expected: Readonly<Record<string, Value>>,
  found: Readonly<Record<string, Value>>,
): string | undefined {
  for (const [name, value] of Object.entries(expected)) {
    const other = found[name];
    if (other === undefined) return `there is no output ${name}`;
    if (other.dtype !== value.dtype || other.dims.join() !== value.dims.join()) {
      return `${name} is ${other.dtype}[${other.dims}], not ${value.dtype}[${value.dims}]`;
    }
    const [a, b] = [value, other].map(({ data }) => Array.from(data as ArrayLike<number | bigint>, Number));
    if (!a!.every(Number.isFinite)) return `${name} of the masked model has NaN or infinity`;
    const scale = a!.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    const allowed = 1e-5 * scale + 1e-6;
    let worst = 0;
    for (const [i, x] of a!.entries()) if (!(Math.abs(x - b![i]!) <= Math.abs(a![worst]! - b![worst]!))) worst = i;
    const error = Math.abs(a![worst]! - b![worst]!);
    if (!(error <= allowed)) return `${name}[${worst}] is ${b![worst]}, not ${a![worst]} (largest ${scale})`;
  }
  return undefined;
}

// How much shall go, as people write it: "50%" of what there is, or what may be left: "30M", "1MB", "5ms".

import { invalid } from "../../base/errors.js";

/** What a goal of channels is counted in. */
export type Measure = "channels" | "macs" | "bytes" | "latency";

/** A share of the original that goes (above 0, below 1), or what may be left: a count, bytes or milliseconds. */
export type Amount = { readonly share: number } | { readonly left: number };

const UNITS: Readonly<Record<Measure, Readonly<Record<string, number>>>> = {
  channels: {},
  macs: { "": 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 },
  bytes: { "": 1, b: 1, kb: 1e3, mb: 1e6, gb: 1e9, k: 1e3, m: 1e6, g: 1e9, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30 },
  latency: { us: 1e-3, ms: 1, s: 1e3 },
};

const EXAMPLES: Readonly<Record<Measure, string>> = {
  channels: '"50%" or 0.5',
  macs: '"50%" or 0.5 (so much goes), "30M" (so many may stay)',
  bytes: '"50%" or 0.5 (so much goes), "1MB" (so many may stay)',
  latency: '"50%" or 0.5 (so much goes), "5ms" (so long may it take)',
};

/** Numbers below 1 and percentages are shares that go. Throws `invalid("goal-invalid")`. */
export function parseAmount(measure: Measure, given: string | number): Amount {
  const text = String(given).trim();
  const [, digits, unit] = /^(\d+(?:\.\d+)?|\.\d+)\s*([a-z%]*)$/i.exec(text) ?? [];
  const number = Number(digits);
  if (digits === undefined || number === 0) throw wrong(measure, text);
  if (unit === "%") return share(number / 100, measure, text);
  if (unit === "" && number < 1) return share(number, measure, text);
  const factor = UNITS[measure][unit!.toLowerCase()];
  if (factor === undefined) throw wrong(measure, text);
  return { left: number * factor };
}

function share(value: number, measure: Measure, text: string): Amount {
  if (value < 1) return { share: value };
  throw wrong(measure, text);
}

const wrong = (measure: Measure, found: string) =>
  invalid("goal-invalid", `"${found}" does not say how much of the ${measure} shall go.`, {
    expected: EXAMPLES[measure],
    found,
  });

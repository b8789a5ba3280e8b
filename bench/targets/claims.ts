// What the targets say is fast, beside what was measured there: a default that the figures contradict is named.

import { type Target, targets } from "../../src/targets/index.js";
import { forms } from "./forms.js";
import { number, type Results, type Row, slower } from "./results.js";

type Fast = Target["fast"];

/** Whether a target calls a form fast for a model. Forms that are not here make no claim. */
type Claim = (fast: Fast, model: string) => boolean;

const claimed: Readonly<Record<string, Claim>> = {
  float16: (fast) => fast.float16,
  "int8-dynamic": (fast, model) => (model === "cnn" ? fast.dynamicInt8Conv : fast.dynamicInt8),
  "qdq-u8s8": (fast) => fast.staticInt8.includes("U8S8"),
  "qdq-u8u8": (fast) => fast.staticInt8.includes("U8U8"),
  "nbits8-4": product(8),
  "nbits4-4": product(4),
  "nbits2-4": product(2),
  bnb4: (fast) => fast.matMulBnb4,
  "dequantize-int8": (fast) => fast.dequantizeLinear.includes("int8"),
  "dequantize-int4": (fast) => fast.dequantizeLinear.includes("int4"),
  gather8: (fast) => fast.gatherBlockQuantized,
  gather4: (fast) => fast.gatherBlockQuantized,
};

/** The decoder step has one row, the encoder one for each token. */
function product(bits: number): Claim {
  return (fast, model) =>
    fast.matMulNBits.some((one) => one.bits === bits && (one.rows === "any" || model === "decoder"));
}

/** Where each target was timed here. */
const timedIn: Readonly<Record<string, RegExp>> = { node: /^node-/, wasm: /^wasm-/, any: /^(node|wasm)-/ };

/** A table: form by target, the claim, the span of ratios, and whether they agree. */
export function claims(results: Results): string {
  const lines: string[] = [];
  for (const [form, isFast] of Object.entries(claimed)) {
    const label = forms.find(({ id }) => id === form)?.label ?? form;
    const cells = Object.entries(timedIn).map(([name, places]) => {
      const rows = results.rows.filter((row) => row.form === form && places.test(row.place));
      return judged((model) => isFast(targets.get(name).fast, model), rows);
    });
    lines.push(`| ${label} | ${cells.join(" | ")} |`);
  }
  const head = Object.keys(timedIn).map((name) => `\`${name}\``);
  return [`| form | ${head.join(" | ")} |`, `|---|${head.map(() => "---").join("|")}|`, ...lines].join("\n");
}

function judged(isFast: (model: string) => boolean, all: readonly Row[]): string {
  const rows = all.filter((row): row is Row & { ratio: number } => row.ratio !== undefined);
  const fast = rows.filter(({ model }) => isFast(model));
  const others = rows.filter(({ model }) => !isFast(model));
  const on = (some: readonly Row[]) => [...new Set(some.map(({ model }) => model))].join(", ");
  if (rows.length === 0) return "not measured";
  const claim = others.length === 0 ? "fast" : fast.length === 0 ? "not fast" : `fast on ${on(fast)}`;
  const ratios = rows.map(({ ratio }) => ratio);
  const span = `${claim}; ${number(Math.min(...ratios))} to ${number(Math.max(...ratios))}`;
  const slow = fast.filter(slower);
  if (slow.length > 0) return `${span}: **slower on ${on(slow)}**`;
  if (others.length > 0 && !others.some(slower)) {
    return `${span}: **${fast.length === 0 ? "nowhere slower" : `not slower on ${on(others)}`}**`;
  }
  return span;
}

// The native forms, in the order in which they are asked; what of them a target and the options allow; and why.

import { unsupported } from "../../base/errors.js";
import { info, type Note, warning } from "../../base/note.js";
import { registry } from "../../base/registry.js";
import type { Model } from "../../ir/model.js";
import type { Target } from "../../targets/target.js";
import type { Weight } from "../../weights/weights.js";
import type { Settings } from "../options.js";
import { dequantizeLinear } from "./dequantize-linear.js";
import { type Against, MICROSOFT, type NativeForm, type NativePlan, type TargetRow } from "./form.js";
import { gatherBlockQuantized } from "./gather-block-quantized.js";
import { matMulBnb4 } from "./matmul-bnb4.js";
import { matMulNBits } from "./matmul-nbits.js";
import { FEW_ROWS } from "./rows.js";

export type { Against, NativePlan } from "./form.js";
export { MICROSOFT };

export const nativeForms = registry<NativeForm>("native form", [
  matMulNBits,
  gatherBlockQuantized,
  matMulBnb4,
  dequantizeLinear,
]);

/** The forms that the options allow, whatever the target. */
function candidates(settings: Settings): readonly NativeForm[] {
  if (settings.form === "extract") return [];
  const asked = nativeForms.list.filter((form) => form.serves(settings));
  if (settings.form === "auto") return asked;
  return asked.filter(({ name }) => (name === "DequantizeLinear") === (settings.form === "dequantize"));
}

/** Whether a weight may be read by a native form: as asked, or where the target is fast at it. */
export const mayBeNative = (settings: Settings, target: Target): boolean =>
  candidates(settings).some((form) => settings.form !== "auto" || form.slow(settings, target) === undefined);

/** Whether products may become MatMulNBits, which has an accuracy level. */
export const mayBeMatMulNBits = (settings: Settings, target: Target): boolean =>
  candidates(settings).includes(matMulNBits) &&
  (settings.form === "native" || matMulNBits.slow(settings, target) === undefined);

type Refused = { readonly obstacle: string; readonly against?: Against };

/**
 * The form that a weight takes; else why none, and what of the target speaks against it. With form native and dequantize
 * the target's rows do not count.
 */
export function planNative(weight: Weight, settings: Settings, target: Target, model: Model): NativePlan | Refused {
  let first: Refused | undefined;
  for (const form of candidates(settings)) {
    const plan = form.plan(weight, settings, target);
    if ("obstacle" in plan) {
      first ??= plan;
      continue;
    }
    const against = form.slow(settings, target, { weight, model });
    if (against === undefined || settings.form !== "auto") {
      return { ...plan, slow: against?.rows === "unknown" ? undefined : against?.row };
    }
    // That it could be read so, but slowly, says more than what another form lacks.
    if (first?.against === undefined) {
      first = { obstacle: `${plan.operators.join(" and ")} is not fast on ${target.name}`, against };
    }
  }
  return first ?? { obstacle: `no operator of the runtime reads ${settings.format.name} so` };
}

/** Throws `unsupported("form-missing")` where form native or dequantize is asked for and no operator reads such codes. */
export function checkForm(settings: Settings): void {
  const { form, format } = settings;
  if (form === "auto" || form === "extract" || candidates(settings).length > 0) return;
  const others = nativeForms.list.filter(({ name }) => (name === "DequantizeLinear") === (form === "dequantize"));
  throw unsupported("form-missing", `No operator of ONNX Runtime reads ${format.name} weights in form ${form}.`, {
    expected: others.map(({ name, reads }) => `${name}: ${reads}`).join("; "),
    found: `${format.name}, granularity ${settings.granularity}`,
    hint: "Leave form out (or extract): any format can be stored so that it is decoded once, at load.",
  });
}

/** One weight, and what became of it. */
export interface NativeChoice {
  readonly weight: Weight;
  /** The operators that read it; none where a row of the target spoke against them. */
  readonly plan?: NativePlan;
  readonly against?: Against;
}

const ROWS: Readonly<Record<NativeForm["name"], TargetRow>> = {
  MatMulNBits: "matMulNBits",
  GatherBlockQuantized: "gatherBlockQuantized",
  MatMulBnb4: "matMulBnb4",
  DequantizeLinear: "dequantizeLinear",
};

/** Why native forms were taken, or not: one Note for each row of the target that decided, one for each unmet condition. */
export function explained(choices: readonly NativeChoice[], target: Target): readonly Note[] {
  const notes: Note[] = [];
  for (const [name, row] of Object.entries(ROWS) as [NativeForm["name"], TargetRow][]) {
    const taken = choices.filter(({ plan }) => plan?.operators.includes(name));
    const left = choices.filter(({ against }) => against?.row === row);
    const because = `on target ${target.name}: ${target.why[row]}.`;
    const slow = taken.filter(({ plan }) => plan?.slow === row);
    const fast = taken.filter(({ plan }) => plan?.slow !== row);
    if (slow.length > 0) {
      notes.push(warning("slow-form", `${name} was asked for ${counted(slow)} and is not fast ${because}`));
    }
    if (fast.length > 0) notes.push(info("form-chosen", `${name} reads ${counted(fast)} ${because}`));
    for (const rows of [undefined, "many", "unknown"] as const) {
      const those = left.filter(({ against }) => against?.rows === rows);
      if (those.length === 0) continue;
      const text = `${counted(those)}: decoded at load and not read by ${name}, ${rows ? LEFT[rows] : ""}${because}`;
      notes.push(info("form-left", rows ? `${text} Form native (--form native) takes it all the same.` : text));
    }
  }
  const unmet = new Map<string, NativeChoice[]>();
  for (const choice of choices) {
    for (const why of choice.plan?.misaligned ?? []) unmet.set(why, [...(unmet.get(why) ?? []), choice]);
  }
  for (const [why, those] of unmet) {
    notes.push(info("kernel-alignment", `${counted(those)}: not at full speed on target ${target.name}, for ${why}.`));
  }
  return notes;
}

const LEFT = {
  many: `which is slower than float for more than ${FEW_ROWS} rows of activations at these bits, `,
  unknown: `as the file does not say that they are multiplied with few rows (${FEW_ROWS} at most: a declared shape, or a decoder with a cache), `,
};

function counted(choices: readonly NativeChoice[]): string {
  const names = choices.slice(0, 3).map(({ weight }) => `"${weight.name}"`);
  const more = choices.length > 3 ? ` and ${choices.length - 3} more` : "";
  return `${names.join(", ")}${more}`;
}

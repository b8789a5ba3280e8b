// The schemes, in the order in which they are asked whether they serve.

import { internal, invalid } from "../../base/errors.js";
import { registry } from "../../base/registry.js";
import type { Target } from "../../targets/target.js";
import { type OptionName, type QuantizeOptions, type Settings, settle } from "../options.js";
import { dynamic } from "./dynamic.js";
import { half } from "./half.js";
import type { Scheme } from "./scheme.js";
import { staticScheme } from "./static.js";
import { stored } from "./stored.js";
import { weightOnly } from "./weight-only.js";

export type { Scheme } from "./scheme.js";

export const schemes = registry<Scheme>("quantization scheme", [half, stored, dynamic, staticScheme, weightOnly]);

/**
 * The scheme that serves these options, and what they come to. Throws `invalid("quantize-options")` for options that
 * contradict each other, and for one that is stated and would do nothing.
 */
export function chooseScheme(options: QuantizeOptions, target: Target): { scheme: Scheme; settings: Settings } {
  const settings = settle(options);
  const scheme = schemeFor(settings);
  for (const [name, value] of Object.entries(options) as [OptionName, unknown][]) {
    const read = scheme.reads[name];
    if (value === undefined || read === true || read?.when(settings, target)) continue;
    const text =
      read === undefined
        ? `Option ${name} has no part in ${scheme.name} quantization (weights ${settings.weights}, activations ${settings.activations}).`
        : `Option ${name} does nothing in ${scheme.name} quantization with these options on target ${target.name}.`;
    throw invalid("quantize-options", text, {
      expected: read === undefined ? Object.keys(scheme.reads).join(", ") : `${name} with ${read.needs}`,
      found: `${name}: ${JSON.stringify(value)}`,
      hint: `Leave ${name} out.`,
    });
  }
  return { scheme, settings };
}

/** The one scheme that makes what the settings ask for. */
export function schemeFor(settings: Settings): Scheme {
  const [found, ...more] = schemes.list.filter((scheme) => scheme.serves(settings));
  if (found === undefined || more.length > 0)
    throw internal(`${more.length + (found ? 1 : 0)} schemes serve these options`);
  return found;
}

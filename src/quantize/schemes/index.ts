// The schemes, in the order in which they are asked whether they serve.

import { internal } from "../../base/errors.js";
import { registry } from "../../base/registry.js";
import type { Settings } from "../options.js";
import { dynamic } from "./dynamic.js";
import { half } from "./half.js";
import type { Scheme } from "./scheme.js";
import { storedHalf } from "./stored-half.js";
import { weightOnly } from "./weight-only.js";

export type { Scheme } from "./scheme.js";

export const schemes = registry<Scheme>("quantization scheme", [half, storedHalf, dynamic, weightOnly]);

/** The one scheme that makes what the settings ask for. */
export function schemeFor(settings: Settings): Scheme {
  const [found, ...more] = schemes.list.filter((scheme) => scheme.serves(settings));
  if (found === undefined || more.length > 0)
    throw internal(`${more.length + (found ? 1 : 0)} schemes serve these options`);
  return found;
}

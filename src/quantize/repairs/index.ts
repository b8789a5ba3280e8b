// The repairs, in the order in which they are applied: what wins back accuracy that a scheme by itself would lose.

import { registry } from "../../base/registry.js";
import { awq } from "./awq.js";
import { biasCorrection } from "./bias-correction.js";
import { equalize } from "./equalize.js";
import { outliers } from "./outliers.js";
import type { Repair } from "./repair.js";
import { smooth } from "./smooth.js";

export type { Given, Repair } from "./repair.js";

export const repairs = registry<Repair>("repair", [equalize, smooth, outliers, awq, biasCorrection]);

// The ways to round a number between two codes.

import { registry } from "../../base/registry.js";
import { gptq } from "./gptq.js";
import { nearest } from "./nearest.js";
import type { RoundingMethod } from "./round.js";
import { stochastic } from "./stochastic.js";

export type { RoundingMethod } from "./round.js";

export const roundings = registry<RoundingMethod>("rounding method", [nearest, stochastic, gptq]);

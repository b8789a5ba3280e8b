// Unsigned integers of 3 bits.

import { integerFormat } from "./format.js";

export const uint3 = integerFormat("uint3");

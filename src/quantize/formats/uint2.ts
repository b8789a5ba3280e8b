// Unsigned integers of 2 bits.

import { integerFormat } from "./format.js";

export const uint2 = integerFormat("uint2");

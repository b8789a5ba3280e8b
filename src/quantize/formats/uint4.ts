// Unsigned integers of 4 bits.

import { integerFormat } from "./format.js";

export const uint4 = integerFormat("uint4");

// Unsigned integers of 6 bits.

import { integerFormat } from "./format.js";

export const uint6 = integerFormat("uint6");

// Unsigned integers of 8 bits.

import { integerFormat } from "./format.js";

export const uint8 = integerFormat("uint8");

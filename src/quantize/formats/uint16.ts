// Unsigned integers of 16 bits.

import { integerFormat } from "./format.js";

export const uint16 = integerFormat("uint16");

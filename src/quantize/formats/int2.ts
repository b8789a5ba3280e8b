// Signed integers of 2 bits.

import { integerFormat } from "./format.js";

export const int2 = integerFormat("int2");

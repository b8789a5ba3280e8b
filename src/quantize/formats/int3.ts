// Signed integers of 3 bits.

import { integerFormat } from "./format.js";

export const int3 = integerFormat("int3");

// Signed integers of 8 bits.

import { integerFormat } from "./format.js";

export const int8 = integerFormat("int8");

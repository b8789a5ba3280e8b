// Signed integers of 16 bits.

import { integerFormat } from "./format.js";

export const int16 = integerFormat("int16");

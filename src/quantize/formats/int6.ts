// Signed integers of 6 bits.

import { integerFormat } from "./format.js";

export const int6 = integerFormat("int6");

// Signed integers of 4 bits.

import { integerFormat } from "./format.js";

export const int4 = integerFormat("int4");

// Signed integers of 5 bits.

import { integerFormat } from "./format.js";

export const int5 = integerFormat("int5");

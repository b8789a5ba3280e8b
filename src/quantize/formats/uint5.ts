// Unsigned integers of 5 bits.

import { integerFormat } from "./format.js";

export const uint5 = integerFormat("uint5");

// The 4-bit floats of bitsandbytes: a sign, two exponent bits and one fraction bit, between -1 and 1.

import { levelsFormat } from "./format.js";

export const fp4 = levelsFormat("fp4", {
  name: "fp4",
  summary: "4-bit floats as bitsandbytes has them: 0, 1/192, 1/6, 1/4, 1/3, 1/2, 2/3, 1, both signs",
  reference: "https://github.com/bitsandbytes-foundation/bitsandbytes",
  scaling: "absolute",
});

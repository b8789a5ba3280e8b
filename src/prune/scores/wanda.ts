// Wanda (Sun et al. 2024): |w| times the norm of its input. The norm here is the root of the mean square, which differs from the
// norm over the samples by a factor that a layer has in common.

import { eachElement } from "./axes.js";
import { defineScore } from "./score.js";

export const wanda = defineScore({
  name: "wanda",
  summary: "|w| times the root mean square of what it is multiplied with",
  reference: "https://arxiv.org/abs/2306.11695",
  needs: ["inputs"],
  lacking: "it is not known what it is multiplied with",
  element(weight) {
    const norms = weight.inputSquares!.map(Math.sqrt);
    const found = new Float32Array(weight.values.length);
    eachElement(weight, (at, input) => {
      found[at] = Math.abs(weight.values[at]!) * norms[input]!;
    });
    return found;
  },
});

// The scores: how important weights and channels are.

import { registry } from "../../base/registry.js";
import { activation } from "./activation.js";
import { apoz } from "./apoz.js";
import { bnScale } from "./bn-scale.js";
import { fisher } from "./fisher.js";
import { fpgm } from "./fpgm.js";
import { gradient } from "./gradient.js";
import { hessian } from "./hessian.js";
import { l1 } from "./l1.js";
import { l2 } from "./l2.js";
import { lamp } from "./lamp.js";
import { random } from "./random.js";
import type { Score } from "./score.js";
import { snip } from "./snip.js";
import { sparsegpt } from "./sparsegpt.js";
import { taylor } from "./taylor.js";
import { wanda } from "./wanda.js";

export type { Score } from "./score.js";

export const scores = registry<Score>("score", [
  random,
  l1,
  l2,
  lamp,
  bnScale,
  fpgm,
  activation,
  apoz,
  wanda,
  taylor,
  snip,
  fisher,
  gradient,
  sparsegpt,
  hessian,
]);

// The losses.

import { registry } from "../../base/registry.js";
import { binaryCrossEntropy } from "./binary-cross-entropy.js";
import { contrastive } from "./contrastive.js";
import { cosine } from "./cosine.js";
import { crossEntropy } from "./cross-entropy.js";
import { ctc } from "./ctc.js";
import { huber } from "./huber.js";
import { kl } from "./kl.js";
import { l1 } from "./l1.js";
import type { Loss } from "./loss.js";
import { meanSquared } from "./mean-squared.js";

export const losses = registry<Loss>("loss", [
  crossEntropy,
  binaryCrossEntropy,
  meanSquared,
  l1,
  huber,
  kl,
  cosine,
  contrastive,
  ctc,
]);

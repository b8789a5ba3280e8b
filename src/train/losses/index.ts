// The losses.

import { registry } from "../../base/registry.js";
import { crossEntropy } from "./cross-entropy.js";
import type { Loss } from "./loss.js";
import { meanSquared } from "./mean-squared.js";

export const losses = registry<Loss>("loss", [crossEntropy, meanSquared]);

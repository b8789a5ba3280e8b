// The optimizers.

import { registry } from "../../base/registry.js";
import { adam } from "./adam.js";
import { adamw } from "./adamw.js";
import { lion } from "./lion.js";
import type { Optimizer } from "./optimizer.js";
import { rmsprop } from "./rmsprop.js";
import { sgd } from "./sgd.js";

export const optimizers = registry<Optimizer>("optimizer", [sgd, adam, adamw, rmsprop, lion]);

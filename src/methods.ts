// Every list of methods, for `pare methods`, the docs and the page.

import type { Method, Registry } from "./base/registry.js";
import { augmentations, readers, tokenizers } from "./data/index.js";
import { hardware } from "./hardware/index.js";
import { accuracyMetrics } from "./metrics/accuracy/index.js";
import { metrics } from "./metrics/index.js";
import { passes } from "./passes/index.js";
import { regularisers } from "./prune/induce/index.js";
import { pruningSchedules } from "./prune/schedules/index.js";
import { scopes } from "./prune/scopes/index.js";
import { scores } from "./prune/scores/index.js";
import { normalisations } from "./prune/scores/normalisations.js";
import { reductions } from "./prune/scores/reductions.js";
import { structures } from "./prune/structures/index.js";
import { calibrationRanges } from "./quantize/calibration/ranges/index.js";
import { formats } from "./quantize/formats/index.js";
import { ranges } from "./quantize/ranges/index.js";
import { repairs } from "./quantize/repairs/index.js";
import { roundings } from "./quantize/rounding/index.js";
import { schemes } from "./quantize/schemes/index.js";
import { steps } from "./recipe.js";
import { reports } from "./report/index.js";
import { targets } from "./targets/index.js";
import { losses } from "./train/losses/index.js";
import { optimizers } from "./train/optimizers/index.js";
import { schedules } from "./train/schedules/index.js";

export const methods: readonly Registry<Method>[] = [
  steps,
  passes,
  structures,
  scores,
  normalisations,
  reductions,
  scopes,
  pruningSchedules,
  regularisers,
  formats,
  ranges,
  calibrationRanges,
  roundings,
  repairs,
  schemes,
  losses,
  optimizers,
  schedules,
  targets,
  hardware,
  metrics,
  accuracyMetrics,
  readers,
  tokenizers,
  augmentations,
  reports,
];

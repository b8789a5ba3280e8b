// The losses with a teacher.

import { registry } from "../../../base/registry.js";
import type { TeacherLoss } from "../teacher-loss.js";
import { attention } from "./attention.js";
import { contrastive } from "./contrastive.js";
import { hidden } from "./hidden.js";
import { logits } from "./logits.js";
import { relational } from "./relational.js";
import { similarity } from "./similarity.js";
import { softLabels } from "./soft-labels.js";

export const teacherLosses = registry<TeacherLoss>("loss with a teacher", [
  softLabels,
  logits,
  hidden,
  attention,
  relational,
  similarity,
  contrastive,
]);

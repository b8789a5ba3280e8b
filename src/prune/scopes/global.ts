// One threshold for the whole model.

import { selectGlobally } from "./global-selection.js";
import { defineScope } from "./scope.js";

export const globalScope = defineScope({
  name: "global",
  summary: "The least important of the whole model, wherever they stand",
  reference: "https://arxiv.org/abs/1506.02626",
  choose: (items, goal, _, context) => selectGlobally(items, goal, context),
});

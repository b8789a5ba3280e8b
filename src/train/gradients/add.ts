// d(a + b) = da + db.

import { defineGradient } from "./rule.js";

export const add = defineGradient({
  name: "add",
  summary: "Add, with broadcasting",
  operators: ["Add"],
  backward: ({ gradient }) => [gradient(0), gradient(0)],
});

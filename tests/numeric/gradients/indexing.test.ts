// Runs the gradient cases of cases/indexing.ts.

import { runGradientCases } from "../../support/gradients.js";
import { cases } from "./cases/indexing.js";

runGradientCases(cases);

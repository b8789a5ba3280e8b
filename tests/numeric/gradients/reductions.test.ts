// Runs the gradient cases of cases/reductions.ts.

import { runGradientCases } from "../../support/gradients.js";
import { cases } from "./cases/reductions.js";

runGradientCases(cases);

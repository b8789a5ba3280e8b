// Runs the gradient cases of cases/resize.ts.

import { runGradientCases } from "../../support/gradients.js";
import { cases } from "./cases/resize.js";

runGradientCases(cases);

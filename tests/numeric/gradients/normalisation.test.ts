// Runs the gradient cases of cases/normalisation.ts.

import { runGradientCases } from "../../support/gradients.js";
import { cases } from "./cases/normalisation.js";

runGradientCases(cases);

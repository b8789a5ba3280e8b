// Runs the gradient cases of cases/activations.ts.

import { runGradientCases } from "../../support/gradients.js";
import { cases } from "./cases/activations.js";

runGradientCases(cases);

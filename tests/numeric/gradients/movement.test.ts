// Runs the gradient cases of cases/movement.ts.

import { runGradientCases } from "../../support/gradients.js";
import { cases } from "./cases/movement.js";

runGradientCases(cases);

// Runs the gradient cases of cases/convolution.ts.

import { runGradientCases } from "../../support/gradients.js";
import { cases } from "./cases/convolution.js";

runGradientCases(cases);

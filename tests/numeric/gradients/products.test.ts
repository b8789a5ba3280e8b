// Runs the gradient cases of cases/products.ts.

import { runGradientCases } from "../../support/gradients.js";
import { cases } from "./cases/products.js";

runGradientCases(cases);

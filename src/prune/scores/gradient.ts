// Gradient magnitude: |g|.

import { defineScore } from "./score.js";

export const gradient = defineScore({
  name: "gradient",
  summary: "Magnitude of the gradient of the loss, |g|",
  reference: "https://arxiv.org/abs/2003.03033",
  needs: ["gradients"],
  element: ({ gradient: found }) => found!.map(Math.abs),
});

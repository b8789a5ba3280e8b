// LSTM, GRU and RNN: the gradient of what they are lowered to, against differences of its definition.

import { gradientCases } from "../../../support/gradients.js";
import { lowered } from "../../../support/lowered.js";
import { gruDefinition, lstmDefinition, rnnDefinition } from "../../../support/recurrent-definition.js";

const H = 3;
const layer = (gates: number, directions = 1) => ({
  w: [directions, gates * H, 4],
  r: [directions, gates * H, H],
  b: [directions, 2 * gates * H],
});
const lengths = { lengths: { dims: [2], values: [2, 3], dtype: "int32" as const } };
const anLstm = { outputs: 3, lower: lowered, definition: lstmDefinition };
const aGru = { outputs: 2, lower: lowered, definition: gruDefinition };
const anRnn = { outputs: 2, lower: lowered, definition: rnnDefinition };
const lstm = { x: [3, 2, 4], ...layer(4) };
const both = { x: [3, 2, 4], ...layer(4, 2), h: [2, 2, H], c: [2, 2, H], p: [2, 3 * H] };

const gru = { x: [3, 2, 4], ...layer(3) };
const gruBoth = { x: [3, 2, 4], ...layer(3, 2), h: [2, 2, H] };

export const cases = [
  gradientCases("LSTM", [
    { ...anLstm, name: "forward", inputs: lstm, attributes: { hidden_size: H } },
    {
      ...anLstm,
      name: "no bias, reverse",
      inputs: { x: [3, 2, 4], w: [1, 12, 4], r: [1, 12, H] },
      attributes: { hidden_size: H, direction: "reverse" },
    },
    {
      ...anLstm,
      name: "both directions, lengths, initial states, peepholes",
      inputs: both,
      constants: lengths,
      order: ["x", "w", "r", "b", "lengths", "h", "c", "p"],
      attributes: { hidden_size: H, direction: "bidirectional" },
    },
    {
      ...anLstm,
      name: "forget gate coupled to the input gate",
      inputs: { ...lstm, h: [1, 2, H] },
      order: ["x", "w", "r", "b", "", "h"],
      attributes: { hidden_size: H, input_forget: 1, activations: ["Sigmoid", "Tanh", "Tanh"] },
    },
    {
      ...anLstm,
      name: "clipped, peepholes",
      inputs: { ...lstm, p: [1, 3 * H] },
      order: ["x", "w", "r", "b", "", "", "", "p"],
      attributes: { hidden_size: H, clip: { type: "float", value: 0.75 } },
    },
    {
      ...anLstm,
      name: "one step, one output read",
      inputs: { ...lstm, x: [1, 2, 4] },
      loss: [0],
      attributes: { hidden_size: H },
    },
  ]),
  gradientCases("GRU", [
    { ...aGru, name: "forward", inputs: gru, attributes: { hidden_size: H } },
    {
      ...aGru,
      name: "linear before reset",
      inputs: gru,
      attributes: { hidden_size: H, linear_before_reset: 1 },
    },
    {
      ...aGru,
      name: "no bias, reverse, linear before reset",
      inputs: { x: [3, 2, 4], w: [1, 9, 4], r: [1, 9, H] },
      attributes: { hidden_size: H, linear_before_reset: 1, direction: "reverse" },
    },
    {
      ...aGru,
      name: "both directions, lengths, initial state",
      inputs: gruBoth,
      constants: lengths,
      order: ["x", "w", "r", "b", "lengths", "h"],
      attributes: { hidden_size: H, direction: "bidirectional" },
    },
    {
      ...aGru,
      name: "clipped",
      inputs: gru,
      attributes: { hidden_size: H, clip: { type: "float", value: 0.5 } },
    },
  ]),
  gradientCases("RNN", [
    {
      ...anRnn,
      name: "forward",
      inputs: { x: [3, 2, 4], ...layer(1) },
      attributes: { hidden_size: H },
    },
    {
      ...anRnn,
      name: "both directions, lengths, initial state",
      inputs: { x: [3, 2, 4], ...layer(1, 2), h: [2, 2, H] },
      constants: lengths,
      order: ["x", "w", "r", "b", "lengths", "h"],
      attributes: { hidden_size: H, direction: "bidirectional" },
    },
  ]),
];

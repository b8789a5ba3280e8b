// LSTM, GRU and RNN: a hidden unit is a row of every gate, a column of the recurrence, and its place in all states.

import { int } from "../../ir/attributes.js";
import type { Node } from "../../ir/model.js";
import { type Axis, type ChannelNode, defineChannelRule } from "./rule.js";

export const recurrent = defineChannelRule({
  name: "recurrent",
  summary: "Hidden units of LSTM, GRU and RNN",
  reference: "https://onnx.ai/onnx/operators/onnx__LSTM.html",
  operators: ["LSTM", "GRU", "RNN"],
  flow(flow) {
    const { x, w, r, vectors, states, outputs } = names(flow.node);
    const hidden = flow.dims(r)[2]!;
    const units: Axis = { value: r, axis: 2 };
    flow.tie({ value: x, axis: 2 }, { value: w, axis: 2 });
    for (const value of [r, w]) flow.place({ value, axis: 1 }, units, (row) => row % hidden);
    for (const value of vectors) flow.place({ value, axis: 1 }, units, (row) => row % hidden);
    for (const value of [...states, ...outputs]) flow.tie({ value, axis: flow.dims(value).length - 1 }, units);
    flow.tag(units, "recurrent");
  },
  rests(rests) {
    const { x, w, r, states, outputs } = names(rests.node);
    rests.sums({ value: x, axis: 2 }, "zero");
    const fromZero = states.every((value) => {
      if (rests.isFixed(value)) return rests.numbers(value)?.every((number) => number === 0) === true;
      return rests.rest({ value, axis: rests.dims(value).length - 1 }) === 0;
    });
    const zero = fromZero && staysZero(rests) && rests.isFixed(w) && rests.isFixed(r);
    // The recurrence sums over the states of all units.
    if (!zero) rests.keep({ value: r, axis: 2 }, "a masked unit would not stay at 0 through time");
    for (const value of outputs) {
      rests.leaves({ value, axis: rests.dims(value).length - 1 }, zero ? 0 : undefined);
    }
  },
  cut(cut) {
    const { r } = names(cut.node);
    if (!cut.node.attributes.has("hidden_size")) return undefined;
    return { ...cut.node, attributes: new Map(cut.node.attributes).set("hidden_size", int(cut.after(r)[2]!)) };
  },
});

/** X, W, R, B, sequence_lens, initial_h, and of LSTM initial_c and P. */
function names({ opType, inputs, outputs }: Node) {
  const given = (...at: number[]) => at.map((index) => inputs[index] ?? "").filter((value) => value !== "");
  const isLstm = opType === "LSTM";
  return {
    x: inputs[0]!,
    w: inputs[1]!,
    r: inputs[2]!,
    vectors: isLstm ? given(3, 7) : given(3),
    states: isLstm ? given(5, 6) : given(5),
    outputs: outputs.filter((value) => value !== ""),
  };
}

const ZERO_AT_ZERO = new Set(["tanh", "relu", "leakyrelu", "thresholdedrelu", "scaledtanh", "elu", "softsign"]);

/** Whether a unit without weights stays at 0: what makes its candidate and its output must map 0 to 0; gates may be anything. */
function staysZero({ node }: ChannelNode): boolean {
  const stated = node.attributes.get("activations");
  if (stated === undefined) return true;
  if (stated.type !== "strings") return false;
  const list = stated.value.map((text) => new TextDecoder().decode(text).toLowerCase());
  const each = node.opType === "LSTM" ? 3 : node.opType === "GRU" ? 2 : 1;
  const gates = node.opType === "RNN" ? 0 : 1;
  return list.every((name, at) => at % each < gates || ZERO_AT_ZERO.has(name));
}

// Integer products with activations quantized at each run, in the very pattern that ONNX Runtime fuses:
// DynamicQuantizeLinear, MatMulInteger (with the zero point of A), Cast, Mul of the scales, Mul (and Add).

import { int } from "../ir/attributes.js";
import type { Attribute, Graph, Node } from "../ir/model.js";
import { DTYPES } from "../tensor/dtype.js";
import { MICROSOFT } from "./native/index.js";
import { productNodes } from "./product.js";
import { type Edits, makeNode } from "./rewrite.js";

/** The names of a quantized activation. */
interface Quantized {
  readonly codes: string;
  readonly scale: string;
  readonly zeroPoint: string;
}

/** Quantizes each activation of a graph once, before the first node that uses it. */
export class Activations {
  readonly #edits: Edits;
  readonly #known = new Map<Graph, Map<string, Quantized>>();

  constructor(edits: Edits) {
    this.#edits = edits;
  }

  /** The nodes to put first (none when it was quantized before in this graph) and the names of the result. */
  quantized(graph: Graph, name: string): { readonly nodes: readonly Node[]; readonly value: Quantized } {
    const names = this.#known.get(graph) ?? new Map<string, Quantized>();
    this.#known.set(graph, names);
    const known = names.get(name);
    if (known) return { nodes: [], value: known };
    const value = {
      codes: this.#edits.fresh(`${name}_quantized`),
      scale: this.#edits.fresh(`${name}_scale`),
      zeroPoint: this.#edits.fresh(`${name}_zero_point`),
    };
    names.set(name, value);
    const outputs = [value.codes, value.scale, value.zeroPoint];
    return { nodes: [makeNode("DynamicQuantizeLinear", [name], outputs)], value };
  }
}

export interface Place {
  readonly edits: Edits;
  readonly activations: Activations;
  readonly graph: Graph;
  readonly node: Node;
}

/** MatMul or Gemm. `codes` are int8 [K, N], or uint8 with the scalar `zeroPoint`; `scale` is a scalar or [N]. */
export function dynamicProduct(
  { edits, activations, graph, node }: Place,
  codes: string,
  scale: string,
  zeroPoint = "",
): readonly Node[] {
  const more = zeroPoint === "" ? [] : [zeroPoint];
  return productNodes(edits, graph, node, "float32", (left, output) => {
    const { nodes, value } = activations.quantized(graph, left);
    const [sum, real, scales] = [
      edits.fresh(`${output}_int32`),
      edits.fresh(`${output}_cast`),
      edits.fresh(`${output}_scales`),
    ];
    return [
      ...nodes,
      makeNode("MatMulInteger", [value.codes, codes, value.zeroPoint, ...more], [sum], {}, "", node.name || sum),
      makeNode("Cast", [sum], [real], { to: DTYPES.float32.code }),
      makeNode("Mul", [value.scale, scale], [scales]),
      makeNode("Mul", [real, scales], [output]),
    ];
  });
}

/**
 * Conv through ConvInteger. `codes` are uint8 with the scalar zero point `zeroPoint`; `scale` is a scalar or
 * [O, 1, ...], one axis less than the output. `bias` has been given that shape too.
 */
export function dynamicConv(
  { edits, activations, graph, node }: Place,
  codes: string,
  zeroPoint: string,
  scale: string,
  bias: string | undefined,
): readonly Node[] {
  const [output = ""] = node.outputs;
  const { nodes, value } = activations.quantized(graph, node.inputs[0]!);
  const fresh = (suffix: string) => edits.fresh(`${output}_${suffix}`);
  const [sum, real, scales] = [fresh("int32"), fresh("cast"), fresh("scales")];
  const scaled = bias === undefined ? output : fresh("scaled");
  const inputs = [value.codes, codes, value.zeroPoint, zeroPoint];
  return [
    ...nodes,
    { ...makeNode("ConvInteger", inputs, [sum], {}, "", node.name || sum), attributes: node.attributes },
    makeNode("Cast", [sum], [real], { to: DTYPES.float32.code }),
    makeNode("Mul", [value.scale, scale], [scales]),
    makeNode("Mul", [real, scales], [scaled]),
    ...(bias === undefined ? [] : [makeNode("Add", [scaled, bias], [output])]),
  ];
}

/** One matrix of an LSTM as DynamicQuantizeLSTM takes it: codes [directions, inner, gates], scales [directions, gates]. */
export interface RecurrentMatrix {
  readonly codes: string;
  readonly scale: string;
  readonly zeroPoint: string;
}

/** LSTM through DynamicQuantizeLSTM. */
export function dynamicLstm(node: Node, hidden: number, w: RecurrentMatrix, r: RecurrentMatrix): readonly Node[] {
  const optional = [3, 4, 5, 6, 7].map((at) => node.inputs[at] ?? "");
  const inputs = [node.inputs[0]!, w.codes, r.codes, ...optional, w.scale, w.zeroPoint, r.scale, r.zeroPoint];
  const attributes = new Map<string, Attribute>([...node.attributes].filter(([name]) => name !== "layout"));
  attributes.set("hidden_size", node.attributes.get("hidden_size") ?? int(hidden));
  const made = makeNode("DynamicQuantizeLSTM", inputs, node.outputs, {}, MICROSOFT, node.name);
  return [{ ...made, attributes }];
}

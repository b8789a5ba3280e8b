// Small models with made-up weights as folders in the Hub's layout: what transformers.js loads as a classifier, as a
// language model with a cache, and as encoder and decoder.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type GraphBuilder, graphBuilder } from "../../src/ir/build.js";
import type { Initializer, Model } from "../../src/ir/model.js";
import { toBytes } from "../../src/onnx/encode.js";
import { random } from "../../src/tensor/random.js";
import { float32, int64 } from "../../src/tensor/tensor.js";

const WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", ..."the a cat dog sat ran on mat fast slow big small".split(" ")];
/** Rows of the tables of embeddings: more than there are words. */
const VOCABULARY = 96;
const WIDTH = 64;
const HEADS = 2;
const LABELS = 32;

export type HubKind = "classifier" | "decoder" | "encoder-decoder";

/** Writes the folder of a kind of model. */
export async function writeHubFolder(folder: string, kind: HubKind): Promise<void> {
  mkdirSync(join(folder, "onnx"), { recursive: true });
  for (const [name, model] of Object.entries(models[kind]())) {
    writeFileSync(join(folder, "onnx", `${name}.onnx`), await toBytes(model));
  }
  for (const [name, content] of Object.entries({ ...texts(), "config.json": configs[kind] })) {
    writeFileSync(join(folder, name), `${JSON.stringify(content, null, 2)}\n`);
  }
}

/** In the order of the kinds: what `from_pretrained` of the automatic classes needs. */
const configs = {
  classifier: {
    model_type: "bert",
    architectures: ["BertForSequenceClassification"],
    id2label: Object.fromEntries(Array.from({ length: LABELS }, (_, label) => [label, `label ${label}`])),
    made_by: "a test",
  },
  decoder: {
    model_type: "llama",
    architectures: ["LlamaForCausalLM"],
    num_hidden_layers: 1,
    num_attention_heads: HEADS,
    num_key_value_heads: HEADS,
    hidden_size: WIDTH,
    vocab_size: VOCABULARY,
    eos_token_id: VOCABULARY - 1,
  },
  "encoder-decoder": {
    model_type: "bart",
    architectures: ["BartForConditionalGeneration"],
    is_encoder_decoder: true,
    d_model: WIDTH,
    encoder_layers: 1,
    decoder_layers: 1,
    encoder_attention_heads: HEADS,
    decoder_attention_heads: HEADS,
    decoder_start_token_id: 2,
    eos_token_id: VOCABULARY - 1,
    vocab_size: VOCABULARY,
    "transformers.js_config": { dtype: "q8", use_external_data_format: true },
  },
} as const;

const models: Readonly<Record<HubKind, () => Readonly<Record<string, Model>>>> = {
  classifier: () => ({ model: classifier() }),
  decoder: () => ({ model: decoder(false) }),
  "encoder-decoder": () => ({ encoder_model: encoder(), decoder_model_merged: decoder(true) }),
};

function texts() {
  const vocab = Object.fromEntries(WORDS.map((word, id) => [word, id]));
  const special = (id: number) => ({
    id,
    content: WORDS[id],
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  });
  return {
    "tokenizer.json": {
      version: "1.0",
      truncation: null,
      padding: null,
      added_tokens: [0, 1, 2, 3].map(special),
      normalizer: { type: "Lowercase" },
      pre_tokenizer: { type: "Whitespace" },
      post_processor: null,
      decoder: null,
      model: { type: "WordLevel", vocab, unk_token: "[UNK]" },
    },
    "tokenizer_config.json": { tokenizer_class: "PreTrainedTokenizerFast", pad_token: "[PAD]", unk_token: "[UNK]" },
  };
}

class Weights {
  readonly #source = random(7);
  #count = 0;
  constructor(private readonly b: GraphBuilder) {}

  /** A weight of normal numbers, scaled so that what goes through it keeps its size. */
  add(...dims: number[]): string {
    return this.b.initializer(`w${this.#count++}`, this.#normals(dims));
  }

  #normals(dims: readonly number[]): Initializer {
    const count = dims.reduce((all, dim) => all * dim, 1);
    const scale = 1 / Math.sqrt(dims.at(-2) ?? 1);
    return float32(
      dims,
      Array.from({ length: count }, () => this.#source.normal() * scale),
    );
  }

  scalar(value: number): string {
    return this.b.initializer(`w${this.#count++}`, float32([], [value]));
  }

  ints(...values: number[]): string {
    return this.b.initializer(`w${this.#count++}`, int64([values.length], values));
  }
}

/** Embedding, a Conv over the words, one feed-forward layer, the mean over the words that count, logits. */
function classifier(): Model {
  const b = graphBuilder("classifier");
  const w = new Weights(b);
  const ids = b.input("input_ids", "int64", ["batch_size", "sequence_length"]);
  const mask = b.input("attention_mask", "int64", ["batch_size", "sequence_length"]);
  let x = b.node("Gather", [w.add(VOCABULARY, WIDTH), ids]);
  x = b.node("Mul", [x, w.scalar(Math.sqrt(VOCABULARY))]);
  const turned = b.node("Transpose", [x], { attributes: { perm: [0, 2, 1] } });
  const mixed = b.node("Conv", [turned, w.add(WIDTH, WIDTH, 3)], { attributes: { pads: [1, 1] } });
  x = b.node("Add", [x, b.node("Transpose", [mixed], { attributes: { perm: [0, 2, 1] } })]);
  x = b.node("Add", [x, feedForward(b, w, x)]);
  const weights = b.node("Unsqueeze", [b.node("Cast", [mask], { attributes: { to: 1 } }), w.ints(2)]);
  const sum = b.node("ReduceSum", [b.node("Mul", [x, weights]), w.ints(1)], { attributes: { keepdims: 0 } });
  const mean = b.node("Div", [sum, b.node("ReduceSum", [weights, w.ints(1)], { attributes: { keepdims: 0 } })]);
  b.node("Gemm", [mean, w.add(WIDTH, LABELS), b.initializer("bias", float32([LABELS], Array(LABELS).fill(0.1)))], {
    outputs: ["logits"],
  });
  b.output("logits", "float32", ["batch_size", LABELS]);
  return b.model({ opset: 17 });
}

function encoder(): Model {
  const b = graphBuilder("encoder");
  const w = new Weights(b);
  const ids = b.input("input_ids", "int64", ["batch_size", "encoder_sequence_length"]);
  const mask = b.input("attention_mask", "int64", ["batch_size", "encoder_sequence_length"]);
  const x = embedded(b, w, ids).x;
  const weights = b.node("Unsqueeze", [b.node("Cast", [mask], { attributes: { to: 1 } }), w.ints(2)]);
  b.node("Mul", [b.node("Add", [x, feedForward(b, w, x)]), weights], { outputs: ["last_hidden_state"] });
  b.output("last_hidden_state", "float32", ["batch_size", "encoder_sequence_length", WIDTH]);
  return b.model({ opset: 17 });
}

/** One layer: attention over what was cached and what is new, over the encoder's states if there are any, feed-forward. */
function decoder(cross: boolean): Model {
  const b = graphBuilder("decoder");
  const w = new Weights(b);
  const [batch, past, states] = ["batch_size", "past_sequence_length", "encoder_sequence_length"];
  const ids = b.input("input_ids", "int64", [batch, "sequence_length"]);
  const mask = cross
    ? b.input("encoder_attention_mask", "int64", [batch, states])
    : b.input("attention_mask", "int64", [batch, "past_sequence_length + sequence_length"]);
  const from = cross ? b.input("encoder_hidden_states", "float32", [batch, states, WIDTH]) : "";
  const { x: start, table } = embedded(b, w, ids);
  const own = cross ? ".decoder" : "";
  const cache = (name: string, length: string) =>
    b.input(`past_key_values.0${name}`, "float32", [batch, HEADS, length, WIDTH / HEADS]);
  const [pastKey, pastValue] = [cache(`${own}.key`, past), cache(`${own}.value`, past)];
  const key = b.node("Concat", [pastKey, heads(b, w, start)], {
    outputs: [`present.0${own}.key`],
    attributes: { axis: 2 },
  });
  const value = b.node("Concat", [pastValue, heads(b, w, start)], {
    outputs: [`present.0${own}.value`],
    attributes: { axis: 2 },
  });
  let x = b.node("Add", [start, attention(b, w, heads(b, w, start), key, value, cross ? "" : mask)]);
  const outputs: (readonly [string, string])[] = [
    [key, "total"],
    [value, "total"],
  ];
  if (cross) {
    const other = [heads(b, w, from), heads(b, w, from)] as const;
    const given = (["key", "value"] as const).map((name, at) => {
      cache(`.encoder.${name}`, "encoder_sequence_length_out");
      const present = b.node("Identity", [other[at]!], { outputs: [`present.0.encoder.${name}`] });
      outputs.push([present, states]);
      return present;
    });
    x = b.node("Add", [x, attention(b, w, heads(b, w, x), given[0]!, given[1]!, mask)]);
    b.input("use_cache_branch", "bool", [1]);
  }
  x = b.node("Add", [x, feedForward(b, w, x)]);
  const tied = b.node("Transpose", [table], { attributes: { perm: [1, 0] } });
  b.node("MatMul", [x, tied], { outputs: ["logits"] });
  b.output("logits", "float32", [batch, "sequence_length", VOCABULARY]);
  for (const [name, length] of outputs) b.output(name, "float32", [batch, HEADS, length, WIDTH / HEADS]);
  return b.model({ opset: 17 });
}

function embedded(b: GraphBuilder, w: Weights, ids: string) {
  const table = w.add(VOCABULARY, WIDTH);
  const x = b.node("Mul", [b.node("Gather", [table, ids]), w.scalar(Math.sqrt(VOCABULARY))]);
  return { x, table };
}

function feedForward(b: GraphBuilder, w: Weights, x: string): string {
  const wide = b.node("Relu", [b.node("MatMul", [x, w.add(WIDTH, 2 * WIDTH)])]);
  return b.node("MatMul", [wide, w.add(2 * WIDTH, WIDTH)]);
}

/** [batch, length, width] through a matrix of its own to [batch, heads, length, width / heads]. */
function heads(b: GraphBuilder, w: Weights, x: string): string {
  const product = b.node("MatMul", [x, w.add(WIDTH, WIDTH)]);
  const split = b.node("Reshape", [product, w.ints(0, 0, HEADS, WIDTH / HEADS)]);
  return b.node("Transpose", [split], { attributes: { perm: [0, 2, 1, 3] } });
}

function attention(b: GraphBuilder, w: Weights, query: string, key: string, value: string, mask: string): string {
  const turned = b.node("Transpose", [key], { attributes: { perm: [0, 1, 3, 2] } });
  const raw = b.node("MatMul", [query, turned]);
  let scores = b.node("Mul", [raw, w.scalar(1 / Math.sqrt(WIDTH / HEADS))]);
  if (mask !== "") {
    const kept = b.node("Cast", [mask], { attributes: { to: 1 } });
    const off = b.node("Mul", [b.node("Sub", [w.scalar(1), kept]), w.scalar(-10_000)]);
    scores = b.node("Add", [scores, b.node("Unsqueeze", [off, w.ints(1, 2)])]);
  }
  const mixed = b.node("MatMul", [b.node("Softmax", [scores], { attributes: { axis: -1 } }), value]);
  const joined = b.node("Transpose", [mixed], { attributes: { perm: [0, 2, 1, 3] } });
  return b.node("MatMul", [b.node("Reshape", [joined, w.ints(0, 0, WIDTH)]), w.add(WIDTH, WIDTH)]);
}

// ONNX Runtime's messages as our errors: a code, the node where the runtime names one, and what to do.

import { type ErrorDetails, PareError } from "../base/errors.js";

export type Stage = "load" | "run";

/** Which pattern means what. The first that matches wins; `node` is the capture group that names the node. */
const meanings: readonly Meaning[] = [
  {
    pattern: /Got invalid dimensions for input: (.+?) for the following indices([\s\S]*?)(?:Please fix|$)/,
    read: ([, input, list]) => {
      const found = [...list!.matchAll(/index: (\d+) Got: (-?\d+) Expected: (-?\d+)/g)];
      return {
        code: "engine-shape",
        kind: "invalid",
        node: input,
        expected: found.map(([, axis, , size]) => `axis ${axis}: ${size}`).join(", "),
        found: found.map(([, axis, size]) => `axis ${axis}: ${size}`).join(", "),
        message: `Input "${input}" has a shape that the model does not take.`,
        hint: `State the shape, e.g. --shape ${input}=... or dims: { "${input}": [...] }.`,
      };
    },
  },
  {
    pattern: /Invalid rank for input: (.+?)\s+Got: (\d+) Expected: (\d+)/,
    read: ([, input, got, expected]) => ({
      code: "engine-shape",
      kind: "invalid",
      node: input,
      expected: `${expected} dimensions`,
      found: `${got} dimensions`,
      message: `Input "${input}" has the wrong number of dimensions.`,
      hint: `State the shape, e.g. --shape ${input}=... or dims: { "${input}": [...] }.`,
    }),
  },
  {
    pattern: /Unexpected input data type\. Actual: \(tensor\((.+?)\)\) , expected: \(tensor\((.+?)\)\)/,
    read: ([, actual, expected]) => ({
      code: "engine-dtype",
      kind: "invalid",
      expected: expected!,
      found: actual!,
      message: "An input has the wrong element type.",
    }),
  },
  {
    // Nested for nodes inside If and Loop: the innermost one is the cause.
    pattern:
      /(?:[\s\S]*)Non-zero status code returned while running (\S+) node\. Name:'(.*?)' Status Message: ([\s\S]*)/,
    read: ([, operator, name, reason]) => ({
      code: speaksOfShapes(reason!) ? "engine-shape" : speaksOfMemory(reason!) ? "engine-memory" : "engine-run-failed",
      kind: "failed",
      node: name === "" ? operator : `${name} (${operator})`,
      message: `ONNX Runtime could not run the node: ${tidy(reason!)}`,
      hint: speaksOfShapes(reason!) ? SHAPE_HINT : undefined,
    }),
  },
  {
    pattern: /Could not find an implementation for (\S+?)\((\d+)\) node with name '(.*?)'/,
    read: ([, operator, version, name]) => ({
      code: "engine-operator",
      kind: "unsupported",
      node: name === "" ? operator : `${name} (${operator})`,
      message: `ONNX Runtime has no kernel for ${operator} (opset ${version}) with these element types on this provider.`,
    }),
  },
  {
    pattern: /(\S+?)\((-?\d+)\) is not a registered function\/op/,
    read: ([, operator]) => ({
      code: "engine-operator",
      kind: "unsupported",
      node: operator,
      message: `ONNX Runtime does not know the operator ${operator}.`,
      hint: "The model needs a custom operator library, which pare cannot load.",
    }),
  },
  {
    pattern: /No Op registered for (\S+) with domain_version of (\d+)/,
    read: ([, operator, version]) => ({
      code: "engine-operator",
      kind: "unsupported",
      node: operator,
      message: `ONNX Runtime does not know the operator ${operator} at opset ${version}.`,
      hint: "It is misspelt, newer than the opset that the model states, or needs a custom operator library.",
    }),
  },
  {
    pattern: /Unsupported model IR version: (\d+), max supported IR version: (\d+)/,
    read: ([, found, expected]) => ({
      code: "engine-too-old",
      kind: "unsupported",
      expected: `IR version at most ${expected}`,
      found: found!,
      message: "The model is newer than the ONNX Runtime that is installed.",
    }),
  },
  {
    pattern: /Opset (\d+) is under development and support for this is limited|till opset (\d+)/,
    read: ([, found, known]) => ({
      code: "engine-too-old",
      kind: "unsupported",
      found: found === undefined ? `an opset above ${known}` : `opset ${found}`,
      message: "The model uses an operator set that the installed ONNX Runtime does not support.",
    }),
  },
  {
    pattern: /unsupported data type: (\d+)/i,
    read: ([, code]) => ({
      code: "engine-dtype",
      kind: "unsupported",
      found: `element type ${code}`,
      message: "An input or output has an element type that ONNX Runtime's JavaScript interface cannot carry.",
      hint: "Cast it to float32 inside the graph.",
    }),
  },
  {
    pattern: /In Node, \("(.*?)", (\S+?), .*?Error ([\s\S]*)/,
    read: ([, name, operator, reason]) => ({
      code: "engine-load-failed",
      kind: "invalid",
      node: name === "" ? operator : `${name} (${operator})`,
      message: `ONNX Runtime refuses the node: ${tidy(reason!)}`,
    }),
  },
  {
    pattern: /Type Error: ([\s\S]*? (?:in node|of node) \((.*?)\)[\s\S]*)/,
    read: ([, reason, name]) => ({
      code: "engine-load-failed",
      kind: "invalid",
      node: name!,
      message: `ONNX Runtime refuses the model: ${tidy(reason!)}`,
    }),
  },
  {
    pattern: /Node ?\((.*?)\) Op ?\((.*?)\) ([\s\S]*)/,
    read: ([, name, operator, reason]) => ({
      code: "engine-load-failed",
      kind: "invalid",
      node: name === "" ? operator : `${name} (${operator})`,
      message: `ONNX Runtime refuses the node: ${tidy(reason!)}`,
    }),
  },
  {
    pattern:
      /WebGPU adapter|Failed to load shared library|AppendExecutionProvider|backend not found|no available backend/i,
    read: () => ({
      code: "engine-provider",
      kind: "failed",
      message: "The execution provider is not available on this machine.",
      hint: "Leave the provider out to run on the CPU.",
    }),
  },
];

interface Meaning {
  readonly pattern: RegExp;
  read(match: readonly (string | undefined)[]): ErrorDetails & { readonly message: string };
}

/** The error to throw for what the runtime threw. Own errors pass through. */
export function engineError(error: unknown, stage: Stage): PareError {
  if (error instanceof PareError) return error;
  const text = error instanceof Error ? error.message : String(error);
  for (const { pattern, read } of meanings) {
    const match = pattern.exec(text);
    if (match) {
      const { message, ...details } = read(match);
      return new PareError(message, { ...details, cause: error });
    }
  }
  // onnxruntime-web aborts with a bare number (a heap address) when its memory is exhausted.
  if (speaksOfMemory(text) || /^\d+$/.test(text.trim())) {
    return new PareError(`ONNX Runtime ran out of memory: ${tidy(text)}`, {
      code: "engine-memory",
      kind: "failed",
      cause: error,
      hint: "Use a smaller batch or input, or install onnxruntime-node: WASM is limited to 4 GiB.",
    });
  }
  if (stage === "run" && speaksOfShapes(text)) {
    return new PareError(`ONNX Runtime could not run the model: ${tidy(text)}`, {
      code: "engine-shape",
      kind: "failed",
      cause: error,
      hint: SHAPE_HINT,
    });
  }
  const verb = stage === "load" ? "load" : "run";
  return new PareError(`ONNX Runtime could not ${verb} the model: ${tidy(text)}`, {
    code: `engine-${verb}-failed`,
    kind: "failed",
    cause: error,
  });
}

const SHAPE_HINT = "If an input shape was guessed, state it with --shape name=... or --dim name=size.";

const speaksOfShapes = (text: string) =>
  /shape|dimension|dims?\b|rank|broadcast|axis|reshape|invalid expand/i.test(text);
const speaksOfMemory = (text: string) =>
  /bad_alloc|out of memory|failed to allocate|Array buffer allocation/i.test(text);

/** Without source positions of ONNX Runtime's own code, on one line, of readable length. */
function tidy(text: string): string {
  const plain = text
    .replace(/failed to call \w+\(\)\. ERROR_CODE: \d+, ERROR_MESSAGE: /, "")
    .replace(/Can't create a session\. ERROR_CODE: \d+, ERROR_MESSAGE: /, "")
    .replace(/\/\S+\.(?:cc|h|cpp):\d+ .*?(?:was (?:false|true)\. |\[ONNXRuntimeError\] : )/s, "")
    .replace(/\s+/g, " ")
    .trim();
  return plain.length > 400 ? `${plain.slice(0, 400)}...` : plain;
}

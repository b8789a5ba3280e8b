// Says what a file that is not ONNX looks like, from its first bytes, so that the error can tell the user what to do.

/** How many bytes `foreign` wants to see. */
export const HEAD = 512;

export interface Foreign {
  /** "a GGUF file (llama.cpp)" */
  readonly text: string;
  readonly hint?: string | undefined;
  /** No ONNX model can begin so. Otherwise it may be one all the same: try to read it first. */
  readonly sure: boolean;
}

interface Form {
  readonly text: string;
  readonly hint?: string;
  readonly test: (head: Uint8Array, text: string, size: number) => boolean;
}

const EXPORT = "Export it to ONNX with the tool that made it, then load that file.";
const DOWNLOAD = "Download the file itself, not the page about it.";

/** Whether `head` has these bytes (characters of Latin-1) at `at`. */
const has = (head: Uint8Array, magic: string, at = 0): boolean =>
  head.length >= at + magic.length && [...magic].every((letter, i) => head[at + i] === letter.charCodeAt(0));

// The identifiers of flat buffers stand at byte 4 after a small offset: without the two zeros of that offset, an ONNX
// model whose producer is called "ORTModule" would match.
const FORMS: readonly Form[] = [
  { text: "a GGUF file (llama.cpp)", hint: EXPORT, test: (head) => has(head, "GGUF") },
  {
    text: "a GGML file (llama.cpp)",
    hint: EXPORT,
    test: (head) => has(head, "lmgg") || has(head, "tjgg") || has(head, "fmgg"),
  },
  {
    text: "a safetensors file: weights without a graph",
    hint: EXPORT,
    test: (head, _, size) => isSafetensors(head, size),
  },
  {
    text: "a Keras file",
    hint: EXPORT,
    test: (head, text) => has(head, "PK\x03\x04") && /metadata\.json|config\.json/.test(text),
  },
  { text: "a NumPy archive (.npz)", test: (head, text) => has(head, "PK\x03\x04") && /\.npy/.test(text) },
  {
    text: "a PyTorch checkpoint",
    hint: "Export the model with torch.onnx.export, then load that file.",
    test: (head, text) => has(head, "PK\x03\x04") && /data\.pkl|\/version|\.data\//.test(text),
  },
  { text: "a zip archive", hint: "Unpack it and load the .onnx file in it.", test: (head) => has(head, "PK\x03\x04") },
  {
    text: "a Python pickle, perhaps an old PyTorch checkpoint",
    hint: "Export the model with torch.onnx.export, then load that file.",
    test: (head) => head[0] === 0x80 && head[1]! >= 2 && head[1]! <= 5,
  },
  {
    text: "a TensorFlow Lite model",
    hint: "tf2onnx converts it: python -m tf2onnx.convert --tflite model.tflite",
    test: (head) => has(head, "\0\0TFL3", 2),
  },
  {
    text: "an ONNX Runtime model (.ort)",
    hint: "Load the .onnx file that it was made from.",
    test: (head) => has(head, "\0\0ORTM", 2),
  },
  { text: "an HDF5 file, perhaps a Keras model", hint: EXPORT, test: (head) => has(head, "\x89HDF") },
  { text: "a NumPy array (.npy)", test: (head) => has(head, "\x93NUMPY") },
  {
    text: "a Git LFS pointer: the place of the file, not the file",
    hint: "Fetch it with: git lfs pull",
    test: (_, text) => text.startsWith("version https://git-lfs"),
  },
  {
    text: "a web page (HTML)",
    hint: DOWNLOAD,
    test: (_, text) => /^\s*(<!doctype html|<html|<head|<body|<script)/i.test(text),
  },
  { text: "an OpenVINO model (XML)", hint: EXPORT, test: (_, text) => /^\s*<\?xml[\s\S]*<net\b/.test(text) },
  { text: "an XML document", hint: DOWNLOAD, test: (_, text) => /^\s*<\?xml/.test(text) },
  { text: "a JSON document", hint: DOWNLOAD, test: (_, text) => /^\s*[{[]\s*["{[\]}\d]/.test(text) },
  { text: "a gzip archive", hint: "Unpack it first: gunzip, or tar xzf.", test: (head) => has(head, "\x1f\x8b\x08") },
  { text: "a Zstandard archive", hint: "Unpack it first: unzstd.", test: (head) => has(head, "\x28\xb5\x2f\xfd") },
  { text: "an xz archive", hint: "Unpack it first: unxz.", test: (head) => has(head, "\xfd7zXZ") },
  {
    text: "a bzip2 archive",
    hint: "Unpack it first: bunzip2.",
    test: (head) => has(head, "BZh") && has(head, "1AY&SY", 4),
  },
  { text: "a 7z archive", hint: "Unpack it first.", test: (head) => has(head, "7z\xbc\xaf\x27\x1c") },
  {
    text: "a tar archive",
    hint: "Unpack it first: tar xf.",
    test: (head) => has(head, "ustar", 257) && head[0] !== 0x08,
  },
  {
    text: "a TensorRT engine",
    hint: "Load the ONNX file that it was built from.",
    test: (head) => has(head, "ptrt") || has(head, "ftrt"),
  },
  { text: "an ncnn model", hint: EXPORT, test: (_, text) => text.startsWith("7767517") },
  { text: "a PNG image", test: (head) => has(head, "\x89PNG") },
  { text: "a JPEG image", test: (head) => has(head, "\xff\xd8\xff") },
  { text: "a PDF document", test: (head) => has(head, "%PDF-") },
  { text: "a program (ELF)", test: (head) => has(head, "\x7fELF") },
];

/** Formats that are protobuf messages too, or begin with bytes that may begin one. */
const DOUBTFUL: readonly Form[] = [
  {
    text: "a file of zeros: an interrupted download or copy",
    hint: "Download or copy it again.",
    test: (head) => head.every((byte) => byte === 0),
  },
  // Core ML: specificationVersion (1) = a small number, then description (2) whose first field is a feature.
  {
    text: "a Core ML model",
    hint: EXPORT,
    test: (head) =>
      head[0] === 0x08 &&
      head[1]! < 0x14 &&
      head[2] === 0x12 &&
      [4, 5, 6].some((at) => head[at] === 0x0a && head[at + 2] === 0x0a),
  },
  // GraphDef: node (1), whose first field is a name; SavedModel: schema version 1, then MetaGraphDef (2).
  {
    text: "a TensorFlow graph",
    hint: "Convert it: python -m tf2onnx.convert --saved-model folder",
    test: (head) => head[0] === 0x0a,
  },
  {
    text: "text",
    hint: DOWNLOAD,
    test: (head) => head.every((byte) => (byte >= 0x20 && byte < 0x7f) || (byte >= 9 && byte <= 13)),
  },
];

export function foreign(head: Uint8Array, size: number): Foreign | undefined {
  if (size === 0) return { text: "an empty file", hint: "Copy or download the file again.", sure: true };
  const text = latin(head);
  for (const form of FORMS) {
    if (form.test(head, text, size)) return { text: form.text, hint: form.hint, sure: true };
  }
  const form = DOUBTFUL.find((candidate) => candidate.test(head, text, size));
  return form && { text: form.text, hint: form.hint, sure: false };
}

const latin = (bytes: Uint8Array): string => String.fromCharCode(...bytes.subarray(0, HEAD));

/** Eight bytes of header length, then a JSON object. */
function isSafetensors(head: Uint8Array, size: number): boolean {
  if (head.length < 10 || head[8] !== 0x7b) return false;
  const view = new DataView(head.buffer, head.byteOffset, 8);
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  return length >= 2 && length <= size - 8;
}

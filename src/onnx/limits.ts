// What a model file may ask of us, and why no more. Everything is checked before memory is taken for it.

/**
 * Messages inside messages. The protobuf libraries of C++ and Python, and so ONNX Runtime, stop at 100: a deeper file
 * runs nowhere. An If inside an If costs three levels.
 */
export const MAX_DEPTH = 100;

/**
 * Bytes of a model without its weights (names, nodes, attributes, strings). The largest exporters write some 300 bytes
 * a node; 256 MiB is near a million nodes. It is held in memory, weights are not.
 */
export const MAX_STRUCTURE = 256 * 2 ** 20;

/** Messages (nodes, attributes, types, tensors ...): each becomes objects of some 300 bytes, so 1.2 GB at the bound. */
export const MAX_MESSAGES = 2 ** 22;

/** Fields and list elements: the costliest, a bigint in a list, takes some 32 bytes, so 1 GB at the bound. */
export const MAX_ELEMENTS = 2 ** 25;

/** Payloads of tensors from this length on stay in the file. Shape constants are smaller and are read at once. */
export const LAZY_PAYLOAD = 1024;

/** Dimensions of a tensor: numpy's bound since 2.0 and more than any runtime supports. */
export const MAX_RANK = 64;

/** Elements or bytes of a tensor: what a JavaScript number counts exactly. */
export const MAX_COUNT = Number.MAX_SAFE_INTEGER;

/** A serialized protobuf message: 2 GiB - 1, the bound of every implementation (onnx/checker.py, MAXIMUM_PROTOBUF). */
export const MAX_MODEL = 2 ** 31 - 1;

/** Number of different external data files: each is held open. One file a tensor is the most that exporters write. */
export const MAX_EXTERNAL_FILES = 4096;

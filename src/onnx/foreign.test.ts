import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { decodeBytes, field, fixtureBytes, modelFile, number, text } from "../../tests/support/onnx-files.js";
import { bytesSource } from "../base/bytes.js";
import { decode } from "./decode.js";

const head = (value: string, size = 600) => {
  const bytes = new Uint8Array(size);
  bytes.set(Buffer.from(value, "latin1"));
  return bytes;
};
const safetensors = '{"weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}';

const FILES: Readonly<Record<string, Uint8Array>> = {
  "an empty file": new Uint8Array(0),
  "a GGUF file": head("GGUF\x03\0\0\0"),
  "a safetensors file": head(`${String.fromCharCode(safetensors.length)}\0\0\0\0\0\0\0${safetensors}`),
  "a PyTorch checkpoint": head("PK\x03\x04\0\0\b\b\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10\0\x12\0archive/data.pkl"),
  "a NumPy archive": head("PK\x03\x04\x14\0\0\0\0\0\0\0!\0\0\0\0\0\0\0\0\0\0\0\0\0\x05\0\x14\0x.npy"),
  "a zip archive": head("PK\x03\x04 something else"),
  "a Python pickle": head("\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."),
  "a TensorFlow Lite model": head("\x1c\0\0\0TFL3\x14\0 \0"),
  "an ONNX Runtime model": head("\x20\0\0\0ORTM\0\0\0\0"),
  "an HDF5 file": head("\x89HDF\r\n\x1a\n"),
  "a NumPy array": head("\x93NUMPY\x01\0v\0{'descr'"),
  "a Git LFS pointer": Buffer.from("version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 5\n"),
  "a web page": Buffer.from("\n<!DOCTYPE html>\n<html><body>404</body></html>"),
  "an OpenVINO model": Buffer.from('<?xml version="1.0"?>\n<net name="x" version="11"></net>'),
  "a JSON document": Buffer.from('{"error": "not found"}'),
  "a gzip archive": gzipSync(Buffer.from("x")),
  "a TensorFlow graph": Uint8Array.from(field(1, [...field(1, text("input")), ...field(2, text("Placeholder"))])),
  "a Core ML model": Uint8Array.from([...number(1, 4), ...field(2, field(1, field(1, text("image"))))]),
  "a file of zeros": new Uint8Array(600),
  text: Buffer.from("error code: 1015"),
};

describe("files that are not ONNX", () => {
  for (const [looks, file] of Object.entries(FILES)) {
    it(`looks like ${looks}`, async () => {
      await expect(decode(bytesSource(file, "model.onnx"))).rejects.toMatchObject({
        code: "not-onnx",
        message: expect.stringContaining(`looks like ${looks}`),
      });
    });
  }

  it("no ONNX file is taken for another", async () => {
    for (const name of ["types.onnx", "kinds.onnx"]) await decodeBytes(fixtureBytes(name));
    // Producers whose names stand where other formats have their mark.
    for (const producer of ["TFL3 exporter", "ORTModule"]) {
      const file = Uint8Array.from([
        ...number(1, 8),
        ...field(2, text(producer)),
        ...modelFile(field(2, text("g"))).subarray(2),
      ]);
      expect((await decodeBytes(file)).producerName).toBe(producer);
    }
  });
});

// Makes src/onnx/schema/onnx_pb.ts from src/onnx/schema/onnx.proto with protoc-gen-es, through buf. Run from anywhere:
//   node tools/generate-schema.mjs          write the file
//   node tools/generate-schema.mjs --check  fail when the committed file is not what the schema gives

import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const schema = join(root, "src/onnx/schema");
const bin = (name) => join(root, "node_modules/.bin", name);

const work = mkdtempSync(join(tmpdir(), "pare-schema-"));
try {
  copyFileSync(join(schema, "onnx.proto"), join(work, "onnx.proto"));
  writeFileSync(join(work, "buf.yaml"), "version: v2\n");
  const plugin = { local: bin("protoc-gen-es"), out: work, opt: ["target=ts", "import_extension=js"] };
  writeFileSync(join(work, "buf.gen.yaml"), JSON.stringify({ version: "v2", plugins: [plugin] }));
  execFileSync(bin("buf"), ["generate"], { cwd: work, stdio: "inherit" });
  const made = readFileSync(join(work, "onnx_pb.ts"), "utf8");
  const target = join(schema, "onnx_pb.ts");
  if (!process.argv.includes("--check")) writeFileSync(target, made);
  else if (readFileSync(target, "utf8") !== made) {
    console.error("src/onnx/schema/onnx_pb.ts is not what onnx.proto gives: run node tools/generate-schema.mjs");
    process.exitCode = 1;
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}

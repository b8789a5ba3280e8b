// Compiles the AssemblyScript kernels and writes their bytes into src/kernels/simd/bytes.ts (committed, so that no build
// of pare needs the compiler). `--check` writes nothing and fails when the committed bytes are not those of the sources.

import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const root = fileURLToPath(new URL("..", import.meta.url));
const target = "src/kernels/simd/bytes.ts";
const outputs = new Map();
const { error, stderr } = await asc.main(
  [
    "src/kernels/simd/assembly/index.ts",
    ...["--outFile", "kernels.wasm", "--runtime", "stub", "--enable", "simd", "-O3", "--converge", "--noAssert"],
  ],
  {
    readFile: (name, folder) =>
      readFile(`${root}/${folder === "." ? "" : `${folder}/`}${name}`, "utf8").catch(() => null),
    writeFile: (name, contents) => void outputs.set(name, contents),
    listFiles: () => [],
  },
);
if (error) {
  console.error(stderr.toString());
  process.exit(1);
}

const lines = Buffer.from(outputs.get("kernels.wasm"))
  .toString("base64")
  .match(/.{1,120}/g);
const text = `// Generated from assembly/ by \`node tools/build-kernels.mjs\`: the SIMD kernels as WebAssembly, in base64. Do not edit.

export const SIMD_BYTES = \`
${lines.join("\n")}
\`;
`;
if (process.argv.includes("--check")) {
  if ((await readFile(`${root}/${target}`, "utf8")) !== text) {
    console.error(`${target} is stale: run node tools/build-kernels.mjs`);
    process.exit(1);
  }
} else {
  await writeFile(`${root}/${target}`, text);
  console.log(`${target}: ${outputs.get("kernels.wasm").length} bytes of WebAssembly`);
}

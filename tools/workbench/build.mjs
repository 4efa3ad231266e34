// Bundles the scripts of the workbench into guardrails/workbench/static, with the licences of what is in them and the hashes of both.
//
//     npm ci && npm run build
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "..", "..", "guardrails", "workbench", "static");
const sources = readdirSync(join(here, "src")).sort();

const { metafile } = await build({
  entryPoints: { workbench: join(here, "src", "main.js"), editor: join(here, "src", "editor.js") },
  outdir: target,
  absWorkingDir: here,
  bundle: true,
  minify: true,
  format: "iife",
  target: ["es2022"],
  legalComments: "none",
  charset: "utf8",
  metafile: true,
});

const packages = [
  ...new Set(
    Object.keys(metafile.inputs)
      .map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1])
      .filter(Boolean),
  ),
].sort();
const licences = packages.map((name) => {
  const folder = join(here, "node_modules", name);
  const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = ["LICENSE", "LICENSE.md", "LICENCE"].map((n) => join(folder, n)).find(existsSync);
  return `${name} ${version} (${license})\n\n${file ? readFileSync(file, "utf8").trim() : ""}\n`;
});
writeFileSync(join(target, "LICENSES.txt"), licences.join(`\n${"-".repeat(78)}\n\n`));

const digest = (path) => createHash("sha256").update(readFileSync(path)).digest("hex");
const hashes = Object.fromEntries([
  ...["package-lock.json", ...sources.map((name) => `src/${name}`)].map((name) => [name, digest(join(here, name))]),
  ...["workbench.js", "editor.js", "LICENSES.txt"].map((name) => [`static/${name}`, digest(join(target, name))]),
]);
writeFileSync(join(here, "hashes.json"), `${JSON.stringify(hashes, null, 2)}\n`);

// A client over types that openapi-typescript generated from /openapi.json: node check.js ADDRESS [KEY].
import createClient from "openapi-fetch";
import type { components, paths } from "./guardrails";

const [address = "http://127.0.0.1:8081", key = "any"] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl: address, headers: { authorization: `Bearer ${key}` } });

const asked: components["schemas"]["TextCheck"] = { source: "INPUT", text: "Call +1 415 555 0134" };
const { data, error } = await client.POST("/v1/check", { body: asked });
if (error !== undefined) throw new Error(error.error.message);
if ("results" in data) throw new Error("one text was asked for");
console.log(data.action, data.text);

for (const [piece, text] of ["Write to bob@exa", "mple.com today."].entries()) {
  const { data: shown } = await client.POST("/v1/check/stream", {
    body: { call: "typescript", piece, text, final: piece === 1 },
  });
  console.log(JSON.stringify(shown?.text));
}

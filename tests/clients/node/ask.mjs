// Asks the proxy as an application built on the Vercel AI SDK would. Cases come in as a JSON array, outcomes go out as one.
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateObject, generateText, stepCountIs, streamObject, streamText, tool } from "ai";
import { readFileSync } from "node:fs";
import { z } from "zod";

globalThis.AI_SDK_LOG_WARNINGS = false;
const { base, key, cases } = JSON.parse(readFileSync(0, "utf8"));

const models = {
  openai: createOpenAICompatible({ name: "m", baseURL: `${base}/v1`, apiKey: key, supportsStructuredOutputs: true })("m"),
  anthropic: createAnthropic({ baseURL: `${base}/v1`, apiKey: key })("m"),
};
const person = z.object({ name: z.string(), card: z.union([z.string(), z.number()]), note: z.string() });

async function ask({ provider, kind, message, stream }) {
  const model = models[provider];
  const errors = [];
  const onError = ({ error }) => errors.push(String(error?.message ?? error));
  if (kind === "object") {
    if (!stream) return { object: (await generateObject({ model, schema: person, prompt: message })).object };
    const done = streamObject({ model, schema: person, prompt: message, onError });
    for await (const _ of done.partialObjectStream);
    return { object: await done.object, errors };
  }
  const deleted = [];
  const execute = async ({ where }) => {
    deleted.push(where ?? "everything");
    return `deleted ${where}`;
  };
  const delete_records = tool({
    description: "Delete the records that match.",
    inputSchema: z.object({ where: z.string().optional() }),
    execute,
  });
  const asked = { model, prompt: message, tools: { delete_records }, stopWhen: stepCountIs(3), maxOutputTokens: 100 };
  if (!stream) {
    const done = await generateText(asked);
    return { text: done.text, finish: done.finishReason, deleted, errors };
  }
  const done = streamText({ ...asked, onError });
  let text = "";
  for await (const piece of done.textStream) text += piece;
  return { text, finish: await done.finishReason, deleted, errors };
}

const out = [];
for (const one of cases) {
  try {
    out.push(await ask(one));
  } catch (error) {
    out.push({ thrown: error.name, message: String(error.message) });
  }
}
console.log(JSON.stringify(out));

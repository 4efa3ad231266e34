// What may stand at the cursor of a policy, told from the indentation around it and the JSON Schema.

const KEY = /^(\s*)((?:- +)*)["']?([\w.-]+)["']?:(?:\s|$)/;
const BLOCK = /^(\s*)((?:- +)*)(?:([\w.-]+): +)?([\w.:-]*)$/;
const FLOW = /^(\s*)((?:- +)*)(?:([\w.-]+): +)?\{(?:[^{}]*,)? *(?:([\w.-]+): +)?([\w-]*)$/;

export function complete(context, schema) {
  const line = context.state.doc.lineAt(context.pos);
  const before = line.text.slice(0, context.pos - line.from);
  const flow = FLOW.exec(before);
  const found = flow ?? BLOCK.exec(before);
  if (!found) {
    return null;
  }
  const path = outer(context.state.doc, line.number, found[1].length, found[2].length);
  if (found[3]) {
    path.push(found[3]);
  }
  if (flow?.[4]) {
    path.push(flow[4]);
  }
  const word = found.at(-1);
  if (!word && !context.explicit) {
    return null;
  }
  const values = flow ? flow[4] !== undefined : found[3] !== undefined;
  const here = resolve([schema], path);
  const options = values ? valuesOf(here) : [...keysOf(here), ...(flow ? [] : valuesOf(here))];
  return options.length ? { from: context.pos - word.length, options, validFor: /^[\w.:-]*$/ } : null;
}

// The keys that a line stands below, "[]" for an item of a list.
function outer(doc, number, indent, dashes) {
  const path = dashes ? ["[]"] : [];
  let limit = indent;
  let item = dashes > 0;
  for (let n = number - 1; n >= 1 && (limit > 0 || item); n -= 1) {
    const key = KEY.exec(doc.line(n).text);
    if (!key) {
      continue;
    }
    const at = key[1].length + key[2].length;
    if (at < limit || (item && at === limit && !key[2])) {
      path.unshift(key[3]);
      limit = at;
      item = false;
      if (key[2]) {
        path.unshift("[]");
        limit = key[1].length;
        item = true;
      }
    }
  }
  return path;
}

function spread(schemas) {
  return schemas.flatMap((one) =>
    one && typeof one === "object" ? [one, ...spread(one.oneOf ?? []), ...spread(one.anyOf ?? []), ...spread(one.allOf ?? [])] : [],
  );
}

function resolve(schemas, path) {
  return path.reduce(
    (known, key) =>
      spread(known).flatMap((one) => (key === "[]" ? (one.items ?? []) : (one.properties?.[key] ?? one.additionalProperties ?? []))),
    schemas,
  );
}

function keysOf(schemas) {
  const keys = new Set(spread(schemas).flatMap((one) => Object.keys(one.properties ?? {})));
  return [...keys].map((label) => ({ label, apply: `${label}: `, type: "property" }));
}

function valuesOf(schemas) {
  const values = new Set(
    spread(schemas).flatMap((one) => [
      ...(one.enum ?? []),
      ...("const" in one ? [one.const] : []),
      ...(one.type === "boolean" ? [true, false] : []),
    ]),
  );
  return [...values].map((value) => ({ label: String(value), type: "enum" }));
}

// The editor of policies: problems and completions come from the server, whose linter and schema are the only ones.
import { autocompletion, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, lintKeymap, linter } from "@codemirror/lint";
import { searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, highlightSpecialChars, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { complete } from "./completing.js";

const root = document.getElementById("editor");
if (root) {
  begin(root);
}

function begin(host) {
  const { base, policy, token, nonce } = host.dataset;
  const texts = JSON.parse(host.dataset.texts);
  const source = document.getElementById("source");
  const status = document.getElementById("status");
  const list = document.getElementById("problems");
  const side = document.getElementById("side");
  const saved = document.getElementById("save");
  let digest = host.dataset.digest;
  let clean = source.value;
  let schema = null;

  const post = (path, body) =>
    fetch(`${base}/write/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-csrf-token": token, "hx-request": "true" },
      body: JSON.stringify({ policy, ...body }),
    });

  const say = (text, kind = "") => {
    status.textContent = text;
    status.dataset.kind = kind;
  };

  const offset = (doc, line, column) => {
    const found = doc.line(Math.min(Math.max(line, 1), doc.lines));
    return found.from + [...found.text].slice(0, column - 1).join("").length;
  };

  const forward = (doc, from, points) => from + [...doc.sliceString(from, doc.lineAt(from).to)].slice(0, points).join("").length;

  const mend = (view, edit) => {
    const from = offset(view.state.doc, ...edit.at);
    const to = forward(view.state.doc, from, edit.remove);
    view.dispatch({ changes: { from, to, insert: edit.insert }, selection: { anchor: from + edit.insert.length } });
    view.focus();
  };

  async function problems(view) {
    const text = view.state.doc.toString();
    const answer = await post("lint", { text });
    if (!answer.ok) {
      say(await answer.text(), "error");
      return [];
    }
    const found = (await answer.json()).problems;
    if (view.state.doc.toString() !== text) {
      return [];
    }
    show(view, found);
    effective(text);
    return found.map((one) => {
      const from = offset(view.state.doc, one.line, one.column);
      return {
        from,
        to: Math.max(from, forward(view.state.doc, from, one.length)),
        severity: one.severity,
        source: one.code,
        message: one.remedy ? `${one.message}\n${texts.remedy} ${one.remedy}` : one.message,
        actions: one.mend ? [{ name: one.mend.insert.trim(), apply: (v) => mend(v, one.mend) }] : [],
      };
    });
  }

  function show(view, found) {
    list.replaceChildren(
      ...found.map((one) => {
        const item = document.createElement("li");
        item.dataset.severity = one.severity;
        item.dataset.code = one.code;
        const place = document.createElement("button");
        place.type = "button";
        place.className = "link";
        place.textContent = one.place;
        place.addEventListener("click", () => go(view, one.line, one.column));
        const message = document.createElement("span");
        message.textContent = ` ${one.severity}: ${one.message}`;
        item.append(place, message);
        if (one.remedy) {
          const remedy = document.createElement(one.mend ? "button" : "span");
          remedy.className = "remedy";
          remedy.textContent = one.remedy;
          if (one.mend) {
            remedy.type = "button";
            remedy.addEventListener("click", () => mend(view, one.mend));
          }
          item.append(" ", remedy);
        }
        return item;
      }),
    );
    const errors = found.filter((one) => one.severity === "error").length;
    list.dataset.count = String(found.length);
    document.getElementById("counts").textContent = texts.counts
      .replace("{errors}", errors)
      .replace("{warnings}", found.length - errors);
  }

  function go(view, line, column = 1) {
    const at = offset(view.state.doc, line, column);
    view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "center" }) });
    view.focus();
  }

  let asked = null;
  async function effective(text) {
    if (asked === text) {
      return;
    }
    asked = text;
    const answer = await post("effective", { text });
    const html = await answer.text();
    if (asked === text && answer.ok) {
      // What is open, and what somebody has begun to fill in, stays.
      const open = [...side.querySelectorAll("details[open]")].map((one) => one.id);
      const begun = [...side.querySelectorAll("[data-add]")].map((form) => [form.dataset.add, [...new FormData(form)]]);
      side.innerHTML = html;
      open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
      begun.forEach(([kind, values]) =>
        values.forEach(([name, value]) => {
          const field = side.querySelector(`[data-add="${kind}"]`)?.elements[name];
          if (field && (field.tagName !== "SELECT" || [...field.options].some((one) => one.value === value))) {
            field.value = value;
          }
        }),
      );
      side.dataset.fresh = "yes";
    }
  }

  async function save(view) {
    say(texts.saving);
    const text = view.state.doc.toString();
    const answer = await post("save", { text, digest });
    const said = await answer.json().catch(() => ({}));
    if (answer.ok) {
      digest = said.digest;
      clean = text;
      say(texts.saved, "good");
    } else {
      say(answer.status === 422 ? texts.errors : `${texts.unsaved} ${said.told ?? ""}`, "error");
    }
  }

  async function change(view, body) {
    const text = view.state.doc.toString();
    const answer = await post("set", { text, ...body });
    if (!answer.ok) {
      say(new DOMParser().parseFromString(await answer.text(), "text/html").body.textContent.trim(), "error");
      return false;
    }
    replace(view, text, (await answer.json()).text);
    say(texts.changed);
    return true;
  }

  // Only what differs is replaced, so that the cursor and the history stay.
  function replace(view, before, after) {
    let from = 0;
    while (from < before.length && from < after.length && before[from] === after[from]) {
      from += 1;
    }
    let end = 0;
    while (end < Math.min(before.length, after.length) - from && before.at(-1 - end) === after.at(-1 - end)) {
      end += 1;
    }
    view.dispatch({ changes: { from, to: before.length - end, insert: after.slice(from, after.length - end) } });
  }

  const colours = HighlightStyle.define([
    { tag: [tags.propertyName, tags.definition(tags.propertyName)], class: "tok-key" },
    { tag: tags.string, class: "tok-string" },
    { tag: tags.comment, class: "tok-comment" },
    { tag: tags.keyword, class: "tok-key" },
  ]);

  const view = new EditorView({
    parent: host,
    state: EditorState.create({
      doc: source.value,
      extensions: [
        EditorView.cspNonce.of(nonce),
        EditorView.contentAttributes.of({ "aria-label": texts.label, spellcheck: "false" }),
        EditorView.lineWrapping,
        lineNumbers(),
        highlightSpecialChars(),
        history(),
        drawSelection(),
        indentOnInput(),
        yaml(),
        syntaxHighlighting(colours),
        lintGutter(),
        linter(problems, { delay: 250 }),
        autocompletion({ override: [(context) => (schema ? complete(context, schema) : null)] }),
        keymap.of([
          { key: "Mod-s", preventDefault: true, run: (v) => (save(v), true) },
          ...defaultKeymap,
          ...historyKeymap,
          ...searchKeymap,
          ...completionKeymap,
          ...lintKeymap,
        ]),
        EditorView.updateListener.of((update) => {
          if (update.docChanged && status.dataset.kind === "good") {
            say("");
          }
        }),
      ],
    }),
  });
  source.hidden = true;
  source.closest("label").hidden = true;
  host.dataset.ready = "yes";
  fetch(`${base}/write/schema.json`).then(async (answer) => {
    schema = await answer.json();
    host.dataset.schema = "yes";
  });

  saved.addEventListener("click", () => save(view));
  side.addEventListener("click", (event) => {
    const link = event.target.closest("[data-line]");
    if (link) {
      go(view, Number(link.dataset.line));
    }
  });
  side.addEventListener("change", (event) => {
    const { rule, field } = event.target.dataset;
    if (rule) {
      change(view, { rule, field, value: event.target.value });
    }
  });
  side.addEventListener("submit", async (event) => {
    event.preventDefault();
    const values = Object.fromEntries(new FormData(event.target));
    if (await change(view, { add: event.target.dataset.add, ...values })) {
      event.target.reset();
    }
  });
  window.addEventListener("beforeunload", (event) => {
    if (view.state.doc.toString() !== clean) {
      event.preventDefault();
    }
  });
}

// A new policy, from a form that is there without an editor too.
document.getElementById("new")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const answer = await fetch(form.action, {
    method: "POST",
    headers: { "content-type": "application/json", "x-csrf-token": form.dataset.token, "hx-request": "true" },
    body: JSON.stringify(Object.fromEntries(new FormData(form))),
  });
  if (answer.ok) {
    location.href = `${form.dataset.room}?policy=${encodeURIComponent((await answer.json()).policy)}`;
  } else {
    form.querySelector("[role=alert]").textContent = new DOMParser()
      .parseFromString(await answer.text(), "text/html")
      .body.textContent.trim();
  }
});

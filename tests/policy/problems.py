"""One small policy for every problem there is. docs/policy-errors.md is made from these, and compared with it."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from guardrails.policy import lint

DOC = Path(__file__).parents[2] / "docs" / "policy-errors.md"
HEAD = "version: 1\nname: demo\nmetadata: {owner: me}\n"
RULE = "words: {terms: [kingfisher]}\n"
PARENT = HEAD + "pii: {entities: {EMAIL: block, PHONE: mask}}\nenforced: [pii.EMAIL]\n"


def policy(text: str, **others: str) -> dict[str, bytes]:
    """A policy file with the usual head, and files beside it (``__`` in a name is a dot)."""
    return {"policy.yaml": (HEAD + text).encode()} | {k.replace("__", "."): v.encode() for k, v in others.items()}


def raw(data: bytes, name: str = "policy.yaml") -> dict[str, bytes]:
    return {name: data}


def chain(length: int) -> dict[str, bytes]:
    files = policy("extends: p0.yaml\n")
    for i in range(length):
        files[f"p{i}.yaml"] = (HEAD + f"extends: p{i + 1}.yaml\n").encode()
    return files


# code → (what it is about, the files; the first is linted)
PROBLEMS: dict[str, tuple[str, dict[str, bytes]]] = {
    # The file itself.
    "not-found": (
        "A file that is named and cannot be read.",
        policy("extends: basline.yaml\n" + RULE, baseline__yaml=HEAD + RULE),
    ),
    "empty-file": ("Nothing but blanks and comments.", raw(b"# nothing yet\n")),
    "too-large": ("More than 1.25 MiB; a word list may have 64 MiB.", raw(b"#" * 1_400_000)),
    "bom": ("A byte order mark.", raw(b"\xef\xbb\xbfversion: 1\n")),
    "bad-utf8": ("Another encoding.", raw(b"version: 1\nname: caf\xe9\n")),
    "control-character": ("Characters that no editor shows.", raw(b"version: 1\nname: de\x07mo\n")),
    "line-break": ("Line breaks that not everybody sees.", raw("version: 1\nname: demo #\u0085extends: x\n".encode())),
    "directive": ("YAML 1.1 is not to be had.", raw(b"%YAML 1.1\n---\nversion: 1\n")),
    "too-deep": ("More than 32 levels.", raw(b"version: 1\nmetadata: " + b"[" * 40 + b"]" * 40 + b"\n")),
    "too-many-nodes": ("More than 60,000 values.", raw(b"version: 1\nmetadata: {x: [" + b"1," * 60_001 + b"]}\n")),
    "syntax": ("Not YAML.", raw(b"version: 1\nname: demo: again\n")),
    "json-invalid": ("Not JSON.", raw(b'{"version": 1, "name": NaN}', "policy.json")),
    "multiple-documents": ("A second document.", raw(b"version: 1\n---\nversion: 1\n")),
    "anchor": ("An anchor.", policy("words: {terms: [&a kingfisher]}\n")),
    "alias": ("An alias, most often a pattern without quotes.", policy("words: {terms: [*substring]}\n")),
    "tag": ("A tag.", policy("description: !!python/name:os.system x\n" + RULE)),
    "merge-key": ("A merge key.", policy("words: {<<: {action: mask}}\n")),
    "duplicate-key": ("A key that is given twice.", policy("on_failure: block\non_failure: allow\n" + RULE)),
    "key-not-string": ("A key that is a number, a list, null …", policy("bedrock:\n  2024: x\n")),
    # What stands in it.
    "missing-key": ("Something that must be there.", raw(b"name: demo\n" + RULE.encode())),
    "unknown-version": ("Another version of the format.", raw(b"version: 2\nname: demo\n" + RULE.encode())),
    "bad-name": ("A name with other characters.", raw(b"version: 1\nname: my policy!\n" + RULE.encode())),
    "unknown-key": ("A setting that does not exist here.", policy("wrods: {terms: [kingfisher]}\n" + RULE)),
    "wrong-type": ("A list for a string, a string for a number …", policy("words: {terms: kingfisher}\n")),
    "wrong-length": ("Too short or too long.", policy('messages: {blocked_input: ""}\n' + RULE)),
    "out-of-range": ("A number that is too small or too large.", policy("grounding: {threshold: 75}\n")),
    "unknown-value": ("A value that is none of a few.", policy("on_failure: blok\n" + RULE)),
    "unknown-action": ("An action that does not exist.", policy("pii: {entities: {EMAIL: redact}}\n")),
    "unknown-strength": ("A strength that does not exist.", policy("content: {HATE: medium}\n")),
    "unknown-mask": (
        "A mask style that does not exist.",
        policy("pii: {entities: {EMAIL: {action: mask, mask: partly}}}\n"),
    ),
    "unknown-category": ("A content filter that does not exist.", policy("content: {HATRED: HIGH}\n")),
    "unknown-entity": ("A PII type that does not exist.", policy("pii: {entities: {E_MAIL: mask}}\n")),
    "unknown-country": (
        "A country without identifiers of its own.",
        policy("pii: {countries: [UK], entities: {ALL: mask}}\n"),
    ),
    "unknown-list": ("A managed list that does not exist.", policy("words: {managed: [PROFANITIES]}\n")),
    "unknown-detector": ("A detector that is not installed.", policy("rules: [{id: x, detector: sentiment}]\n")),
    "unknown-rule": ("A pattern that names no rule.", policy(RULE + "enforced: [words.term]\n")),
    "bad-id": ("An id with other characters.", policy('words: {terms: [{term: acme, id: "our rival"}]}\n')),
    "duplicate-rule": (
        "Two rules with one id.",
        policy("pii:\n  regexes:\n    - {name: a, pattern: A-1}\n    - {name: a, pattern: A-2}\n"),
    ),
    "own-section": ("A rule outside its section.", policy("rules: [{id: x, detector: regex, settings: {}}]\n")),
    "bad-settings": (
        "Settings that the detector refuses.",
        policy("rules: [{id: x, detector: demo, settings: {words: 0}}]\n"),
    ),
    "empty-policy": ("No rule at all.", policy("")),
    "empty-term": ("A term that would match everything.", policy('words: {terms: ["**"]}\n')),
    "address-refused": (
        "An address of a remote model that cannot be used.",
        policy("remote: [{name: x, backend: tei, url: 'https://me:secret@models', model: m, labels: [a]}]\n"),
    ),
    "key-refused": (
        "An environment variable that is not for API keys of models.",
        policy("remote: [{name: x, backend: tei, url: 'https://models', model: m, labels: [a], api_key_env: HOME}]\n"),
    ),
    "regex-refused": (
        "A pattern that RE2 does not take.",
        policy("pii:\n  regexes:\n    - {name: a, pattern: '(?<=x)y'}\n"),
    ),
    "schema-refused": (
        "A JSON Schema that cannot be used.",
        policy("tools: {calls: [{name: mail.send, schema: {type: objekt}}]}\n"),
    ),
    "lock-refused": (
        "A lock that pins no tools, or was changed by hand.",
        policy("tools: {lock: tools.lock}\n", tools__lock='{"version": 1}\n'),
    ),
    "idle-rule": (
        "A rule about tools that changes nothing.",
        policy("tools: {calls: [{name: mail.send, ask: true}]}\n"),
    ),
    "head-refused": (
        "A topic's head that is not the file that the policy names, or was fitted on another model.",
        policy(
            "topics:\n  - name: refunds\n    definition: Getting money back.\n    head: {file: refunds.json, sha256: 4f…}\n",
            refunds__json='{"version": 1}\n',
        ),
    ),
    "mask-without-span": ("Whole texts cannot be masked.", policy("content: {HATE: {strength: HIGH, action: mask}}\n")),
    "mask-option-missing": (
        "A mask that needs more.",
        policy("pii: {entities: {EMAIL: {action: mask, mask: hash}}}\n"),
    ),
    "mask-option-unused": (
        "A mask that needs less.",
        policy("pii: {entities: {EMAIL: {action: mask, mask: {style: type, keep: 4}}}}\n"),
    ),
    "restore-without-number": (
        "Only a number says which value a placeholder stood for.",
        policy("pii: {entities: {NAME: {action: mask, mask: {style: type, restore: true}}}}\n"),
    ),
    "restore-without-mask": (
        "What is not masked on the way in cannot be restored on the way out.",
        policy("pii: {entities: {NAME: {input: block, output: mask, mask: {style: numbered, restore: true}}}}\n"),
    ),
    "key-in-policy": (
        "A secret in the policy. It is not shown.",
        policy(
            "pii:\n  entities:\n    EMAIL:\n      action: mask\n      mask:\n        style: hash\n        key: |\n          hunter2\n"
        ),
    ),
    "too-many-problems": (
        "More than 200 problems.",
        policy("words:\n" + "".join(f"  key{i}: x\n" for i in range(300))),
    ),
    # Several files.
    "outside-root": ("A path that leads out of the policy's folder.", policy("words: {lists: [../secret.txt]}\n")),
    "extends-cycle": (
        "A policy that extends itself.",
        policy("extends: b.yaml\n", b__yaml=HEAD + "extends: policy.yaml\n"),
    ),
    "extends-depth": ("More than eight levels of parents.", chain(9)),
    "weakened": (
        "A child that says less than its parent enforces.",
        policy("extends: p.yaml\npii: {entities: {EMAIL: mask}}\n", p__yaml=PARENT),
    ),
    "enforced-exception": (
        "An exception to what a parent enforces.",
        policy("extends: p.yaml\npii: {entities: {EMAIL: {action: block, except: [me@x.io]}}}\n", p__yaml=PARENT),
    ),
    "rule-changed-kind": (
        "A child's rule under the id of another kind of rule.",
        policy(
            "extends: p.yaml\nwords: {terms: [{term: acme, id: x}]}\n",
            p__yaml=HEAD + "pii: {regexes: [{name: y, id: words.x, pattern: abc}]}\n",
        ),
    ),
    "parents-disagree": (
        "Two parents that enforce different things under one id.",
        policy(
            "extends: [a.yaml, b.yaml]\n",
            a__yaml=HEAD + "pii: {regexes: [{name: x, pattern: abc}]}\nenforced: ['*']\n",
            b__yaml=HEAD + "pii: {regexes: [{name: x, pattern: abd}]}\nenforced: ['*']\n",
        ),
    ),
    # Warnings.
    "no-owner": ("Warning: nobody to ask.", raw(b"version: 1\nname: demo\n" + RULE.encode())),
    "overlapping-topics": (
        "Warning: two topics that will fire together.",
        policy(
            "topics:\n"
            "  - {name: investing, definition: Which shares or funds to buy., examples: [Should I buy Apple shares?]}\n"
            "  - {name: stock-tips, definition: Which stocks and funds to purchase., examples: [Is Apple stock a good buy?]}\n"
        ),
    ),
    "contrary-example": (
        "Warning: a phrase that belongs to a topic and does not.",
        policy(
            "topics:\n"
            "  - name: investing\n"
            "    definition: Which shares or funds to buy.\n"
            "    examples: [Should I buy Apple shares?]\n"
            "    not_examples: [should i buy apple shares]\n"
        ),
    ),
    "topic-misses-example": (
        "Warning: an example that the topic knows word for word only.",
        policy(
            "topics:\n"
            "  - name: investing\n"
            "    definition: Which shares or funds to buy.\n"
            "    examples: [How long do I boil potatoes?]\n"
            "    threshold: 0.99\n"
        ),
    ),
    "allow-without-examples": (
        "Warning: a topic is allowed that says little about what users ask.",
        policy("topics:\n  - {name: cards, definition: Payment cards., allow: true}\n"),
    ),
    "allow-threshold": (
        "Warning: a threshold that is meant for what is denied.",
        policy(
            "topics:\n"
            "  - name: cards\n"
            "    definition: Payment cards.\n"
            "    examples: [My card was swallowed, Can I raise my limit?]\n"
            "    allow: true\n"
            "    threshold: 0.9\n"
        ),
    ),
    "fail-open": ("Warning: a rule that could not look lets pass.", policy("on_failure: allow\n" + RULE)),
    "only-detects": ("Warning: a policy without effect.", policy("words: {action: detect, terms: [kingfisher]}\n")),
    "disabled-rule": ("Warning: a rule without effect.", policy("words: {enabled: false, terms: [kingfisher]}\n")),
    "never-acts": ("Warning: a rule that no score reaches.", policy("grounding: 0\n")),
    "acts-on-everything": (
        "Warning: a rule that finds something in any text.",
        policy("pii: {regexes: [{name: WORD, pattern: '[A-Za-z]+', action: mask}]}\n"),
    ),
    "shadowed-rule": (
        "Warning: a rule that decides nothing.",
        policy(
            "words: {terms: [{terms: [heron], id: birds, action: detect}, {terms: [heron, osprey], id: more, action: block}]}\n"
        ),
    ),
    "mask-unused": ("Warning: a mask without effect.", policy("words: {mask: numbered, terms: [kingfisher]}\n")),
    "message-unused": (
        "Warning: a message that nobody will read.",
        policy("pii: {entities: {EMAIL: {action: mask, message: Please leave out addresses.}}}\n"),
    ),
    "short-exception": (
        "Warning: an exception that excuses a lot.",
        policy("pii: {entities: {EMAIL: {action: mask, except: [io]}}}\n"),
    ),
    "unused-exception": (
        "Warning: an exception of nothing.",
        policy("words: {terms: [kingfisher], except: [heron]}\n"),
    ),
    "broad-regex": (
        "Warning: a pattern that is nearly everywhere.",
        policy("pii: {regexes: [{name: a, pattern: '\\w+'}]}\n"),
    ),
    "stream-waits": (
        "Warning: a rule that holds a streamed answer until its end.",
        policy("pii: {regexes: [{name: a, pattern: 'BEGIN.*END', action: mask}]}\n"),
    ),
    "short-term": ("Warning: a term of one character.", policy("words: {terms: [x]}\n")),
    "duplicate-term": ("Warning: a term that is there already.", policy("words: {terms: [Café, cafe]}\n")),
    "empty-list": ("Warning: a word list without words.", policy("words: {lists: [l.txt]}\n", l__txt="# none yet\n")),
    "short-deadline": ("Warning: seconds where milliseconds are meant.", policy("limits: {deadline_ms: 10}\n" + RULE)),
    "weaker-than-parent": (
        "Warning: a child that says less than its parent, which does not enforce it.",
        policy("extends: p.yaml\npii: {entities: {PHONE: detect}}\n", p__yaml=PARENT),
    ),
    "negative-definition": (
        "Warning: a topic of everything but one thing.",
        policy("topics:\n  - {name: off-topic, definition: Everything except insurance.}\n"),
    ),
    "long-example": (
        "Warning: an example that is a whole page.",
        policy(f"topics:\n  - {{name: investing, definition: Which shares to buy., examples: [{'word ' * 80}]}}\n"),
    ),
    "many-examples": (
        "Warning: more examples than help.",
        policy(
            "topics:\n  - name: investing\n    definition: Which shares to buy.\n    examples:\n"
            + "".join(f"      - Should I buy share {i}?\n" for i in range(40))
        ),
    ),
    "exception-never-matches": (
        "Warning: an exception that is no value.",
        policy("pii: {entities: {EMAIL: {action: mask, except: ['*@insurer.example']}}}\n"),
    ),
    "bedrock-limit": ("Warning: too long for Bedrock.", policy(f"description: {'x' * 201}\n" + RULE)),
}


@contextlib.contextmanager
def folder(files: dict[str, bytes]) -> Iterator[Path]:
    """The files in a new folder, which is the current one meanwhile: messages name relative paths."""
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        for file, data in files.items():
            Path(file).parent.mkdir(parents=True, exist_ok=True)
            Path(file).write_bytes(data)
        yield Path(os.path.realpath(name))


def rendered(code: str) -> str:
    """The first problem of that code as a person reads it."""
    _, files = PROBLEMS[code]
    with folder(files):
        found = [p for p in lint(next(iter(files))) if p.code == code]
    return _shortened(found[0].render()) if found else "(not reported)"


def _shortened(text: str) -> str:
    return re.sub(r"(\S)\1{50,}", lambda m: f"{m[1] * 10}…", text)


def document() -> str:
    """docs/policy-errors.md."""
    out = [
        "# Every problem of a policy file",
        "",
        "`guardrails lint POLICY` reports errors and warnings, all of a policy at once; loading one raises `PolicyError` with the",
        "errors. Codes do not change their meaning. This page is made from the tests: `python -m tests.policy.problems`.",
        "",
    ]
    for code, (about, files) in PROBLEMS.items():
        out += [f"## {code}", "", about, "", "```yaml"]
        for name, data in files.items():
            shown = data.decode("utf-8", "backslashreplace").removeprefix("\ufeff")
            shown = "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in shown)
            shown = re.sub(r"((?:1,)|#|\[|\]|x)\1{30,}", lambda m: m[1] * 10 + "…", shown)
            lines = shown.rstrip("\n").split("\n")
            if len(files) > 1:
                out.append(f"# {name}")
            out += lines if len(lines) < 15 else [*lines[:8], "# …"]
        out += ["```", "", "```text", rendered(code), "```", ""]
    return "\n".join(out).rstrip() + "\n"


if __name__ == "__main__":
    from tests.policy import settings_page
    from tests.policy.demo_detector import registered

    settings_page.DOC.write_text(settings_page.document(), encoding="utf-8")
    with registered():
        DOC.write_text(document(), encoding="utf-8")

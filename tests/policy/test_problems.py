"""The exact text of every problem, as docs/policy-errors.md shows it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import guardrails.policy
from guardrails.errors import PolicyError
from guardrails.policy import lint, loads
from tests.policy.problems import DOC, HEAD, PROBLEMS, document, folder, policy, rendered

SECTION = re.compile(r"^## (\S+)\n(?:.|\n)*?```text\n((?:.|\n)*?)\n```$", re.MULTILINE)


@pytest.fixture(scope="module")
def documented() -> dict[str, str]:
    return dict(SECTION.findall(DOC.read_text(encoding="utf-8")))


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize("code", PROBLEMS)
def test_exact_text(code: str, documented: dict[str, str]) -> None:
    text = rendered(code)
    assert f"[{code}]" in text.split("\n")[0]
    assert text == documented[code]


@pytest.mark.usefixtures("demo")
def test_document_is_fresh() -> None:
    assert DOC.read_text(encoding="utf-8") == document(), "run python -m tests.policy.problems"


def test_every_code_of_the_source_has_its_example() -> None:
    written = set()
    for path in Path(guardrails.policy.__file__).parent.glob("*.py"):
        source = path.read_text(encoding="utf-8")
        calls = r'(?:report|warn|_problem|_refused|_refuse|unknown|Problem|choice|_enum)\(\s*(?:[^()"]*,\s*)?"([a-z0-9]+(?:-[a-z0-9]+)*)"'
        written |= {code for code in re.findall(calls, source) if "-" in code}
        written |= set(re.findall(r'"(unknown-[a-z]+)"', source))
    assert written <= PROBLEMS.keys()
    assert len(PROBLEMS) >= 30
    assert len(written) >= 30


def test_all_at_once() -> None:
    text = (
        HEAD
        + "wrods: 1\non_failure: blok\npii: {entities: {E_MAIL: mask, PHONE: redact}}\nwords: {terms: [1, {action: mask}]}\n"
    )
    with pytest.raises(PolicyError) as error:
        loads(text)
    codes = {p.code for p in error.value.problems}
    assert codes == {"unknown-key", "unknown-value", "unknown-entity", "unknown-action", "missing-key"}


SECRET = "correcthorsebattery"


@pytest.mark.parametrize(
    "mask",
    [
        f"{{style: hash, key: {SECRET}}}",
        f"{{style: hash, hash_key: {SECRET}}}",
        f'{{style: hash, "key": "{SECRET}", foo: 1}}',
        f"{{style: hash, key: {SECRET}, key: [}}",
        f"{{style: hash, secret: {SECRET}, style: type}}",
    ],
)
def test_no_key_is_shown(mask: str) -> None:
    with folder(policy(f"pii: {{entities: {{EMAIL: {{action: mask, mask: {mask}}}}}}}\n")):
        found = lint("policy.yaml")
    assert any(p.severity == "error" for p in found)
    assert SECRET not in "\n".join(p.render() for p in found)
    assert SECRET not in repr(found)


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ("{}", "missing-key"),
        ("{words: many}", "wrong-type"),
        ("{words: true}", "wrong-type"),
        ("{words: 1, loud: 1}", "wrong-type"),
        ("{words: 1, laud: true}", "unknown-key"),
        ("{words: 0}", "bad-settings"),
    ],
)
def test_settings_of_other_detectors(settings: str, code: str) -> None:
    with pytest.raises(PolicyError) as error:
        loads(HEAD + f"rules: [{{id: x, detector: demo, settings: {settings}}}]\n")
    assert [p.code for p in error.value.problems] == [code]


@pytest.mark.usefixtures("demo")
def test_other_detectors_load() -> None:
    rule = loads(HEAD + "rules: [{id: x, detector: demo, action: detect, settings: {words: 3, loud: true}}]\n").rule(
        "x"
    )
    assert (rule.settings.words, rule.settings.loud) == (3, True)

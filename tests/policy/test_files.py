"""What a policy may load, its identity, and that what it loads is shared."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from guardrails.errors import PolicyError
from guardrails.policy import explain, load, loads
from tests.policy.problems import HEAD, RULE, folder, policy


def codes(path: str | Path = "policy.yaml", **options: Path) -> list[str]:
    with pytest.raises(PolicyError) as error:
        load(path, **options)
    return [p.code for p in error.value.problems]


@pytest.mark.parametrize(
    "reference",
    ["../outside.yaml", "sub/../../outside.yaml", "/etc/passwd", "link.yaml", "linked/outside.yaml", "..\\outside.yaml",
     '"a\\0.yaml"', "shipped:../secret", '"shipped:a/../b"', "shipped:nothing", "file:///etc/passwd", "~/x.yaml", "missing.yaml", ".", "sub"],
)  # fmt: skip
@pytest.mark.parametrize("line", ["extends: {}", "words: {{lists: [{}]}}"])
def test_nothing_outside_the_root_is_read(tmp_path: Path, reference: str, line: str) -> None:
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (tmp_path / "outside.yaml").write_text(HEAD + RULE)
    (root / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    (root / "linked").symlink_to(tmp_path)
    (root / "policy.yaml").write_text(HEAD + "pii: {entities: {EMAIL: mask}}\n" + line.format(reference) + "\n")
    found = codes(root / "policy.yaml")
    assert len(found) == 1
    assert found[0] in ("outside-root", "not-found")


def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "l.txt")
    (tmp_path / "policy.yaml").write_text(HEAD + "words: {lists: [l.txt]}\n")
    assert codes(tmp_path / "policy.yaml") == ["not-found"]


def test_links_inside_the_root_are_followed(tmp_path: Path) -> None:
    # As Kubernetes mounts a ConfigMap: policy.yaml → ..data/policy.yaml → ..2027/policy.yaml
    (tmp_path / "..2027").mkdir()
    (tmp_path / "..2027" / "policy.yaml").write_text(HEAD + RULE)
    (tmp_path / "..data").symlink_to("..2027")
    (tmp_path / "policy.yaml").symlink_to("..data/policy.yaml")
    assert load(tmp_path / "policy.yaml").name == "demo"


def test_a_root_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "tenants").mkdir()
    (tmp_path / "base.yaml").write_text(HEAD + RULE)
    child = tmp_path / "tenants" / "a.yaml"
    child.write_text(HEAD + "extends: ../base.yaml\n")
    assert codes(child) == ["outside-root"]
    loaded = load(child, root=tmp_path)
    assert loaded.identity.files == ("tenants/a.yaml", "base.yaml")
    assert codes(tmp_path / "base.yaml", root=tmp_path / "tenants") == ["outside-root"]


def test_eight_levels_and_no_more() -> None:
    files = {f"p{i}.yaml": (HEAD + (f"extends: p{i - 1}.yaml\n" if i else RULE)).encode() for i in range(9)}
    with folder(files):
        assert load("p7.yaml").rules
        assert codes("p8.yaml") == ["extends-depth"]


def test_a_diamond_is_no_cycle() -> None:
    files = policy(
        "extends: [a.yaml, b.yaml]\n",
        a__yaml=HEAD + "extends: c.yaml\n",
        b__yaml=HEAD + "extends: c.yaml\n",
        c__yaml=HEAD + RULE,
    )
    with folder(files):
        assert load("policy.yaml").identity.files == ("policy.yaml", "a.yaml", "c.yaml", "b.yaml", "c.yaml")


FILES = policy(
    "extends: p.yaml\nwords: {lists: [l.txt]}\n",
    p__yaml=HEAD + "pii: {entities: {EMAIL: mask}}\n",
    l__txt="heron\n# x\n\n ibis \n",
)


def test_word_lists() -> None:
    with folder(FILES):
        (terms,) = load("policy.yaml").rule("words.l").settings.lists
    assert (terms.path, terms.terms) == ("l.txt", ("heron", "ibis"))


@pytest.mark.parametrize(
    ("data", "code"), [(b"a\xff\n", "bad-utf8"), (b"\xef\xbb\xbfa\n", "bom"), (b"a\x00b\n", "control-character")]
)
def test_bad_word_lists(data: bytes, code: str) -> None:
    with folder(policy("words: {lists: [l.txt]}\n") | {"l.txt": data}):
        assert codes() == [code]


def test_identity_is_that_of_the_content(tmp_path: Path) -> None:
    with folder(FILES) as here:
        first = load("policy.yaml").identity
        shutil.copytree(here, tmp_path / "elsewhere")
        assert load(here / "policy.yaml").identity.sha256 == first.sha256
    assert load(tmp_path / "elsewhere" / "policy.yaml").identity.sha256 == first.sha256
    assert first.files == ("policy.yaml", "l.txt", "p.yaml")
    assert first.owner == "me"
    seen = {first.sha256}
    for name in FILES:
        changed = {k: v + b"# changed\n" if k == name else v for k, v in FILES.items()}
        with folder(changed):
            seen.add(load("policy.yaml").identity.sha256)
    assert len(seen) == 4


def test_identity_is_framed() -> None:
    # The same bytes, cut elsewhere, are other files.
    def sha(a: str, b: str) -> str:
        with folder(policy("words: {lists: [a.txt, b.txt]}\n", a__txt=a, b__txt=b)):
            return load("policy.yaml").identity.sha256

    assert len({sha("x\ny\n", "z\n"), sha("x\n", "y\nz\n"), sha("x\ny\nz\n", "")}) == 3


def test_nothing_is_stale() -> None:
    with folder(FILES):
        before = load("policy.yaml")
        stat = Path("l.txt").stat()
        Path("l.txt").write_text("swans\n# x\n\n ibis \n")
        os.utime("l.txt", ns=(stat.st_atime_ns, stat.st_mtime_ns))  # an old time and the same size betray nothing
        after = load("policy.yaml")
    assert after.rule("words.l").settings.lists[0].terms == ("swans", "ibis")
    assert before.identity.sha256 != after.identity.sha256


def test_lists_are_shared() -> None:
    with folder(FILES | {"other.yaml": FILES["policy.yaml"]}):
        first, second = load("policy.yaml"), load("other.yaml")
    assert first.rule("words.l").settings.lists[0] is second.rule("words.l").settings.lists[0]


def test_text_extends_shipped_policies_only() -> None:
    assert loads(HEAD + "extends: shipped:baseline\n").identity.files[1] == "shipped:baseline.yaml"
    with pytest.raises(PolicyError):
        loads(HEAD + "extends: /etc/passwd\n")


def test_explain_says_where() -> None:
    with folder(FILES):
        found = {s.key: s for s in explain(load("policy.yaml"))}
    assert str(found["pii.EMAIL.input"].at) == "p.yaml:4"
    assert str(found["words.l.lists"].at) == "policy.yaml:5"
    assert found["limits.max_characters"].at is None
    assert found["pii.EMAIL.min_score"].at is None
    assert found["on_failure"].value == "block"

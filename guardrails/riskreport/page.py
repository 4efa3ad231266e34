"""The report as one HTML file: it runs no script, loads nothing, quotes no text that was checked, and prints on A4."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape

from guardrails.evaluation.metrics import NAMES
from guardrails.evaluation.report import plain
from guardrails.policytest import Status
from guardrails.riskreport import plain_words
from guardrails.riskreport.coverage import bedrock, owasp
from guardrails.riskreport.gathering import Contents
from guardrails.rules import StreamMode

__all__ = ["page"]

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; } h2 { font-size: 1.2rem; margin-top: 2rem; } h3 { font-size: 1rem; margin-bottom: .3rem; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: .25rem .6rem .25rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid #8886; overflow-wrap: anywhere; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
.dim { opacity: .75; } .good { font-weight: 600; } code { overflow-wrap: anywhere; }
@media print {
  @page { size: A4; margin: 16mm; }
  body { margin: 0; max-width: none; font-size: 10pt; color: #000; background: #fff; }
  h2 { break-after: avoid; } tr { break-inside: avoid; }
}
"""
_LIMITS = (
    "A model's verdict is a probability. Some harmful texts pass, and some harmless ones are stopped; the figures above say how many, where they were "
    "measured.",
    "The models were measured on English. Other languages are named in each report's coverage.",
    "Images, audio and files by reference are not inspected.",
    "What a text means only together with what its reader knows, nobody can tell from the text alone.",
)


def page(contents: Contents, *, now: datetime | None = None) -> str:
    """The page. ``now`` is the time that it bears."""
    policy = contents.policy
    at = (now or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC")
    version = f"version {contents.version}, " if contents.version is not None else ""
    parts = [
        f"<h1>{_text(policy.name)}</h1>",
        f"<p class=dim>{version}policy sha256 <code>{policy.identity.sha256}</code>, made {at}</p>",
        f"<p>{_text(policy.description)}</p>" if policy.description else "",
        f"<p>Who answers for it: <strong>{_text(str(policy.metadata.get('owner') or 'nobody is named'))}</strong></p>",
        *_does(contents),
        *_covers(contents),
        *_tested(contents),
        *_measured(contents),
        *_limits(contents),
        *_changed(contents),
        *_proved(contents),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_text(policy.name)}: what it does</title><style>{_STYLE}</style></head><body>\n"
        + "\n".join(filter(None, parts))
        + "\n</body></html>\n"
    )


def _text(text: str) -> str:
    return escape(plain(text))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: bool = False) -> str:
    kind = ' class="number"' if numbers else ""

    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}{kind if i else ''}>{_text(c)}</{tag}>" for i, c in enumerate(cells)) + "</tr>"

    return f"<table><thead>{line(head, 'th')}</thead><tbody>{''.join(line(row, 'td') for row in rows)}</tbody></table>"


def _list(lines: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{_text(line)}</li>" for line in lines) + "</ul>"


def _does(contents: Contents) -> Iterable[str]:
    yield "<h2>What it does</h2>"
    yield _list(plain_words.general(contents.policy))
    for heading, lines in plain_words.rules(contents.policy).items():
        yield f"<h3>{_text(heading)}</h3>"
        yield _table(("what", "in requests", "in answers", ""), lines)


def _covers(contents: Contents) -> Iterable[str]:
    for heading, items in (
        ("Amazon Bedrock Guardrails", bedrock(contents.policy)),
        ("OWASP Top 10 for LLM applications (2025)", owasp(contents.policy)),
    ):
        yield f"<h2>What it covers: {heading}</h2>"
        yield _table(("item", "", "how, and what is left"), items)


def _tested(contents: Contents) -> Iterable[str]:
    yield "<h2>Tests</h2>"
    tests = contents.tests
    if tests is None:
        yield "<p>There is no test file beside the policy.</p>"
        return
    if tests.error is not None:
        yield f"<p>The tests could not run: {_text(tests.error)}</p>"
        return
    passed, total = tests.count(Status.PASS), len(tests.outcomes)
    yield f"<p class=good>{passed} of {total} cases passed.</p>"
    yield f"<p>{tests.look_alikes} of them expect that nothing happens: harmless texts that look like harmful ones.</p>"
    if passed < total:
        yield _list(f"{o.case.name} ({o.source}): {o.status}" for o in tests.outcomes if o.status is not Status.PASS)


def _measured(contents: Contents) -> Iterable[str]:
    yield "<h2>Figures</h2>"
    result = contents.figures
    if result is None:
        yield "<p>It was not measured on texts of yours. The cards of the models say how they do on public ones.</p>"
        return
    overall = result.overall
    yield (
        f"<p>On {len(result.data.rows)} texts of {_text(result.data.path.name)} (sha256 <code>{result.data.sha256[:12]}</code>): {overall.positives} "
        f"that should be stopped, {overall.negatives} that should not; with 95 % intervals.</p>"
    )
    rows = []
    for key, name in NAMES.items():
        estimate = overall.figures[key]
        if estimate.value is not None and estimate.low is not None and estimate.high is not None:
            rows.append((name, f"{estimate.value:.3f}", f"{estimate.low:.3f} to {estimate.high:.3f}"))
    yield _table(("figure", "value", "interval"), rows, numbers=True)


def _limits(contents: Contents) -> Iterable[str]:
    yield "<h2>Known limits</h2>"
    policy = contents.policy
    lines = list(_LIMITS)
    if policy.stream.mode is StreamMode.ASYNC:
        lines.append("Streamed answers are not held back: what is found in them has been shown.")
    yield _list([*lines, *(f"{p.message} ({p.key})" if p.key else p.message for p in contents.warnings)])


def _changed(contents: Contents) -> Iterable[str]:
    if contents.changes is not None:
        old, changes = contents.changes.old, contents.changes.settings
        yield "<h2>Changes since the version before</h2>"
        yield f"<p>{len(changes)} settings are not those of {_text(old.name)} ({old.identity.sha256[:12]}).</p>"
        rows = [
            (c.key, "–" if c.old is None else str(c.old.value), "–" if c.new is None else str(c.new.value))
            for c in changes
        ]
        if rows:
            yield _table(("setting", "was", "is"), rows)
    if contents.history:
        yield "<h2>Versions</h2>"
        events = [(e.at, f"{e.action} {e.version}", e.sha256[:12], f"{e.by}: {e.reason}") for e in contents.history]
        yield _table(("time", "", "policy", "by, and why"), events)


def _proved(contents: Contents) -> Iterable[str]:
    yield "<h2>Proof of the log</h2>"
    proof = contents.proof
    if proof is None:
        yield "<p>No log of decisions was given.</p>"
        return
    found = proof.found
    yield f"<p class=good>{'Verified' if found.ok else 'NOT verified'}: {_text(proof.name)}</p>"
    yield _table(
        ("", ""),
        [
            ("records", f"{found.size}, from {found.first or '–'} to {found.last or '–'}"),
            ("decisions", str(found.kinds.get("decision", 0))),
            ("releases recorded", str(found.kinds.get("release", 0))),
            ("signed for", f"{found.signed} records by {found.checkpoints} checkpoints"),
            ("root of the tree", found.root.hex()),
            ("public key", proof.key),
            *((f"confirmed by {who}", f"{size} records at {at}") for who, (size, at) in found.confirmed.items()),
        ],
    )
    if found.problems:
        yield _list(found.problems)

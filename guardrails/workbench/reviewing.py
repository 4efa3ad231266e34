"""The room *Review*: texts that people label, one after the other by keyboard; how far they agree; and what becomes of it.

What is labelled stays in memory, or in the file that was named when the workbench began.
"""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from guardrails import evaluation
from guardrails.detectors.settings import settings_of
from guardrails.errors import GuardrailsError
from guardrails.evaluation import Row
from guardrails.guard import Guard
from guardrails.policy import load
from guardrails.policytest import add_cases, read_cases, run_file
from guardrails.review import Item, Question, Review, agreement, cases, labelled, picked
from guardrails.review.book import named
from guardrails.workbench.pages import page, texts
from guardrails.workbench.trying import form_of
from guardrails.workbench.uploads import ENDINGS, Dropped, dropped, rows_of
from guardrails.workbench.workspace import Workspace

__all__ = ["ROUTES"]

_MOST, _SHOWN = 500, 100
_LABELS = {"1": 1, "0": 0, "": None}
_KINDS = {"csv": "text/csv", "jsonl": "application/x-ndjson"}


async def _room(workspace: Workspace, request: Request) -> Response:
    names = await asyncio.to_thread(workspace.names)
    chosen = workspace.chosen(request.query_params.get("policy"), names)
    rules = await asyncio.to_thread(_rules, workspace, chosen) if chosen is not None else ()
    await asyncio.to_thread(workspace.review.refresh)
    return page(
        request, "review.html", room="review", policies=names, chosen=chosen, rules=rules, endings=",".join(ENDINGS),
        most=_MOST, **_work(workspace.review),
    )  # fmt: skip


def _rules(workspace: Workspace, name: str) -> list[str]:
    """The rules of a policy that have a cut point, in its order."""
    policy = load(workspace.path(name))
    return [
        rule.id
        for rule in policy.rules
        if (rule.input or rule.output) is not None
        and any(
            s.cut and not (s.unless and getattr(rule.settings, s.unless)) for s in settings_of(rule.detector).values()
        )
    ]


def _work(book: Review) -> dict[str, Any]:
    """What the part of the page shows in which texts are labelled."""
    return {"book": book, "question": _question(book), "file": book.path.name if book.path is not None else None}


def _question(book: Review) -> str:
    said = texts()["review"]
    rule = book.question.rule if book.question is not None else None
    return str(said["asks_rule"].format(rule=rule) if rule else said["asks"])


async def _queue(workspace: Workspace, request: Request) -> Response:
    file = await dropped(request)
    new = await asyncio.to_thread(_queued, workspace, file)
    return page(request, "review_work.html", new=new, name=file.name, **_work(workspace.review))


def _queued(workspace: Workspace, file: Dropped) -> int:
    name, rule = file.fields.get("policy", ""), file.fields.get("rule", "") or None
    policy = load(workspace.path(name)).unhurried()
    if rule is not None and not any(r.id == rule for r in policy.rules):
        raise GuardrailsError(f"{rule[:100]}: there is no such rule in {name} any more")
    question = Question(rule, policy.name, policy.identity.sha256)
    workspace.review.ask(question, ())  # another question is refused before anything is judged
    data = rows_of(file)
    if file.fields.get("order") != "near":
        return workspace.review.ask(question, data.rows)
    most = file.fields.get("most", "")
    most_of = min(max(int(most), 1), _MOST) if most.isdecimal() else 50
    return workspace.review.ask(question, _near(policy, data, rule, most_of))


def _near(policy: Any, data: evaluation.Data, rule: str | None, most: int) -> list[Row]:
    narrow = evaluation.prepared(policy, [rule]) if rule is not None else policy
    return picked(narrow, data, evaluation.predictions(Guard(narrow), data), rule, most)


async def _ask(workspace: Workspace, request: Request) -> Response:
    """The text that a reviewer is asked about: the one that is named, or the next."""
    fields = request.query_params
    book, by = workspace.review, named(fields.get("by", ""))
    await asyncio.to_thread(book.refresh)
    id_ = fields.get("id")
    return _asked(request, book, by, book.item(id_) if id_ else book.next(by))


def _asked(request: Request, book: Review, by: str, item: Item | None) -> Response:
    left = sum(by not in {*book.labels(i), *book.unsure(i)} for i in book.items)
    known = None
    if item is not None:
        known = book.labels(item).get(by, "" if by in book.unsure(item) else None)
    return page(
        request, "review_text.html", item=item, by=by, left=left, known=known, back=book.before(by, item), **_work(book)
    )


async def _label(workspace: Workspace, request: Request) -> Response:
    """Keep a label, and ask about the next text."""
    form = await form_of(request)
    book, by = workspace.review, named(form.get("by", ""))
    if form.get("label") not in _LABELS:
        raise GuardrailsError("a label is yes, no, or not sure")
    await asyncio.to_thread(book.label, book.item(form.get("id", "")), _LABELS[form["label"]], by)
    return _asked(request, book, by, book.next(by))


async def _state(workspace: Workspace, request: Request) -> Response:
    """How far reviewers agree, on what they do not, and what was decided."""
    book = workspace.review
    await asyncio.to_thread(book.refresh)
    items = book.items
    found = await asyncio.to_thread(agreement, [book.labels(item) for item in items])
    counts = [
        (name, *(sum(book.labels(i).get(name) == v for i in items) for v in (1, 0)), sum(name in book.unsure(i) for i in items))
        for name in book.reviewers
    ]  # fmt: skip
    apart = book.disagreements()
    decided = [value for item in items if (value := book.decided(item)) is not None]
    return page(
        request, "review_state.html", found=found, counts=counts, apart=apart[:_SHOWN], disagreements=len(apart), decided=decided,
        policies=await asyncio.to_thread(workspace.names), policy_named=_policy_named(workspace), **_work(book),
    )  # fmt: skip


def _policy_named(workspace: Workspace) -> str | None:
    """The policy file whose rules are asked about, where its name says so."""
    asked = workspace.review.question
    return next(
        (n for n in workspace.names() if asked is not None and n.rpartition("/")[2].partition(".")[0] == asked.policy),
        None,
    )


async def _tests(workspace: Workspace, request: Request) -> Response:
    """Add what was decided to the test file of a policy, and run it."""
    form = await form_of(request)
    name = form.get("policy", "")

    def kept() -> tuple[int, Any]:
        path, made = workspace.tests(name), cases(workspace.review, load(workspace.path(name)))
        known = {(c.pieces[0].text, c.source) for c in read_cases(path)[1]} if path.exists() else set()
        new = [c for c in made if (c.get("text") or c["pieces"][0]["text"], c["source"]) not in known]
        if not new:
            raise GuardrailsError("nothing is decided that the tests do not hold already")
        add_cases(path, new)
        return len(new), run_file(path)

    new, outcome = await asyncio.to_thread(kept)
    return page(request, "review_kept.html", new=new, outcome=outcome, file=workspace.shown(str(outcome.path)))


async def _rows(workspace: Workspace, request: Request) -> Response:
    """What was decided, as a file of labelled rows."""
    kind = request.path_params["kind"]
    if kind not in _KINDS:
        raise GuardrailsError("rows are csv or jsonl")
    data = labelled(workspace.review, kind).encode("utf-8", "backslashreplace")
    headers = {"content-disposition": f'attachment; filename="reviewed.{kind}"'}
    return Response(data, media_type=_KINDS[kind], headers=headers)


async def _clear(workspace: Workspace, request: Request) -> Response:
    """Forget a review that is in memory alone."""
    if workspace.review.path is not None:
        raise GuardrailsError("this review is in a file: begin the workbench with another one")
    workspace.review = Review()
    return page(request, "review_work.html", new=None, name="", **_work(workspace.review))


ROUTES = (
    ("GET", "/review", _room),
    ("POST", "/review/queue", _queue),
    ("GET", "/review/text", _ask),
    ("POST", "/review/label", _label),
    ("GET", "/review/state", _state),
    ("POST", "/review/tests", _tests),
    ("GET", "/review/rows.{kind}", _rows),
    ("POST", "/review/clear", _clear),
)

"""``guardrails review``: texts that people label, how far they agree, and what becomes of it."""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from guardrails.cli.evaluating import predicted
from guardrails.cli.options import Direction, JsonOption, PolicyOption, TextColumn
from guardrails.cli.screens import aligned, visible

if TYPE_CHECKING:
    from guardrails.evaluation import Data, Row
    from guardrails.evaluation.metrics import Estimate
    from guardrails.review import Fitted, Item, Lesson, Review

__all__ = ["review"]

OK, BAD_DATA, NEGATIVE = 0, 2, 2

review = typer.Typer(
    help="Texts that people label: which, by whom, how far they agree, and what becomes of it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

FileArgument = Annotated[
    Path, typer.Argument(metavar="REVIEW", help="The file of the review (.jsonl): it holds the texts and all labels.")
]
_ANSWERS = {"y": 1, "yes": 1, "1": 1, "n": 0, "no": 0, "0": 0, "?": None}


@review.command()
def queue(  # noqa: PLR0917 - a command's options
    file: FileArgument,
    data: Annotated[
        Path | None, typer.Argument(metavar="[DATA]", help="A table (.csv, .tsv), or rows of JSON (.jsonl).")
    ] = None,
    policy: Annotated[
        str | None, typer.Option("--policy", "-p", help="Take texts near the cut points of this policy.")
    ] = None,
    rule: Annotated[
        str | None, typer.Option(help="Ask whether this rule should find a text; else whether it should be stopped.")
    ] = None,
    scan: Annotated[
        str | None, typer.Option(help="Take texts of a finished guardrails scan: the folder of its --out.")
    ] = None,
    log: Annotated[
        Path | None, typer.Option(help="Take texts that this log of evidence keeps: a folder with samples.")
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="Of the log, only texts of this tenant.")] = None,
    by: Annotated[
        str | None, typer.Option(help="Whose labels the rows of DATA have; they count as given here.")
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="How many texts to take near cut points.")] = 50,
    source: Annotated[Direction | None, typer.Option(help="The direction of rows that name none.")] = None,
    text_column: TextColumn = None,
    label_column: Annotated[str | None, typer.Option(help="The column that holds the label.")] = None,
) -> None:
    """Put texts into a review, which is made if it is not there. Exit code 0: done, 2: rows are wrong, 1: could not run.

    Without --policy all of DATA is queued as it comes; with it, the texts whose label says most: near a cut point, and unlike each other.
    """
    from guardrails.policy import load  # noqa: PLC0415
    from guardrails.review import Question, Review  # noqa: PLC0415

    _one_origin(data, scan, log, policy=policy, tenant=tenant, by=by)
    effective = load(policy).unhurried() if policy is not None else None
    book = Review(file)
    if effective is not None and rule is not None and not any(r.id == rule.partition(" ")[0] for r in effective.rules):
        raise typer.BadParameter(f"{effective.name} has no rule {rule}", param_hint="--rule")
    identity = (effective.name, effective.identity.sha256) if effective is not None else ("", "")
    question = Question(rule, *identity)
    rows: list[Row] = []
    if scan is None:
        columns = {"text_column": text_column, "label_column": label_column, "source": source}
        read = _rows(data, **columns) if data is not None else _sampled(log, tenant)
        rows = _near(effective, read, rule, most) if effective is not None and by is None else list(read.rows)
    elif effective is not None:
        from guardrails.review import picked_of_scan  # noqa: PLC0415

        rows = picked_of_scan(scan, effective, rule, most)
    new = book.ask(question, rows)
    labels = _take_labels(book, rows, by) if by is not None else 0
    typer.echo(f"{file}: {new} new texts, {len(book.items)} altogether" + (f", {labels} labels of {by}" if by else ""))


def _one_origin(data: Path | None, scan: str | None, log: Path | None, **more: str | None) -> None:
    """Raises BadParameter unless texts come from one place, with the options that it takes."""
    if sum(origin is not None for origin in (data, scan, log)) != 1:
        raise typer.BadParameter(
            "give a file of texts, the folder of a scan or a log with samples, one of them", param_hint="--scan"
        )
    if scan is not None and (more["policy"] is None or more["by"] is not None):
        raise typer.BadParameter("a scan needs --policy, and has no labels", param_hint="--scan")
    if log is not None and more["by"] is not None:
        raise typer.BadParameter("the texts of a log have no labels", param_hint="--by")
    if log is None and more["tenant"] is not None:
        raise typer.BadParameter("only the texts of a log have a tenant", param_hint="--tenant")


def _sampled(log: Path | None, tenant: str | None) -> Data:
    from guardrails.cli.replaying import sampled_texts  # noqa: PLC0415
    from guardrails.evaluation import Data, Row  # noqa: PLC0415
    from guardrails.types import Role  # noqa: PLC0415

    found = [] if log is None else sampled_texts(log, tenant)
    rows = [
        Row(number, text.text, source, role=None if text.role is Role.USER else text.role)
        for number, (source, text) in enumerate(found, 1)
    ]
    return Data(log or Path(), "", tuple(rows))


def _rows(path: Path, **columns: Any) -> Data:
    from guardrails import evaluation  # noqa: PLC0415

    try:
        return evaluation.read(path, labelled=False, **columns)
    except evaluation.BadData as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(BAD_DATA) from None


def _near(policy: Any, data: Data, rule: str | None, most: int) -> list[Row]:
    from guardrails.evaluation import prepared  # noqa: PLC0415
    from guardrails.guard import Guard  # noqa: PLC0415
    from guardrails.review import picked  # noqa: PLC0415

    narrow = prepared(policy, [rule.partition(" ")[0]]) if rule is not None else policy
    return picked(narrow, data, predicted(Guard(narrow), data), rule, most)


def _take_labels(book: Review, rows: list[Row], by: str) -> int:
    """Note the labels that the rows have as this reviewer's."""
    items = {(item.row.text, item.row.source, item.row.query, item.row.grounding_source): item for item in book.items}
    count = 0
    for row in rows:
        if row.label is not None:
            book.label(items[row.text, row.source, row.query, row.grounding_source], row.label, by)
            count += 1
    return count


@review.command()
def label(
    file: FileArgument,
    by: Annotated[str, typer.Option(help="Who labels: a name.")],
) -> None:
    """Label texts one by one in the terminal. It prints what people wrote: see where you run it. Exit code 0: all are labelled, 2: some are left.

    y yes, n no, ? not sure, b back to the text before, q quit; each is kept at once.
    """
    book = _opened(file)
    item = book.next(by)
    while item is not None:
        typer.echo(f"\n{item.number} of {len(book.items)}  {_question(book)}")
        for piece in item.row.pieces:
            typer.echo(f"  {piece.role.value}: {visible(piece.text)}")
        typer.echo("[y/n/?/b/q] ", nl=False)
        said = sys.stdin.readline()
        answer = said.strip().lower()
        if not said or answer in ("q", "quit"):
            break
        if answer in ("b", "back"):
            item = book.before(by, item) or item
        elif answer in _ANSWERS:
            book.label(item, _ANSWERS[answer], by)
            item = book.next(by)
        else:
            typer.echo("y yes, n no, ? not sure, b back, q quit")
    left = sum(by not in {*book.labels(i), *book.unsure(i)} for i in book.items)
    typer.echo(f"\n{left} texts are left for {by}")
    raise typer.Exit(NEGATIVE if left else OK)


@review.command()
def show(
    file: FileArgument,
    show_text: Annotated[
        bool, typer.Option("--show-text", help="Quote the texts on which reviewers disagree.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show who labelled how much, how far reviewers agree, and on which texts they do not. Exit code 0: they agree, 2: not on all."""
    from guardrails.review import agreement  # noqa: PLC0415

    book = _opened(file)
    found = agreement([book.labels(item) for item in book.items])
    apart = book.disagreements()
    if as_json:
        typer.echo(json.dumps(_figures(book, found, apart), indent=2, ensure_ascii=False))
        raise typer.Exit(NEGATIVE if apart else OK)
    policy = book.question.policy if book.question is not None else ""
    out = [f"{_question(book)} {len(book.items)} texts" + (f", chosen under {policy}" if policy else "")]
    rows = [(name, *map(str, _counts(book, name))) for name in book.reviewers]
    out += ["", *aligned([("reviewer", "yes", "no", "not sure"), *rows])]
    if found is not None:
        of = found.same.of
        out += ["", f"the same label on {_share(found.same)} of {of} texts that two or more labelled"]
        out.append(f"{found.measure} {_figure(found.value)}")
    if apart:
        out += ["", f"to talk about: {len(apart)}"]
        named = [
            (f"text {i.number}", _opinions(book, i), visible(i.row.text)[:100] if show_text else "") for i in apart
        ]
        out += [f"  {line}" for line in aligned(named)]
    decided = [label for item in book.items if (label := book.decided(item)) is not None]
    out += ["", f"decided: {len(decided)}, of which {sum(decided)} yes"]
    typer.echo("".join(f"{line}\n" for line in out), nl=False)
    raise typer.Exit(NEGATIVE if apart else OK)


@review.command()
def export(
    file: FileArgument,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write decided texts as rows: .csv, or .jsonl.")
    ] = None,
    tests: Annotated[
        Path | None, typer.Option(help="Add decided texts to this test file (.test.yaml), as cases of --policy.")
    ] = None,
    policy: Annotated[str | None, typer.Option("--policy", "-p", help="The policy of the cases.")] = None,
) -> None:
    """Hand on what was decided: as rows for calibrate and eval, and as cases for guardrails test. Exit code 0: done, 1: could not run.

    A text is decided when more than half of those who are sure say the same.
    """
    from guardrails.policy import load  # noqa: PLC0415
    from guardrails.policytest import add_cases, read_cases  # noqa: PLC0415
    from guardrails.review import cases, labelled  # noqa: PLC0415

    if output is None and tests is None:
        raise typer.BadParameter("say where to: --output, --tests, or both", param_hint="--output")
    if output is not None and output.suffix.lower() not in (".csv", ".jsonl"):
        raise typer.BadParameter("rows are written to a file that ends in .csv or .jsonl", param_hint="--output")
    if tests is not None and policy is None:
        raise typer.BadParameter("say which policy the cases are of", param_hint="--policy")
    book = _opened(file)
    if output is not None:
        output.write_text(labelled(book, output.suffix.lower().lstrip(".")), encoding="utf-8", newline="")
        typer.echo(f"{output}: written")
    if tests is not None and policy is not None:
        known = {(c.pieces[0].text, c.source) for c in read_cases(tests)[1]} if tests.exists() else set()
        made = cases(book, load(policy))
        new = [c for c in made if (c.get("text") or c["pieces"][0]["text"], c["source"]) not in known]
        if new:
            add_cases(tests, new)
        typer.echo(f"{tests}: {len(new)} new cases, {len(made) - len(new)} were there already")


@review.command()
def topic(  # noqa: PLR0917 - a command's options
    file: FileArgument,
    policy: PolicyOption,
    most: Annotated[int, typer.Option(min=1, max=20, help="How many phrases to propose at most.")] = 6,
    head: Annotated[
        Path | None, typer.Option(help="Instead of phrases, fit a head for the topic, and write it to this new file.")
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Write the phrases, or the name of the head, into the policy file.")
    ] = False,
    show_text: Annotated[bool, typer.Option("--show-text", help="Quote the phrases.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with the phrases.")] = False,
) -> None:
    """Propose which decided texts a denied topic should name as examples, and as what it is not; or fit a head for it.

    Half of the texts is learned from; the figures are of the other half. Exit code 0: done, 2: no phrase helps, 1: could not run.
    """
    from guardrails.policy import load  # noqa: PLC0415
    from guardrails.policy.editing import save  # noqa: PLC0415
    from guardrails.review import taught, with_phrases  # noqa: PLC0415

    path = Path(policy)
    if head is not None:
        if show_text:
            raise typer.BadParameter("a head has no phrases to show", param_hint="--head")
        _fit(_opened(file), path, head, write=write, as_json=as_json)
        raise typer.Exit(OK)
    before = path.read_bytes() if write else b""
    lesson = taught(_opened(file), load(policy).unhurried(), most)
    found = bool(lesson.examples or lesson.not_examples)
    typer.echo(
        json.dumps(lesson.to_dict(), indent=2, ensure_ascii=False) if as_json else _lesson(lesson, show_text),
        nl=as_json,
    )
    if write and found:
        text = with_phrases(path, before.decode("utf-8"), lesson)
        save(path, text, before=hashlib.sha256(before).hexdigest())
        sys.stderr.write(f"{path}: {lesson.rule.id} has the new phrases\n")
    raise typer.Exit(OK if found else NEGATIVE)


def _fit(book: Review, policy: Path, path: Path, *, write: bool, as_json: bool) -> None:
    """Fit a head, write its file, and print its figures; name it in the policy, or print the lines that do."""
    from guardrails.policy import load  # noqa: PLC0415
    from guardrails.review import fitted_head, new_head, with_head, write_head  # noqa: PLC0415
    from guardrails.whole_files import write_whole  # noqa: PLC0415

    named = new_head(policy, path)
    before = policy.read_bytes() if write else b""
    fitted = fitted_head(book, load(policy).unhurried())
    if write:
        text = with_head(policy, before.decode("utf-8"), fitted, named, datetime.now(UTC).date())
        write_head(policy, text, fitted, named, hashlib.sha256(before).hexdigest())
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, fitted.data, 0o644)
    if as_json:
        typer.echo(json.dumps(fitted.to_dict(), indent=2, ensure_ascii=False))
        return
    out = [_learned(fitted), "", *_compared(fitted), ""]
    if write:
        out.append(f"{policy}: {fitted.rule.id} has the head {named}")
    else:
        out += [f"write this into the topic in {policy}, and remove its threshold:", "    head:"]
        out += [f"      file: {json.dumps(named, ensure_ascii=False)}", f"      sha256: {json.dumps(fitted.sha256)}"]
    typer.echo("\n".join(out))


def _learned(lesson: Lesson | Fitted) -> str:
    return f"{lesson.rule.id}: learned from {lesson.learned} texts, measured on {lesson.held_out} others"


def _compared(lesson: Lesson | Fitted) -> list[str]:
    """The figures before and after, as a table; each at its own cut point."""
    old, new = lesson.before.point, lesson.after.point
    rows = [("area under the ROC curve", _figure(lesson.before.auc), _figure(lesson.after.auc))]
    if old.cut == new.cut:
        rows.append((f"recall at {old.cut}", _figure(old.recall), _figure(new.recall)))
    else:
        rows += [("cut point", str(old.cut), str(new.cut)), ("recall", _figure(old.recall), _figure(new.recall))]
    rows.append(("false positives", _figure(old.false_positives), _figure(new.false_positives)))
    return aligned([("", "before", "after"), *rows])


def _lesson(lesson: Lesson, show_text: bool) -> str:
    out = [_learned(lesson)]
    if not lesson.examples and not lesson.not_examples:
        return f"{out[0]}\nno phrase parts them better\n"
    out += ["", *_compared(lesson), ""]
    for name in ("examples", "not_examples"):
        phrases = getattr(lesson, name)
        out.append(f"{name} to add: {len(phrases)}")
        out += [f"  {visible(phrase)}" for phrase in phrases if show_text]
    return "".join(f"{line}\n" for line in out)


def _opened(file: Path) -> Review:
    from guardrails.errors import GuardrailsError  # noqa: PLC0415
    from guardrails.review import Review  # noqa: PLC0415

    book = Review(file)
    if book.question is None:
        raise GuardrailsError(f"{file}: there is no review; guardrails review queue makes one")
    return book


def _question(book: Review) -> str:
    rule = book.question.rule if book.question is not None else None
    return f"Should {rule} find it?" if rule else "Should it be stopped?"


def _counts(book: Review, name: str) -> tuple[int, int, int]:
    given = [book.labels(item).get(name) for item in book.items]
    return given.count(1), given.count(0), sum(name in book.unsure(item) for item in book.items)


def _opinions(book: Review, item: Item) -> str:
    return ", ".join(f"{visible(name)} {'yes' if value else 'no'}" for name, value in sorted(book.labels(item).items()))


def _share(value: Estimate) -> str:
    return "–" if value.value is None else f"{value.value:.1%} ({value.low:.1%}–{value.high:.1%})"


def _figure(value: Estimate) -> str:
    if value.value is None:
        return "not defined"
    return f"{value.value:.2f} ({value.low:.2f}–{value.high:.2f})"


def _figures(book: Review, found: Any, apart: list[Item]) -> dict[str, Any]:
    asked = book.question
    return {
        "rule": asked.rule if asked else None,
        "policy": {"name": asked.policy, "sha256": asked.sha256} if asked else None,
        "texts": len(book.items),
        "reviewers": {n: dict(zip(("yes", "no", "not_sure"), _counts(book, n), strict=True)) for n in book.reviewers},
        "agreement": found.to_dict() if found is not None else None,
        "disagreements": [{"text": i.number, "labels": book.labels(i)} for i in apart],
        "decided": sum(book.decided(i) is not None for i in book.items),
    }

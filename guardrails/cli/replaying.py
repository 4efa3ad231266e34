"""``guardrails audit replay`` and ``review``: decisions and the texts that they are about."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from guardrails.cli.auditing import NEGATIVE, OK, LogOption
from guardrails.cli.options import AllowOption, PolicyOption

if TYPE_CHECKING:
    from guardrails.evidence.reader import Reader
    from guardrails.evidence.record import Text
    from guardrails.guard import Guard
    from guardrails.types import Piece, Source

__all__ = ["replay", "review", "sampled_texts"]

_LOG = Path("evidence")


def replay(  # noqa: PLR0917 - a command's options
    policy: PolicyOption,
    decision: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="A decision's id; left out with --sampled: all that are kept.")
    ] = None,
    log: LogOption = _LOG,
    text: Annotated[
        Path | None,
        typer.Option(help="The text; standard input where nothing is given. For texts that were checked alone."),
    ] = None,
    pieces: Annotated[
        Path | None, typer.Option(help='The texts as JSON: [{"text", "role"?}], where several were checked together.')
    ] = None,
    request: Annotated[
        Path | None, typer.Option(help="The body of the request, for an exchange with a chat API or a message of MCP.")
    ] = None,
    answer: Annotated[
        Path | None,
        typer.Option(help="The body of its answer, JSON or a stream; of MCP, also a message of the server's own."),
    ] = None,
    path: Annotated[str, typer.Option(help="The request's path, for APIs that name the model in it.")] = "",
    server: Annotated[
        str | None, typer.Option(help="What rules for calls of tools named the server of MCP by.")
    ] = None,
    mcp_allow: AllowOption = None,
    sampled: Annotated[bool, typer.Option("--sampled", help="Take the texts from the log's samples.")] = False,
) -> None:
    """Decide a recorded decision again, from its text. Exit code 0: nothing differs, 2: something does, 1: could not run.

    Run it where the log was written: it needs private/. The policy has to be the file as it was; its sha256 is compared too.
    """
    from guardrails.evidence.reader import Reader  # noqa: PLC0415
    from guardrails.guard import Guard  # noqa: PLC0415
    from guardrails.pieces import pieces_of  # noqa: PLC0415

    reader, guard = Reader(log), Guard.from_file(policy)
    if sampled:
        raise typer.Exit(_samples(reader, guard, decision))
    if decision is None:
        raise typer.BadParameter("name a decision, or take those of the samples: --sampled", param_hint="ID")
    if request is not None or answer is not None:
        about = {"path": path, "server": server, "allowed": tuple(mcp_allow or ())}
        same = _exchange(reader, guard, decision, request, answer, about)
    else:
        if pieces is not None:
            given = pieces_of(json.loads(pieces.read_bytes()))
        else:
            data = text.read_bytes() if text is not None else sys.stdin.buffer.read()
            given = pieces_of(data.decode("utf-8", "surrogateescape"))
        same = _checked(reader, guard, decision, given)
    typer.echo("the same" if same else "NOT the same")
    raise typer.Exit(OK if same else NEGATIVE)


def review(
    decision: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="A decision's id, or nothing: a line for each of the newest.")
    ] = None,
    log: LogOption = _LOG,
    tenant: Annotated[str | None, typer.Option(help="Only decisions of this tenant.")] = None,
    last: Annotated[int, typer.Option(min=1, help="How many of the newest.")] = 10,
) -> None:
    """Show decisions with the texts that were kept of them. Exit code 0, 2: there is nothing.

    It prints what people wrote: see who may run it, and where. It needs private/.
    """
    from guardrails.evidence.reader import Reader  # noqa: PLC0415
    from guardrails.evidence.samples import Samples  # noqa: PLC0415
    from guardrails.types import Source  # noqa: PLC0415

    reader = Reader(log)
    samples = Samples(reader.place)
    if decision is None:
        found = samples.newest(last, tenant)
        for one in found:
            body = _body(reader, one.id, one.direction.value)
            until = datetime.fromtimestamp(one.expires, UTC).strftime("%Y-%m-%d")
            typer.echo(
                f"{one.id}  {one.direction.value:<6}  {body.get('action', '?'):<7}  until {until}  {_hits(body)}".rstrip()
            )
        raise typer.Exit(OK if found else NEGATIVE)
    shown = 0
    for direction in Source:
        texts = samples.texts(decision, direction)
        if texts is None:
            continue
        shown += 1
        body = _body(reader, decision, direction.value)
        typer.echo(f"{direction.value}  {body.get('action', '?')}  {_hits(body)}".rstrip())
        for text in texts:
            typer.echo(f"--- {text.pointer} ({text.role})\n{text.text.encode('utf-8', 'backslashreplace').decode()}")
    if not shown:
        typer.echo("no texts of this decision are kept", err=True)
        raise typer.Exit(NEGATIVE)


def _exchange(  # noqa: PLR0917 - what the command is given
    reader: Reader, guard: Guard, decision: str, request: Path | None, answer: Path | None, about: dict[str, Any]
) -> bool:
    from guardrails.evidence.record import Text  # noqa: PLC0415
    from guardrails.evidence.replay import recorded, replay_decision  # noqa: PLC0415
    from guardrails.exchange import again, direction  # noqa: PLC0415
    from guardrails.guard import Guard  # noqa: PLC0415

    # Requests and answers of MCP travel the other way round; the record says whose it is.
    protocol = next((b["protocol"] for b in _bodies(reader, decision) if "protocol" in b), "openai.chat")
    kept = recorded(reader, decision, direction(protocol, answer=answer is not None))
    guard = Guard(guard.policy.unhurried())
    sent, told = (None if file is None else file.read_bytes() for file in (request, answer))
    now, said = again(guard, protocol, sent, told, tenant=kept.body["tenant"], **about)
    return _told(kept, replay_decision(kept, guard, now, None if said is None else [Text(*one) for one in said]))


def _checked(reader: Reader, guard: Guard, decision: str, given: Sequence[Piece]) -> bool:
    from guardrails.evidence.replay import recorded, replay_pieces  # noqa: PLC0415

    kept = recorded(reader, decision)
    return _told(kept, replay_pieces(kept, guard, given))


def _samples(reader: Reader, guard: Guard, decision: str | None) -> int:
    """Replay one decision of the samples, or all that this policy decided about texts. Returns the exit code."""
    from guardrails.errors import GuardrailsError  # noqa: PLC0415
    from guardrails.evidence.replay import recorded, replay_pieces  # noqa: PLC0415
    from guardrails.evidence.samples import Samples  # noqa: PLC0415
    from guardrails.types import Piece  # noqa: PLC0415

    samples, same, differ, passed = Samples(reader.place), 0, 0, 0
    for one in samples.newest(1 << 40):
        if decision not in (None, one.id):
            continue
        kept, texts = recorded(reader, one.id, one.direction), samples.texts(one.id, one.direction)
        if (
            kept.body["protocol"] != "check"
            or kept.body["policy"]["sha256"] != guard.policy.identity.sha256
            or texts is None
        ):
            passed += 1
            continue
        found = replay_pieces(kept, guard, [Piece(t.text, t.role) for t in texts])
        if not found.same:
            _told(kept, found)
        same, differ = same + found.same, differ + (not found.same)
    if not same and not differ:
        raise GuardrailsError(
            "no sample can be replayed under this policy: of other policies, and of exchanges (--request), there are"
            f" {passed}"
        )
    typer.echo(f"{same} the same, {differ} not the same, {passed} of other policies or of exchanges (--request)")
    return OK if not differ else NEGATIVE


def sampled_texts(log: Path, tenant: str | None = None) -> list[tuple[Source, Text]]:
    """What users wrote and models answered, of the decisions whose texts a log keeps; newest first, each once. Raises GuardrailsError."""
    from guardrails.evidence.reader import Reader  # noqa: PLC0415
    from guardrails.evidence.samples import Samples  # noqa: PLC0415
    from guardrails.types import Role, Source  # noqa: PLC0415

    samples = Samples(Reader(log).place)
    found: dict[tuple[Source, str], Text] = {}
    # Earlier answers come with each request of a conversation: they were decided about as answers.
    wanted = {Source.INPUT: (Role.USER,), Source.OUTPUT: (Role.USER, Role.ASSISTANT)}
    for one in samples.newest(1 << 40, tenant):
        for text in samples.texts(one.id, one.direction) or ():
            if text.role in wanted[one.direction] and text.text.strip():
                found.setdefault((one.direction, text.text), text)
    return [(source, text) for (source, _), text in found.items()]


def _told(kept: Any, found: Any) -> bool:
    """Say what came out. Returns whether it is the same."""
    typer.echo(f"record {kept.seq}: {kept.body['action']} then, {found.body['action']} now")
    if kept.erased:
        typer.echo("note: its salt was erased; nothing says any more that this is the text", err=True)
    for field in found.differences:
        typer.echo(f"DIFFERS: {field}: {_short(kept.body[field])} then, {_short(found.body[field])} now")
    return bool(found.same)


def _body(reader: Reader, decision: str, direction: str) -> dict[str, Any]:
    return next((body for body in _bodies(reader, decision) if body.get("direction") == direction), {})


def _bodies(reader: Reader, decision: str) -> list[dict[str, Any]]:
    return [json.loads(reader.record(seq))["body"] for seq in reader.find(decision)]


def _hits(body: dict[str, Any]) -> str:
    return ",".join(rule["id"] for rule in body.get("rules", ()) if rule["outcome"] != "skipped")


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:200]}…"

"""``guardrails audit``: what a log of evidence says, and whether it is still what was written."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from guardrails.cli.options import JsonOption

__all__ = ["DecisionArgument", "LogOption", "audit"]

OK, NEGATIVE = 0, 2

audit = typer.Typer(help="The log of evidence: verify, show and prove.", no_args_is_help=True, rich_markup_mode=None)

LogOption = Annotated[Path, typer.Option("--log", envvar="GUARDRAILS_EVIDENCE", help="The directory of the log.")]
OutputOption = Annotated[Path | None, typer.Option("--output", "-o", help="Write it there instead of printing it.")]
DecisionArgument = Annotated[str, typer.Argument(metavar="ID", help="A decision's id, as in x-guardrails-decision-id.")]
_LOG = Path("evidence")


@audit.command()
def verify(  # noqa: PLR0917 - a command's options
    log: LogOption = _LOG,
    key: Annotated[
        Path | None, typer.Option(help="The log's public key (log.vkey), from where you trust it; else the log's own.")
    ] = None,
    against: Annotated[
        list[Path] | None, typer.Option(help="A checkpoint that was kept elsewhere; may be repeated.")
    ] = None,
    witness: Annotated[
        list[Path] | None, typer.Option(help="The public key of a witness who has to have cosigned; may be repeated.")
    ] = None,
    tsa_ca: Annotated[
        Path | None,
        typer.Option(help="Certificates (PEM) of authorities, one of which has to have stamped a checkpoint."),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="Processes that read segments; else one a core, and one for a small log."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Verify every record and checkpoint of a log. Exit code 0: it is what was written, 2: it is not, 1: could not run."""
    from guardrails.evidence.note import Verifier, Witness  # noqa: PLC0415
    from guardrails.evidence.reader import Reader  # noqa: PLC0415
    from guardrails.evidence.scan import jobs_for  # noqa: PLC0415
    from guardrails.evidence.timestamps import load_roots  # noqa: PLC0415
    from guardrails.evidence.verify import verify as run  # noqa: PLC0415

    reader = Reader(log)
    verifier = Verifier.parse(key.read_text(encoding="utf-8")) if key is not None else reader.verifier()
    found = run(
        reader,
        verifier,
        [(str(path), path.read_text(encoding="utf-8")) for path in against or ()],
        witnesses=[Witness.parse(path.read_text(encoding="utf-8")) for path in witness or ()],
        authorities=load_roots(tsa_ca) if tsa_ca is not None else (),
        jobs=jobs or jobs_for(reader.segments()),
    )
    told = {"records": found.size, "removed": found.removed, "signed": found.signed, "checkpoints": found.checkpoints, "root": found.root.hex(), "first": found.first,
            "last": found.last, "kinds": dict(sorted(found.kinds.items())), "key": str(verifier),
            "confirmed": {who: {"records": size, "at": at} for who, (size, at) in found.confirmed.items()}, "problems": found.problems}  # fmt: skip
    if as_json:
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        typer.echo(
            f"{verifier.name}: {found.size} records, of which {found.signed} are signed for by {found.checkpoints} checkpoints"
        )
        typer.echo(f"from {found.first or '-'} to {found.last or '-'}")
        if found.removed:
            typer.echo(f"the first {found.removed} records were removed, and their hashes are there")
        for who, (size, at) in found.confirmed.items():
            typer.echo(f"{who}: the first {size} records were there at {at}")
        for problem in found.problems:
            typer.echo(f"WRONG: {problem}")
        typer.echo("verified" if found.ok else "NOT verified")
        if key is None:
            typer.echo("note: under the key that lies beside the log; give --key for one that you trust", err=True)
    raise typer.Exit(OK if found.ok else NEGATIVE)


@audit.command()
def show(
    decision: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="A decision's id, or nothing: the newest records.")
    ] = None,
    log: LogOption = _LOG,
    last: Annotated[int, typer.Option(min=1, help="How many of the newest records.")] = 10,
) -> None:
    """Print the records of a decision in full, or a line for each of the newest. Exit code 0, 2: there is no such decision."""
    from guardrails.evidence.reader import Reader  # noqa: PLC0415
    from guardrails.evidence.tree import leaf_hash  # noqa: PLC0415

    reader = Reader(log)
    if decision is None:
        for record in _newest(reader, last):
            typer.echo(_line(json.loads(record)))
        return
    found = reader.find(decision)
    for seq in found:
        record = reader.record(seq)
        typer.echo(
            json.dumps({**json.loads(record), "leaf_hash": leaf_hash(record).hex()}, indent=2, ensure_ascii=False)
        )
    if not found:
        typer.echo("the log has no such decision", err=True)
        raise typer.Exit(NEGATIVE)


@audit.command()
def export(  # noqa: PLR0917 - a command's options
    log: LogOption = _LOG,
    kind: Annotated[list[str] | None, typer.Option(help="Only records of this kind; may be repeated.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Only decisions of this tenant.")] = None,
    since: Annotated[str, typer.Option(help="Only records from this time on, such as 2026-01-31T09.")] = "",
    until: Annotated[str, typer.Option(help="Only records before this time.")] = "",
    output: OutputOption = None,
) -> None:
    """Print records as they stand in the log, one a line."""
    from guardrails.evidence.reader import Reader  # noqa: PLC0415

    def chosen() -> Iterator[bytes]:
        for _, record in Reader(log).records():
            read = json.loads(record)
            if kind and read["kind"] not in kind:
                continue
            if tenant is not None and read["body"].get("tenant") != tenant:
                continue
            if read["ts"] < since or (until and read["ts"] >= until):
                continue
            yield record + b"\n"

    if output is None:
        for line in chosen():
            sys.stdout.buffer.write(line)
    else:
        with output.open("wb") as file:
            file.writelines(chosen())


@audit.command()
def prove(decision: DecisionArgument, log: LogOption = _LOG, output: OutputOption = None) -> None:
    """Write a proof that the records of a decision stand in the log; tools/verify_evidence.py verifies it anywhere."""
    from guardrails.evidence.reader import Reader  # noqa: PLC0415

    _write(Reader(log).prove(decision), output)


@audit.command()
def consistency(
    old: Annotated[Path, typer.Argument(help="A checkpoint.")],
    new: Annotated[Path | None, typer.Argument(help="A later one; the latest of the log where it is left out.")] = None,
    log: LogOption = _LOG,
    output: OutputOption = None,
) -> None:
    """Write a proof that the log of a checkpoint is a beginning of that of a later one. Exit code 0, 2: it is not."""
    from guardrails.evidence.note import Checkpoint  # noqa: PLC0415
    from guardrails.evidence.reader import Reader  # noqa: PLC0415
    from guardrails.evidence.tree import verify_consistency  # noqa: PLC0415

    reader = Reader(log)
    later = new.read_text(encoding="utf-8") if new is not None else reader.checkpoint()
    proof = reader.consistency(old.read_text(encoding="utf-8"), later)
    one, two = Checkpoint.parse(proof["old"]), Checkpoint.parse(proof["new"])
    path = reader.consistency_path(one.size, two.size)
    _write(proof, output)
    if not verify_consistency(one.size, two.size, path, one.root, two.root):
        typer.echo("WRONG: the log was rewritten or forked between these checkpoints", err=True)
        raise typer.Exit(NEGATIVE)


@audit.command()
def witness(
    state: Annotated[Path, typer.Option(help="The witness's folder: his key, and what he cosigned last.")],
    log: LogOption = _LOG,
    key: Annotated[
        Path | None, typer.Option(help="The log's public key (log.vkey), from where you trust it; the first time.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="What the witness is called, such as witness.example.com/one; the first time.")
    ] = None,
    output: OutputOption = None,
) -> None:
    """Cosign the latest checkpoint of a log, if the log goes on from the one that was cosigned before. Exit code 0, 2: it does not.

    Somebody else than who writes the log runs this, on a copy of it that needs no private/. The cosigned checkpoint is put into the log's
    folder witnessed/, or written where --output says, to be put there.
    """
    from guardrails.evidence.note import Checkpoint, Verifier  # noqa: PLC0415
    from guardrails.evidence.reader import Reader  # noqa: PLC0415
    from guardrails.evidence.witness import Inconsistent, cosign, keep_cosigned, load_cosigner  # noqa: PLC0415

    reader, cosigner = Reader(log), load_cosigner(state, name)
    try:
        note = cosign(reader, cosigner, state, Verifier.parse(key.read_text("utf-8")) if key is not None else None)
    except Inconsistent as error:
        typer.echo(f"WRONG: {error}", err=True)
        raise typer.Exit(NEGATIVE) from None
    if output is not None:
        output.write_text(note, encoding="utf-8")
    else:
        keep_cosigned(reader.place, note, cosigner)
    typer.echo(f"{cosigner.name} cosigned {Checkpoint.parse(note).size} records")


@audit.command()
def stamp(
    tsa: Annotated[str, typer.Option(help="The address of a time stamp authority (RFC 3161).")],
    log: LogOption = _LOG,
    tsa_ca: Annotated[
        Path | None,
        typer.Option(help="Certificates (PEM) that the time stamp has to verify under; checked later without."),
    ] = None,
) -> None:
    """Have a time stamp authority say that the latest checkpoint of a log is there now. It learns a hash, and nothing else."""
    from guardrails.evidence.note import Checkpoint  # noqa: PLC0415
    from guardrails.evidence.reader import Reader  # noqa: PLC0415
    from guardrails.evidence.timestamps import keep_stamp, load_roots, stamped_at  # noqa: PLC0415
    from guardrails.evidence.timestamps import stamp as ask  # noqa: PLC0415

    reader = Reader(log)
    note = reader.checkpoint()
    token = ask(note, tsa)
    if tsa_ca is not None:
        stamped_at(note, token, load_roots(tsa_ca))
    keep_stamp(reader.place, note, token, tsa)
    typer.echo(f"the checkpoint over {Checkpoint.parse(note).size} records is stamped")


@audit.command()
def erase(
    decision: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="A decision's id, as in x-guardrails-decision-id.")
    ] = None,
    log: LogOption = _LOG,
    samples_of: Annotated[
        str | None, typer.Option(metavar="TENANT", help="Erase the kept texts of this tenant, and the key to them.")
    ] = None,
) -> None:
    """Erase the salts of a decision, and its kept texts: nobody can connect it with a text any more, and its proof stays. Exit code 0, 2: no
    such decision.

    The process that writes the log must have ended; in it, call EvidenceLog.erase() or erase_samples().
    """
    from guardrails.evidence import EvidenceLog  # noqa: PLC0415
    from guardrails.evidence.reader import Reader  # noqa: PLC0415

    if (decision is None) == (samples_of is None):
        raise typer.BadParameter("name a decision, or a tenant with --samples-of")
    Reader(log)
    with EvidenceLog.open(log) as opened:
        if samples_of is not None:
            typer.echo(f"{opened.erase_samples(samples_of)} samples erased")
            return
        erased = opened.erase(decision or "")
    typer.echo(f"{erased} salts erased" if erased else "the log has no such decision")
    raise typer.Exit(OK if erased else NEGATIVE)


def _newest(reader: Any, last: int) -> list[bytes]:
    """The newest records, from as few segments as they lie in."""
    from guardrails.evidence.segments import frames  # noqa: PLC0415

    out: list[bytes] = []
    for _, path in reversed(reader.segments()):
        out = [record for _, record in frames(path.read_bytes())][-(last - len(out)) :] + out
        if len(out) >= last:
            break
    return out


def _line(record: dict[str, Any]) -> str:
    body = record["body"]
    told = f"{record['seq']:>8}  {record['ts'][:23]}Z  {record['kind']:<9}"
    if record["kind"] != "decision":
        return told.rstrip()
    rules = ",".join(rule["id"] for rule in body["rules"] if rule["outcome"] != "skipped")
    return f"{told}  {body['direction']:<6}  {body['action']:<7}  {body['tenant']}  {body['decision_id']}  {rules}".rstrip()


def _write(proof: dict[str, Any], output: Path | None) -> None:
    text = json.dumps(proof, indent=2, ensure_ascii=False) + "\n"
    if output is None:
        typer.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")

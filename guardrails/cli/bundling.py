"""``guardrails bundle``: policies from a repository or a bucket, signed, fetched and put live."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from guardrails.bundles import Pulled
    from guardrails.evidence.note import Verifier

__all__ = ["bundle"]

bundle = typer.Typer(
    help="Policies from a repository or a bucket: signed, fetched, put live.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@bundle.command()
def key(
    name: Annotated[str, typer.Argument(help="Whose key it is, without blanks: policies.bank.example.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Write the private key there, and the public one beside it, as .vkey.")
    ],
) -> None:
    """Make a key that signs bundles, and print its public half, which those who pull trust."""
    from guardrails.errors import GuardrailsError  # noqa: PLC0415
    from guardrails.evidence.note import Signer  # noqa: PLC0415
    from guardrails.whole_files import write_whole  # noqa: PLC0415

    public = out.with_suffix(".vkey")
    there = next((path for path in (out, public) if path.exists() or out == public), None)
    if there is not None:
        raise GuardrailsError(
            f"{there}: a key is not written over, nor by its public half; name another file, such as bank.key"
        )
    signer = Signer.new(name)
    write_whole(out, signer.dump().encode(), 0o600)
    write_whole(public, f"{signer.verifier}\n".encode(), 0o644)
    typer.echo(str(signer.verifier))


@bundle.command()
def sign(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of policies, as it is to be served.")],
    key_file: Annotated[Path, typer.Option("--key", help="The private key that guardrails bundle key wrote.")],
    serial: Annotated[int | None, typer.Option(min=1, help="The serial number; one more than the last.")] = None,
) -> None:
    """Write DIR/bundle.note: the files below DIR with their sha256, a serial number that grows, and a signature."""
    from guardrails.bundles import NOTE  # noqa: PLC0415
    from guardrails.bundles import sign as sign_folder  # noqa: PLC0415
    from guardrails.errors import GuardrailsError  # noqa: PLC0415
    from guardrails.evidence.note import Signer  # noqa: PLC0415

    if not key_file.is_file():
        raise GuardrailsError(f"{key_file}: there is no such file; guardrails bundle key makes a key")
    signer = Signer.parse(key_file.read_text(encoding="utf-8"))
    made = sign_folder(folder, signer, serial=serial)
    typer.echo(f"{folder / NOTE}: serial {made.serial}, {_count(len(made.files), 'file')}, signed by {signer.name}")


@bundle.command()
def pull(
    source: Annotated[
        str,
        typer.Argument(help="A folder, git+https://host/name.git?ref=main&path=policies, or s3://bucket/prefix."),
    ],
    into: Annotated[Path, typer.Option("--into", help="Where servers read policies; a folder for this alone.")],
    verifiers: Annotated[
        list[str], typer.Option("--verifier", help="A public key that is trusted, or a file with it; may be repeated.")
    ],
    least: Annotated[
        int, typer.Option(min=1, help="No serial number below this, for a folder that is still empty.")
    ] = 1,
    every: Annotated[
        float | None, typer.Option(min=1, metavar="SECONDS", help="Go on, and look again after so many seconds.")
    ] = None,
) -> None:
    """Fetch a signed bundle and put it live: all of it, or nothing. Servers that read the folder take it up at once.

    Exit code 0, and 1 when what the source has is refused: what was live stays live. With --every it goes on, and says so each time.
    """
    from guardrails.bundles import pull as fetch  # noqa: PLC0415
    from guardrails.errors import GuardrailsError  # noqa: PLC0415

    trusted = [_verifier(text) for text in verifiers]
    if every is None:
        _tell(fetch(source, into, trusted, least=least), into)
        return
    while True:
        try:
            pulled = fetch(source, into, trusted, least=least)
            if pulled.changed:
                _tell(pulled, into)
        except GuardrailsError as error:
            typer.echo(f"refused: {error}", err=True)
        time.sleep(every)


def _tell(pulled: Pulled, into: Path) -> None:
    state = "is live" if pulled.changed else "was live already"
    policies = "1 policy" if pulled.policies == 1 else f"{pulled.policies} policies"
    typer.echo(f"serial {pulled.serial} {state}: {_count(pulled.files, 'file')}, {policies}, in {into}")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _verifier(text: str) -> Verifier:
    """A public key, or the one in a file."""
    from guardrails.evidence.note import Verifier  # noqa: PLC0415

    path = Path(text)
    return Verifier.parse(path.read_text(encoding="utf-8") if "+" not in path.name and path.is_file() else text)

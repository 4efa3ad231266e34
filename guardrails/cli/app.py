"""Commands and exit codes. Everything heavy is imported inside the command that needs it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from guardrails.cli.options import Direction, JsonOption, PolicyOption, TextColumn

__all__ = ["app", "main"]

OK, COULD_NOT_RUN, NEGATIVE = 0, 1, 2

app = typer.Typer(
    name="guardrails",
    help="One policy file, applied to everything that goes into and comes out of a language model.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> None:
    """Run a command. Exit code 1 whenever it could not run, usage errors included."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character gets an escape, never a crash.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    from guardrails.errors import GuardrailsError  # noqa: PLC0415

    try:
        code = app(standalone_mode=False)
    except GuardrailsError as error:
        sys.stderr.write(f"{error}\n")
        code = COULD_NOT_RUN
    except (KeyboardInterrupt, EOFError):
        code = 130
    except OSError as error:
        sys.stderr.write(f"guardrails: {error.filename or ''}: {error.strerror}\n")
        code = COULD_NOT_RUN
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        show = getattr(error, "show", None)
        if callable(show):
            show()
        code = COULD_NOT_RUN
    sys.exit(code if isinstance(code, int) else OK)


def _version(value: bool) -> None:
    if value:
        from guardrails import __version__  # noqa: PLC0415

        typer.echo(f"onepolicy-guardrails {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """One policy file, applied to everything that goes into and comes out of a language model."""


@app.command()
def check(  # noqa: PLR0917 - a command's options
    policy: PolicyOption,
    text: Annotated[str | None, typer.Argument(help="The text; - or nothing reads standard input.")] = None,
    source: Annotated[Direction, typer.Option(help="Which way the text travels.")] = Direction.INPUT,
    file: Annotated[
        Path | None,
        typer.Option(
            help="Read the text from a file; of a table (.csv, .tsv) or rows of JSON (.jsonl) every row is a text."
        ),
    ] = None,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help='Rows {"text" or "pieces", "source"?} in, one report a line out.')
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="A table in, one report a line out.")] = False,
    text_column: TextColumn = None,
    as_json: JsonOption = False,
) -> None:
    """Check a text. Exit code 0: allowed or masked, 2: blocked, 1: could not run."""
    from guardrails.cli import rows, screens  # noqa: PLC0415
    from guardrails.guard import Guard  # noqa: PLC0415

    if jsonl and as_csv:
        raise typer.BadParameter("rows are a table or JSON, not both", param_hint="--jsonl")
    if file is not None and text not in (None, "-"):
        raise typer.BadParameter("give a text or a file, not both", param_hint="--file")
    kind = rows.kind(file, jsonl=jsonl, as_csv=as_csv)
    if text_column is not None and kind is None:
        raise typer.BadParameter("only a table or rows of JSON have columns", param_hint="--text-column")
    guard = Guard.from_file(policy)
    if file is not None:
        data = file.read_bytes()
    elif text is None or text == "-":
        data = sys.stdin.buffer.read()
    else:
        # In a locale that is not UTF-8 Python hides the argument's bytes in surrogates; they are UTF-8 all the same.
        data = os.fsencode(text)
    if kind is not None:
        raise typer.Exit(rows.check(guard, data, source, kind, str(file or "standard input"), text_column))
    content = data.decode("utf-8", "surrogateescape")
    report = guard.check(content, source=source.value)
    if as_json:
        typer.echo(report.to_json(include_text=True, indent=2))
    else:
        typer.echo(screens.report(report, content, guard.policy), nl=False)
    raise typer.Exit(NEGATIVE if report.blocked else OK)


@app.command()
def lint(
    paths: Annotated[list[str], typer.Argument(help="Policy files, folders of them, or shipped policies' names.")],
    as_json: JsonOption = False,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")] = False,
) -> None:
    """Find what is wrong with policies. Exit code 0: nothing (warnings are shown), 2: errors, 1: could not run."""
    from guardrails.cli.paths import policies  # noqa: PLC0415
    from guardrails.policy import lint as run  # noqa: PLC0415

    problems = []
    files = policies(paths)
    for path in files:
        problems += run(path)
    errors = [p for p in problems if p.severity == "error" or strict]
    if as_json:
        from dataclasses import asdict  # noqa: PLC0415

        typer.echo(json.dumps([asdict(p) for p in problems], indent=2, ensure_ascii=False))
    else:
        for problem in problems:
            typer.echo(problem.render() + "\n")
        counts = ((len(files), "policy", "policies"), (len(errors), "error", "errors"),
                  (len(problems) - len(errors), "warning", "warnings"))  # fmt: skip
        typer.echo(", ".join(f"{n} {one if n == 1 else more}" for n, one, more in counts))
    raise typer.Exit(NEGATIVE if errors else OK)


@app.command()
def explain(
    policy: Annotated[str, typer.Argument(help="A policy file, or a shipped policy's name.")],
    as_json: JsonOption = False,
) -> None:
    """Print the effective policy, with the file and line of every setting."""
    from guardrails.cli import screens  # noqa: PLC0415
    from guardrails.policy import explain as run  # noqa: PLC0415
    from guardrails.policy import load  # noqa: PLC0415

    effective = load(policy)
    settings = run(effective)
    if as_json:
        rows = [{"key": s.key, "value": s.value, "at": str(s.at) if s.at else None} for s in settings]
        shown = {"name": effective.name, "sha256": effective.identity.sha256, "settings": rows}
        if any(r.detector == "content" for r in effective.rules):
            from guardrails.inference import setting  # noqa: PLC0415

            shown["models"] = setting().models.value
        typer.echo(json.dumps(shown, indent=2, default=str))
    else:
        typer.echo(screens.explained(effective, settings), nl=False)


@app.command()
def diff(  # noqa: PLR0917 - a command's options
    old: Annotated[str, typer.Argument(help="A policy.")],
    new: Annotated[str, typer.Argument(help="Another one.")],
    texts: Annotated[
        Path | None,
        typer.Option(
            help="Texts: one a line, a table (.csv, .tsv), or rows of JSON with `text` and `source` (.jsonl)."
        ),
    ] = None,
    source: Annotated[Direction, typer.Option(help="The direction of texts that name none.")] = Direction.INPUT,
    text_column: TextColumn = None,
    as_json: JsonOption = False,
) -> None:
    """Print what changes between two policies and, given texts, which verdicts change. No text runs out of time here.

    Exit code 0: nothing changes, 2: something does, 1: could not run, or a text could not be compared.
    """
    from guardrails import compare  # noqa: PLC0415
    from guardrails.cli import screens  # noqa: PLC0415
    from guardrails.policy import load  # noqa: PLC0415

    if text_column is not None and texts is None:
        raise typer.BadParameter("there are no --texts to read a column of", param_hint="--text-column")
    read = compare.read_texts(texts, source.value, text_column=text_column) if texts else ()
    result = compare.compare(load(old), load(new), read)
    typer.echo(json.dumps(result.to_dict(), indent=2, default=str) if as_json else screens.compared(result), nl=as_json)
    if result.not_compared:
        raise typer.Exit(COULD_NOT_RUN)
    raise typer.Exit(NEGATIVE if result.settings or result.verdicts else OK)


@app.command()
def schema() -> None:
    """Print the JSON Schema of policy files, for editors."""
    from guardrails.policy import json_schema  # noqa: PLC0415

    typer.echo(json.dumps(json_schema(), indent=2))


@app.command()
def test(
    paths: Annotated[list[str], typer.Argument(help="Test files, policies, or folders.")],
    junit: Annotated[Path | None, typer.Option(help="Write a JUnit XML report.")] = None,
    as_json: JsonOption = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Name every case.")] = False,
) -> None:
    """Run the tests of policies. Exit code 0: all passed, 2: some failed or none were found, 1: could not run."""
    from guardrails import policytest  # noqa: PLC0415
    from guardrails.cli import screens  # noqa: PLC0415
    from guardrails.cli.paths import test_files  # noqa: PLC0415

    outcomes = [policytest.run_file(path) for path in test_files(paths)]
    if junit is not None:
        junit.write_text(policytest.junit(outcomes), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps([o.to_dict() for o in outcomes], indent=2, ensure_ascii=False))
    else:
        typer.echo(screens.tested(outcomes, verbose=verbose), nl=False)
    raise typer.Exit(policytest.exit_code(outcomes))


@app.command()
def export(
    policy: Annotated[str, typer.Argument(help="A policy file, or a shipped policy's name.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the request there.")] = None,
) -> None:
    """Turn a policy into a CreateGuardrail request. Exit code 1 when Bedrock cannot say all of it; what is lost is named."""
    from guardrails import bedrock  # noqa: PLC0415

    exported = bedrock.export_file(policy)
    text = json.dumps(exported.request, indent=2, ensure_ascii=False)
    if output is not None:
        output.write_text(text + "\n", encoding="utf-8")
    else:
        typer.echo(text)
    for loss in exported.losses:
        typer.echo(f"lost: {loss.key}: {loss.why}", err=True)
    raise typer.Exit(COULD_NOT_RUN if exported.losses else OK)


from guardrails.cli import (  # noqa: E402 - with files of their own
    auditing,
    bundling,
    calibrating,
    deploying,
    evaluating,
    hooks,
    importing,
    keys,
    mcp,
    models,
    releasing,
    replaying,
    reviewing,
    scanning,
    service,
    serving,
    shadowing,
    starting,
    tools,
    trying,
    workbench,
)

app.command("import")(importing.import_)
app.command("init")(starting.init)
app.command("try")(trying.try_)
app.command("eval")(evaluating.evaluate)
app.command("calibrate")(calibrating.calibrate)
app.command("shadow")(shadowing.shadow)
app.command("report")(releasing.report)
app.command("scan")(scanning.scan)
app.command("models")(models.models)
app.add_typer(deploying.deploy, name="deploy")
app.command("proxy")(serving.proxy)
app.command("mcp", context_settings={"allow_interspersed_args": False})(mcp.mcp)
app.add_typer(tools.tools, name="tools")
app.command("serve", context_settings={"auto_envvar_prefix": service.ENVIRONMENT})(service.serve)
app.command("demo")(serving.demo)
app.command("workbench")(workbench.workbench)
app.add_typer(keys.tenants, name="tenants")
auditing.audit.command("replay")(replaying.replay)
auditing.audit.command("review")(replaying.review)
app.command("hook")(hooks.hook)
app.add_typer(hooks.hooks, name="hooks")
app.add_typer(reviewing.review, name="review")
app.add_typer(releasing.release, name="release")
app.add_typer(bundling.bundle, name="bundle")
app.add_typer(auditing.audit, name="audit")

"""The console scripts ``guardrails`` and ``onepolicy``.

Other distributions (guardrails-ai, openai-guardrails) install an import package called ``guardrails`` too, into the same
folder. This module has a name of its own, so that it can look before it imports: if the package that would be imported
is not ours, it says so and how to get out, instead of failing somewhere inside somebody else's code.
"""

from __future__ import annotations

import importlib.machinery
import importlib.metadata
import sys
from pathlib import Path

__all__ = ["clash", "main"]

_DISTRIBUTION = "onepolicy-guardrails"
_SENTINEL = f'__distribution__ = "{_DISTRIBUTION}"'


def _owners(init: Path) -> list[str]:
    """Other distributions that say they installed this file."""
    owners = []
    for name in (
        "guardrails-ai",
        "openai-guardrails",
        *importlib.metadata.packages_distributions().get("guardrails", ()),
    ):
        if name == _DISTRIBUTION or name in owners:
            continue
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        files = distribution.files or ()
        if any(
            Path(str(distribution.locate_file(f))).resolve() == init for f in files if str(f).endswith("__init__.py")
        ):
            owners.append(name)
    return owners


def _ours() -> bool:
    """Whether the package ``guardrails`` is ours; it takes no look at the other distributions, which takes long."""
    spec = importlib.machinery.PathFinder.find_spec("guardrails")
    return spec is not None and spec.origin is not None and _SENTINEL in Path(spec.origin).read_text(encoding="utf-8")


def clash() -> str | None:
    """What is wrong with the package ``guardrails`` that would be imported, None when it is ours and ours alone."""
    spec = importlib.machinery.PathFinder.find_spec("guardrails")
    if spec is None or spec.origin is None:
        return "the package `guardrails` is not installed"
    init = Path(spec.origin).resolve()
    ours = _SENTINEL in init.read_text(encoding="utf-8", errors="replace")
    # A checkout or an editable install shares its folder with nobody.
    others = _owners(init)
    if ours and not others:
        return None
    who = " and ".join(others) or "another distribution"
    if ours:
        return f"{who} is installed into the same folder as {_DISTRIBUTION}; files of the two are mixed"
    return f"the package `guardrails` belongs to {who}, not to {_DISTRIBUTION}"


def main() -> None:
    """Run the command line, or explain why it cannot run (exit code 1; a hook 2, since no other stops the agent that runs it)."""
    hook = sys.argv[1:2] == ["hook"]
    if hook and _ours():
        from guardrails.hooks.command import main as answer  # noqa: PLC0415 - an agent waits for it, at every step

        raise SystemExit(answer(sys.argv[2:]))
    problem = clash()
    if problem is not None:
        sys.stderr.write(
            f"guardrails: {problem}.\n"
            "Both install a package and a command called `guardrails`, so they cannot share an environment.\n"
            "Remedy: give each its own virtual environment, or keep this one for us:\n"
            "    pip uninstall guardrails-ai openai-guardrails\n"
            f"    pip install --force-reinstall --no-deps {_DISTRIBUTION}\n"
        )
        raise SystemExit(2 if hook else 1)
    from guardrails.cli import main as run  # noqa: PLC0415 - only once it is known to be ours

    run()


if __name__ == "__main__":
    main()

"""python -m tests.evaluation.field [--write]: what is missed of each kind, under the default setting of a checkout."""

from __future__ import annotations

import os
import sys

from guardrails.inference.chosen import VARIABLE
from tests.evaluation.field.measure import measured, table, write


def main() -> None:
    """Print the table and what is missed; with ``--write``, write both into their files."""
    os.environ.pop(VARIABLE, None)
    missed = measured(lambda line: print(line, file=sys.stderr, flush=True))
    print(table(missed))
    for kind, labels in missed.items():
        print(*(f"{kind}: {label!r}" for label in labels), sep="\n")
    if "--write" in sys.argv[1:]:
        write(missed)


if __name__ == "__main__":
    main()

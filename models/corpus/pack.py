r"""Packs what writers wrote into the published corpus, and refuses what is malformed.

    python -m models.corpus.pack plain_c rows.tsv --slots slots/plain.tsv

A line of ``rows.tsv`` is ``ID<TAB>LABELS<TAB>TEXT`` (``ID`` is the slot's number and ``h`` or ``b``; labels are separated by commas, ``-``: none), or for
answers ``ID<TAB>LABELS<TAB>STANCE<TAB>QUESTION<TAB>TEXT``. ``\n`` in a text is a line break. A tenth of the subjects becomes ``dev``.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from models.text.rows import ATTACKS, CONTENT, share

HERE = Path(__file__).parent
STANCES = ("COMPLIANCE", "REFUSAL", "SAFE_REDIRECTION", "OTHER")
_ID = re.compile(r"(\d+)([a-z]?)")


def row(name: str, line: str, slots: dict[str, list[str]], role: str) -> dict[str, Any]:
    """One row. Raises ValueError saying what is wrong."""
    fields = line.rstrip("\n").split("\t")
    if len(fields) not in (3, 5):
        raise ValueError(f"{len(fields)} fields, wanted 3 or 5")
    number = _ID.fullmatch(fields[0])
    if number is None:
        raise ValueError(f"id {fields[0]!r}")
    labels = [] if fields[1] in ("-", "") else [x.strip() for x in fields[1].split(",")]
    if wrong := [x for x in labels if x not in (*CONTENT, *ATTACKS)]:
        raise ValueError(f"labels {wrong}")
    text = fields[-1].replace("\\n", "\n").strip()
    if not text:
        raise ValueError("no text")
    slot = slots.get(number[1], [f"{name} {number[1]}"])
    out: dict[str, Any] = {
        "id": f"{name}/{fields[0]}",
        "source": "OUTPUT" if len(fields) == 5 else "INPUT",
        "role": "assistant" if len(fields) == 5 else role,
        "text": text,
        "labels": labels,
        "language": "en",
        "pair": f"{name}/{number[1]}",
        "subject": slot[0],
        "form": " | ".join(slot[1:-1]),
        "split": "dev" if share(slot[0], "corpus") < 0.1 else "train",
    }
    if len(fields) == 5:
        if fields[2] not in STANCES:
            raise ValueError(f"stance {fields[2]!r}")
        out |= {"stance": fields[2], "query": fields[3].replace("\\n", "\n").strip()}
    return out


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("rows", type=Path, nargs="+")
    parser.add_argument(
        "--slots", type=Path, help="the slots they were written from; without it a row's number is its subject"
    )
    parser.add_argument("--dev", action="store_true", help="all rows are a development set")
    parser.add_argument("--role", default="user", choices=("user", "document", "tool", "system"))
    args = parser.parse_args()
    lines = args.slots.read_text(encoding="utf-8").splitlines() if args.slots else ()
    slots = {f[0]: f[1:] for f in (x.split("\t") for x in lines)}
    out, seen, wrong = [], set(), 0
    for path in args.rows:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                one = row(args.name, line, slots, args.role)
            except ValueError as error:
                wrong += 1
                print(f"{path}:{number}: {error}", file=sys.stderr)
                continue
            key = "".join(c for c in one["text"].lower() if c.isalnum())
            if key not in seen:
                seen.add(key)
                out.append(one | ({"split": "dev"} if args.dev else {}))
    with gzip.GzipFile(HERE / f"{args.name}.jsonl.gz", "wb", mtime=0) as file:
        file.write("".join(json.dumps(x, ensure_ascii=False) + "\n" for x in out).encode())
    print(
        f"{len(out)} rows ({Counter(x['split'] for x in out)}), {wrong} malformed; {Counter(y for x in out for y in x['labels'] or ['harmless'])}"
    )


if __name__ == "__main__":
    main()

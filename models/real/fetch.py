"""Fetches real documents from Debian, npm and PyPI packages by name, and splits them by package.

    python -m models.real.fetch --out runs/real

Writes ``documents.jsonl`` into ``--out``: one row a document, ``{"text", "kind", "package", "split"}``. ``text`` is an excerpt of at most 1,800
characters; ``split`` is ``dev`` for a tenth of the packages, by a hash of the name, so that no package is on both sides. The list of
packages is ``packages.json``. What cannot be had is skipped and counted. Downloads are kept and not repeated.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import random
import re
import subprocess
import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rich.progress import track

from models.text.rows import share

MOST = 1800  # characters of an excerpt
PER_KIND = 14  # documents of one kind from one package
LARGEST = 400_000  # bytes of a file that is read

# Kind of a document by its path inside a package; the first match counts.
KINDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        ("agent instructions", r"(?:^|/)(?:AGENTS|CLAUDE|GEMINI|copilot-instructions|SKILL|\.cursorrules|.*\.cursor/rules/.*)(?:\.mdc?)?$"),
        ("mail", r"\.eml$|(?:^|/)(?:msg_\d+\.txt|mails?/.*|messages?_data/.*|testmsgs/.*|emails?/[^/]*|mbox|.*\.mbox)$"),
        ("subtitles", r"\.(?:srt|vtt|ass|sbv)$"),
        ("changelog", r"(?:^|/)(?:changelog|changes|news|history|release[-_]?notes?)[^/]*$"),
        ("licence", r"(?:^|/)(?:licen[sc]e|copying|copyright|notice)[^/]*$"),
        ("security policy", r"(?:^|/)security[^/]*$"),
        ("contributing", r"(?:^|/)(?:contributing|code_of_conduct|governance|maintainers|authors|thanks|credits)[^/]*$"),
        ("readme", r"(?:^|/)readme[^/]*$"),
        ("to do list", r"(?:^|/)(?:todo|bugs|faq|hacking|install|upgrading|migration)[^/]*$"),
        ("man page", r"/man/.*\.\d[a-z]*(?:\.gz)?$|\.[1-8](?:\.gz)?$"),
        ("fortunes", r"games/fortunes/[\w-]+$"),
        ("log", r"\.log$|_2k\.log"),
        ("workflow", r"\.github/.*\.ya?ml$|\.gitlab-ci\.yml$|(?:^|/)tox\.ini$|noxfile\.py$"),
        ("container file", r"(?:^|/)(?:dockerfile|docker-compose)[^/]*$|makefile$"),
        ("tests", r"(?:^|/)tests?/.*\.(?:py|js|ts)$"),
        ("python", r"\.py$"),
        ("javascript", r"\.(?:m?js|jsx)$"),
        ("typescript", r"\.tsx?$"),
        ("c", r"\.[ch]$|\.cc$|\.cpp$"),
        ("shell", r"\.(?:sh|bash|zsh)$|/init\.d/"),
        ("perl", r"\.(?:pl|pm)$"),
        ("other source", r"\.(?:go|rs|rb|php|java|lua|r|el|vim|tcl|sql)$"),
        ("style sheet", r"\.(?:css|scss|less)$"),
        ("html", r"\.x?html?$"),
        ("template", r"\.(?:jinja2?|j2|tmpl|mako)$"),
        ("configuration", r"\.(?:conf|cfg|ini|toml|ya?ml|properties|service|cnf)(?:\.[\w]+)?$|/etc/"),
        ("json", r"\.json$"),
        ("csv", r"\.(?:csv|tsv)$"),
        ("xml", r"\.(?:xml|svg|rss|atom|xsd)$"),
        ("translations", r"\.pot?$"),
        ("patch", r"\.(?:patch|diff)$"),
        ("calendar", r"\.(?:ics|vcf)$"),
        ("documentation", r"\.(?:md|rst|mdx|adoc|texi|tex|pod)$"),
        ("text", r"\.txt(?:\.gz)?$|/doc/[^.]*$"),
    )
)  # fmt: skip


def kind_of(path: str) -> str | None:
    """What a file is by its path; None for what is no text of interest."""
    return next((kind for kind, pattern in KINDS if pattern.search(path)), None)


def excerpt(raw: bytes, rng: random.Random) -> str | None:
    """At most :data:`MOST` characters of a text from the start of a line; None for what is no text."""
    if raw[:2] == b"\x1f\x8b":
        try:
            raw = gzip.decompress(raw)[: LARGEST * 2]
        except (OSError, EOFError):
            return None
    if b"\0" in raw[:4000]:
        return None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    text = text.replace("\r\n", "\n").strip()
    if len(text) < 60 or max(map(len, text[:4000].split("\n")), default=0) > 3000:
        return None
    length = rng.choice((400, 800, 1300, MOST))
    if len(text) <= length:
        return text
    start = 0 if rng.random() < 0.4 else text.rfind("\n", 0, rng.randrange(len(text) - length)) + 1
    return text[start : start + length].strip() or None


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    """(path inside, bytes) of the regular files of a package."""
    if path.suffix == ".deb":
        listing = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(path)], capture_output=True, check=True)  # noqa: S603, S607
        import io

        with tarfile.open(fileobj=io.BytesIO(listing.stdout)) as archive:
            yield from _of_tar(archive)
    elif path.suffix in (".whl", ".zip"):
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if not info.is_dir() and info.file_size < LARGEST and kind_of(info.filename):
                    yield info.filename, archive.read(info)
    else:
        with tarfile.open(path) as archive:
            yield from _of_tar(archive)


def _of_tar(archive: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    for member in archive:
        if member.isreg() and member.size < LARGEST and kind_of(member.name):
            file = archive.extractfile(member)
            if file is not None:
                yield member.name, file.read()


def documents(path: Path, package: str) -> Iterator[dict[str, str]]:
    """The excerpts of one package, at most :data:`PER_KIND` of a kind."""
    rng = random.Random(package)
    found: dict[str, list[tuple[str, bytes]]] = {}
    for name, raw in _members(path):
        found.setdefault(kind_of(name) or "", []).append((name, raw))
    for kind, files in sorted(found.items()):
        for _, raw in rng.sample(files, min(PER_KIND, len(files))):
            repeats = (
                3 if kind in ("mail", "subtitles", "fortunes", "log", "changelog", "text") and len(raw) > 6000 else 1
            )
            for text in {excerpt(raw, rng) for _ in range(repeats)} - {None}:
                split = "dev" if share(package, "real") < 0.1 else "train"
                yield {"text": text or "", "kind": kind, "package": package, "split": split}


def fetch(registry: str, name: str, folder: Path) -> Path | None:
    """Download a package into ``folder`` unless it is there; None when it cannot be had."""
    own = folder / registry / re.sub(r"[^\w.-]", "_", name)
    own.mkdir(parents=True, exist_ok=True)
    there = [p for p in own.iterdir() if p.suffix in (".gz", ".zip", ".whl", ".deb", ".tgz", ".bz2", ".xz")]
    if there:
        return there[0]
    commands = {
        "pypi": [["pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "--no-build-isolation", "-d", ".", name], ["pip", "download", "-q", "--no-deps", "-d", ".", name]],
        "debian": [["apt-get", "download", "-q", name]],
        "npm": [["npm", "pack", "--silent", name]],
    }[registry]  # fmt: skip
    for command in commands:
        try:
            subprocess.run(command, cwd=own, capture_output=True, timeout=180, check=False)  # noqa: S603
        except subprocess.TimeoutExpired:
            continue
        there = [p for p in own.iterdir() if p.suffix in (".gz", ".zip", ".whl", ".deb", ".tgz", ".bz2", ".xz")]
        if there:
            return there[0]
    return None


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--registry", choices=("pypi", "debian", "npm"), action="append")
    args = parser.parse_args()
    names = json.loads((Path(__file__).parent / "packages.json").read_text())
    counts: Counter[str] = Counter()
    missing: list[str] = []
    seen: set[str] = set()
    args.out.mkdir(parents=True, exist_ok=True)
    with (args.out / "documents.jsonl").open("w", encoding="utf-8") as file:
        for registry in args.registry or names:
            for name in track(names[registry], description=registry):
                path = fetch(registry, name, args.out / "packages")
                if path is None:
                    missing.append(f"{registry}:{name}")
                    continue
                try:
                    rows = list(documents(path, f"{registry}:{name}"))
                except (
                    OSError,
                    EOFError,
                    tarfile.TarError,
                    zipfile.BadZipFile,
                    subprocess.CalledProcessError,
                ) as error:
                    missing.append(f"{registry}:{name} ({type(error).__name__})")
                    continue
                for row in rows:
                    key = hashlib.sha256(row["text"][:300].encode()).hexdigest()
                    if key not in seen:
                        seen.add(key)
                        counts[row["kind"]] += 1
                        file.write(json.dumps(row, ensure_ascii=False) + "\n")
    print(
        f"{sum(counts.values()):,} documents of {len(counts)} kinds; could not be had: {', '.join(missing) or 'none'}"
    )
    print(dict(counts.most_common()))


if __name__ == "__main__":
    main()

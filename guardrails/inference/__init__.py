"""The cellar: the only room with heavy machines. It opens model folders, verifies hashes, batches, and picks the device.

Importing it imports neither torch nor numpy. Detectors ask :func:`read` and :func:`compare`; the engines are built at
the first call, or by :func:`warm`, once a process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from guardrails import language
from guardrails.content import Content, Deadline
from guardrails.fold import View
from guardrails.inference import store
from guardrails.inference.identifiers import without_identifiers
from guardrails.inference.pinned import PINNED
from guardrails.inference.readings import readings
from guardrails.types import NOT_JUDGED, Found, Qualifier, Source, Unseen

if TYPE_CHECKING:
    from guardrails.inference.classifiers import Classifier
    from guardrails.inference.pair import PairEngine
    from guardrails.inference.runner import Runner
    from guardrails.inference.tagging import Tagged
    from guardrails.inference.text import Reading, TextEngine

__all__ = [
    "ModelInfo",
    "PieceReading",
    "foreign",
    "inventory",
    "judged",
    "note_languages",
    "pair_engine",
    "plainer",
    "read",
    "tags",
    "text_engine",
    "views",
    "warm",
]

_lock = threading.Lock()
_engines: dict[str, Any] = {}


def _engine(name: str, load: Callable[[store.Manifest], Any]) -> Any:
    engine = _engines.get(name)
    if engine is None:
        with _lock:
            engine = _engines.get(name)
            if engine is None:
                engine = _engines[name] = load(store.manifest(name))
    return engine


def text_engine() -> TextEngine:
    """The engine of the text model. Raises WeightsMissing when its files are not what this release ships."""

    def load(manifest: store.Manifest) -> TextEngine:
        from guardrails.inference import text  # noqa: PLC0415 - torch

        return text.load(manifest)

    engine: TextEngine = _engine("text", load)
    return engine


def pair_engine() -> PairEngine:
    """The engine of the grounding model. Raises WeightsMissing when its files are not what this release ships."""

    def load(manifest: store.Manifest) -> PairEngine:
        from guardrails.inference import pair  # noqa: PLC0415 - torch

        return pair.load(manifest)

    engine: PairEngine = _engine("grounding", load)
    return engine


@dataclass(frozen=True, slots=True)
class PieceReading:
    """What the text model says about one view of one piece."""

    piece: int
    view: View
    reading: Reading

    def span(self, window: int) -> tuple[int, int]:
        """The half-open range of the original text behind a window."""
        start, end = self.reading.span(window)
        return self.view.span(start, end) if end > start else (0, 0)


def judged(content: Content, index: int) -> bool:
    """True for a piece that is itself a text to judge: on the way out, queries and sources are context."""
    if content.source is Source.INPUT:
        return True
    return Qualifier.GUARD_CONTENT in content.pieces[index].qualifiers


def read(content: Content, deadline: Deadline) -> list[PieceReading]:
    """One pass of the text model over all pieces, shared by every detector that asks during the same check.

    Besides a text as it stands, its decoded and cleaned views are read where they differ for the tokeniser. An answer is
    read together with the query it answers.
    """
    found: list[PieceReading] = content.shared("text model", lambda: _read(content, deadline))
    return found


def views(content: Content, index: int) -> list[View]:
    """The views of a piece that models read: the text as it stands, or what it says once it is decoded or deciphered."""
    found: list[View] = content.shared(f"readings {index}", lambda: readings(content.folded(index).patterns))
    return found


def foreign(path: str) -> Classifier:
    """The classifier of a Hugging Face directory on disk, loaded once a process. Raises WeightsMissing."""
    from guardrails.inference.classifiers import open_directory  # noqa: PLC0415 - torch, transformers

    with _lock:
        found: Classifier = open_directory(path)
    return found


def plainer(content: Content, one: PieceReading, deadline: Deadline) -> Reading | None:
    """A reading of the same text with plain words for its identifiers; None when it has none. Made once a check."""
    text = without_identifiers(one.view.text)
    if text is None:
        return None
    query = _query(content) if judged(content, one.piece) else None
    found: Reading = content.shared(
        f"without identifiers {one.piece} {text}",
        lambda: text_engine().read([(text, query)], deadline.remaining)[0],
    )
    return found


def _query(content: Content) -> str | None:
    """What an answer answers, None on the way in."""
    if content.source is not Source.OUTPUT:
        return None
    asked = [p.text for p in content.pieces if p.qualifiers == (Qualifier.QUERY,)]
    return "\n".join(asked) or None


def _read(content: Content, deadline: Deadline) -> list[PieceReading]:
    engine = text_engine()
    query = _query(content)
    wanted: list[tuple[int, View, str | None]] = []
    for index, piece in enumerate(content.pieces):
        if not piece.text or piece.text.isspace():
            continue
        context = query if judged(content, index) else None
        wanted += [(index, view, context) for view in views(content, index)]
    readings = engine.read([(v.text, q) for _, v, q in wanted], deadline.remaining)
    out: list[PieceReading] = []
    seen: set[tuple[int, bytes]] = set()
    for (index, view, _), reading in zip(wanted, readings, strict=True):
        key = (index, reading.tokens.ids.tobytes())
        if key not in seen:
            seen.add(key)
            out.append(PieceReading(index, view, reading))
    return out


def unjudged(content: Content, index: int) -> list[str]:
    """The codes of the languages in a piece that the models were not measured on, each once."""
    found: list[str] = content.shared(
        f"languages {index}", lambda: sorted({code for _, _, code in language.unsupported(content.pieces[index].text)})
    )
    return found


def note_languages(content: Content, index: int, rules: Iterable[str], found: Found) -> None:
    """Put ``not judged: language`` into what was found, for every rule that asked a model about such a piece."""
    ids = list(rules)
    for code in unjudged(content, index):
        found.unseen += [Unseen(f"{NOT_JUDGED} {code}", rule, index) for rule in ids]


def tags(one: PieceReading) -> Iterator[Tagged]:
    """Names, addresses, ages, user names and passwords in a view, with offsets into the view."""
    from guardrails.inference import tagging  # noqa: PLC0415 - numpy

    manifest = text_engine().manifest
    least = manifest.settings.get("tags", {}).get("least", 0.0)
    return (t for t in tagging.spans(one.reading, manifest.tags, one.view.text) if t.score >= least)


def warm(names: Sequence[str] = ("text", "grounding")) -> None:
    """Verify and load models now instead of at the first check. Raises WeightsMissing."""
    for name in names:
        {"text": text_engine, "grounding": pair_engine}[name]()


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One shipped model: where it is, what it is, and where it runs (``device`` is empty until it is loaded)."""

    name: str
    version: str
    path: str
    sha256: str
    bytes: int
    dtype: str
    device: str
    heads: tuple[str, ...]


def _where(runner: Runner) -> str:
    return str(runner.device) if runner.backend == "torch" else f"{runner.device} ({runner.backend})"


def inventory() -> list[ModelInfo]:
    """What ships, verified. Raises WeightsMissing."""
    out = []
    for name in PINNED:
        manifest = store.manifest(name)
        store.verified(manifest)
        weights = manifest.folder / store.WEIGHTS
        engine = _engines.get(name)
        out.append(
            ModelInfo(
                name,
                manifest.version,
                str(weights),
                manifest.files[store.WEIGHTS],
                weights.stat().st_size,
                str(engine.runner.dtype).removeprefix("torch.") if engine else "",
                _where(engine.runner) if engine else "",
                manifest.labels,
            )
        )
    return out

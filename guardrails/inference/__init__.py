"""The model runtime, the only importer of torch. It opens model folders, verifies hashes, batches, and picks the device.

Importing it imports neither torch nor numpy. Detectors ask :func:`read` and :func:`compare`; the engines are built at
the first call, or by :func:`warm`, once a process.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from guardrails import language
from guardrails.content import Content, Deadline
from guardrails.fold import View
from guardrails.inference import store
from guardrails.inference.chosen import Models, Setting, resolve
from guardrails.inference.identifiers import without_identifiers
from guardrails.inference.pinned import PINNED
from guardrails.inference.readings import readings
from guardrails.rules import Rule
from guardrails.types import NOT_JUDGED, TRUSTED, Found, Qualifier, Source, Unseen

if TYPE_CHECKING:
    from guardrails.inference.cascade import Cascade, LargeEngine
    from guardrails.inference.classifiers import Classifier
    from guardrails.inference.comparing import PairCascade
    from guardrails.inference.networks import Network
    from guardrails.inference.pair import PairEngine
    from guardrails.inference.tagging import Tagged
    from guardrails.inference.text import Reading, TextEngine
    from guardrails.inference.topic_pairs import TopicCascade

__all__ = [
    "ModelInfo",
    "Models",
    "PieceReading",
    "compares",
    "foreign",
    "inventory",
    "judged",
    "named",
    "network",
    "note_languages",
    "pair_cascade",
    "pair_engine",
    "plainer",
    "question",
    "read",
    "setting",
    "tags",
    "text_cascade",
    "text_engine",
    "topic_cascade",
    "trusted",
    "views",
    "warm",
    "windows_read",
]

_log = logging.getLogger("guardrails")
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
    """The engine of the (small) text model. Raises WeightsMissing when its files are not what this release ships."""

    def load(manifest: store.Manifest) -> TextEngine:
        setting()  # a value that is unknown stops the start
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


def pair_cascade() -> PairCascade:
    """The grounding model together with the large one, where the setting asks that and it has a head for pairs.

    Raises WeightsMissing when files are not what this release ships, or the large model is wanted and not there.
    """
    from guardrails.inference.comparing import PairCascade  # noqa: PLC0415 - torch

    small = pair_engine()
    found: PairCascade | None = _engines.get("pairs")
    if found is not None and found.small is small:
        return found
    large = _large(small.tokeniser.padding) if _asks_large("pairs") else None
    found = _engines["pairs"] = PairCascade(small, large, every=setting().models is Models.LARGE)
    return found


def topic_cascade() -> TopicCascade:
    """The text model's nearness to topics together with the large one, where the setting asks that and it was fitted for topics.

    Raises WeightsMissing when files are not what this release ships, or the large model is wanted and not there.
    """
    from guardrails.inference.topic_pairs import TopicCascade  # noqa: PLC0415 - torch

    small = text_engine()
    found: TopicCascade | None = _engines.get("topics")
    if found is not None and found.small is small:
        return found
    large = _large(small.tokeniser.padding) if _asks_large("topics") else None
    found = _engines["topics"] = TopicCascade(small, large, every=setting().models is Models.LARGE)
    return found


def compares() -> bool:
    """Whether the large model compares answers with their sources, as the setting and its weights have it. Raises WeightsMissing."""
    return _asks_large("pairs")


def _asks_large(task: str) -> bool:
    """Whether the setting asks the large model, and its manifest has settings for this task."""
    return setting().models is not Models.FAST and task in store.manifest(store.LARGE).settings


def _large(padding: int) -> LargeEngine:
    from guardrails.inference.cascade import load_large  # noqa: PLC0415 - torch

    engine: LargeEngine = _engine(store.LARGE, lambda manifest: load_large(manifest, padding))
    return engine


def setting() -> Setting:
    """Which models judge harmful texts and attacks here; looked up once a process. Raises GuardrailsError for an unknown value."""
    found = _engines.get("setting")
    if not isinstance(found, Setting):
        found = _engines.setdefault("setting", resolve())
    return found


def text_cascade() -> Cascade:
    """The text model together with the large one, as the setting has it.

    Raises WeightsMissing when files are not what this release ships, or the large model is wanted and not there.
    """
    from guardrails.inference.cascade import Cascade  # noqa: PLC0415 - torch

    small = text_engine()
    found: Cascade | None = _engines.get("cascade")
    if found is not None and found.small is small:
        return found
    chosen = setting()
    large: LargeEngine | None = None
    if chosen.models is not Models.FAST:
        large = _large(small.tokeniser.padding)
    elif chosen.notice:
        _log.warning("%s", chosen.notice)
    found = _engines["cascade"] = Cascade(small, large, every=chosen.models is Models.LARGE)
    return found


def named(models: Mapping[str, str]) -> str:
    """The setting, where it decides about the models that were asked (``Report.models``); else an empty string."""
    return setting().models.value if "text" in models or ("grounding" in models and compares()) else ""


def network(name: str) -> Network:
    """What runs the network of a shipped model: this process, or replicas of it. Raises WeightsMissing."""
    if name == store.LARGE:
        return _large(text_engine().tokeniser.padding).runner
    return text_engine().runner if name == "text" else pair_engine().runner


def windows_read() -> dict[str, int]:
    """How many windows each model has read since the start of the process, by its name."""
    engines = {name: _engines.get(name) for name in PINNED}
    return {name: engine.runner.read for name, engine in engines.items() if engine is not None}


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


def trusted(content: Content, index: int, rules: Sequence[Rule], found: Found) -> bool:
    """True for a piece that these rules pass over, because it is the operator's own word: that is noted in what was found."""
    passing = [r.id for r in rules if r.trusts(content.pieces[index].role)]
    found.unseen += [u for rule in passing if (u := Unseen(TRUSTED, rule, index)) not in found.unseen]
    return bool(passing)


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


def question(content: Content, deadline: Deadline) -> Reading | None:
    """The reading of what an answer answers; None on the way in, and without a question."""
    if content.source is not Source.OUTPUT:
        return None
    asked = (one for one in read(content, deadline) if content.pieces[one.piece].qualifiers == (Qualifier.QUERY,))
    return next((one.reading for one in asked), None)


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
        f"languages {index}",
        lambda: sorted({code for view in views(content, index) for _, _, code in language.unsupported(view.text)}),
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


def warm(names: Sequence[str] = ("text", "grounding", "large")) -> None:
    """Verify and load models now instead of at the first check; the large one where the setting asks it. Raises WeightsMissing."""
    for name in names:
        {"text": text_engine, "grounding": pair_cascade, "large": text_cascade}[name]()


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One trained model: where it is, what it is, and where it runs (``device`` is empty until it is loaded).

    ``path`` and ``sha256`` are those of its weights; where they are in several files, the folder, and the sha256 of the manifest
    that names them. ``setting`` is that of the installation, for the models that it is about.
    """

    name: str
    version: str
    path: str
    sha256: str
    bytes: int
    dtype: str
    device: str
    heads: tuple[str, ...]
    setting: str = ""


def inventory() -> list[ModelInfo]:
    """The models that are asked under the setting of this installation, verified. Raises WeightsMissing."""
    out = []
    for name in PINNED:
        if name == store.LARGE and setting().models is Models.FAST:
            continue
        manifest = store.manifest(name)
        store.verified(manifest)
        weights = store.weights(manifest)
        alone = weights[0] if len(weights) == 1 else None
        engine = _engines.get(name)
        out.append(
            ModelInfo(
                name,
                manifest.version,
                str(alone or manifest.folder),
                manifest.files[alone.name] if alone else manifest.sha256,
                sum(path.stat().st_size for path in weights),
                engine.runner.precision if engine else "",
                engine.runner.place if engine else "",
                manifest.labels,
                setting().models.value if name in ("text", store.LARGE) or (name == "grounding" and compares()) else "",
            )
        )
    return out

"""How a detector declares what a policy may say about its rules: each setting once, beside the code that obeys it.

A field of a detector's ``Settings`` is annotated with a :class:`Setting`: how it is written, which value is stricter, what Amazon
Bedrock has for it. ``SECTIONS`` of a detector's module says where its rules stand in a policy file. The reader of policy files, their
JSON Schema, inheritance, ``explain``, ``diff``, the table in docs/policy-files.md, and what crosses to Bedrock and back all follow
from these declarations.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any, Final, NamedTuple, get_type_hints

from guardrails import detectors
from guardrails.rules import Rule

__all__ = [
    "RULES",
    "TYPE",
    "Choice",
    "Counted",
    "Either",
    "File",
    "Flag",
    "Items",
    "Kind",
    "Named",
    "Number",
    "Order",
    "Plain",
    "Record",
    "Remark",
    "Section",
    "Setting",
    "Shape",
    "Text",
    "Word",
    "default_of",
    "remarks",
    "section_of",
    "sections_of",
    "settings_of",
    "typed",
]


@dataclass(frozen=True, slots=True)
class Flag:
    """``true`` or ``false``."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number from ``low`` to ``high``, both included; ``whole``: without a fraction."""

    low: float
    high: float
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """One of ``names``, mildest first where they have an order. ``make`` turns the name into the value; ``code`` is the problem of
    a name that is none of them."""

    names: tuple[str, ...]
    make: Callable[[str], Any] = str
    code: str = "unknown-value"


@dataclass(frozen=True, slots=True)
class Counted:
    """One of ``names``, of which ``counted`` is written with a whole number of ``unit``: ``{bounded: 200}``."""

    names: tuple[str, ...]
    counted: str
    low: int
    high: int
    unit: str
    make: Callable[[str, int | None], Any]


@dataclass(frozen=True, slots=True)
class Text:
    """A string of 1 to ``at_most`` characters. ``refused`` says why one cannot be used and what to write instead (None: it can);
    ``code`` and ``message`` are the problem then."""

    at_most: int = 100_000
    refused: Callable[[str], tuple[str, str] | None] | None = None
    code: str = "unknown-value"
    message: str = "this text cannot be used"


@dataclass(frozen=True, slots=True)
class Word:
    """Any scalar, as it was written: ``- 007`` and ``- no`` are words; with ``empty``, nothing is one too."""

    empty: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    """A list, of ``at_least`` so many items."""

    of: Kind
    at_least: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """A mapping of ``fields``; ``make`` takes their values by name, and raises ValueError for values that do not fit together: ``code``,
    ``message`` and ``remedy`` are the problem then. ``needed``: what must be there; ``example`` shows how."""

    fields: Mapping[str, Kind]
    make: Callable[..., Any] = dict
    needed: tuple[str, ...] = ()
    example: str = ""
    code: str = "unknown-value"
    message: str = "these do not fit together"
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """A mapping from names of the author's own to values of a kind; read as pairs, in the order of the names."""

    of: Kind


@dataclass(frozen=True, slots=True)
class Plain:
    """Any data. ``make`` takes it; ``refused``, ``code`` and ``message`` are as those of :class:`Text`."""

    make: Callable[[Any], Any]
    refused: Callable[[Any], tuple[str, str] | None] | None = None
    code: str = "unknown-value"
    message: str = "this cannot be used"


@dataclass(frozen=True, slots=True)
class File:
    """The path of a file beside the policy, whose bytes are part of the policy's identity. ``make`` takes the path as it is written and the
    bytes, of which there are ``at_most`` so many, and raises ValueError for bytes that mean nothing; ``code``, ``message`` and ``remedy`` are the problem then."""

    make: Callable[[str, bytes], Any]
    at_most: int = 16_000_000
    code: str = "unknown-value"
    message: str = "this file cannot be used"
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Either:
    """A ``record`` where a mapping is written, else ``plain``."""

    plain: Kind
    record: Record


Kind = Flag | Number | Choice | Counted | Text | Word | Items | Record | Named | Plain | File | Either


class Order(Enum):
    """What a child may do to a setting of a rule that its parent enforces."""

    FREE = "free"
    FIXED = "may not change"
    RISES = "higher is stricter"
    FALLS = "lower is stricter"
    GROWS = "may only grow"
    SHRINKS = "may not grow"


_OPPOSITE = {Order.RISES: Order.FALLS, Order.FALLS: Order.RISES, Order.GROWS: Order.SHRINKS, Order.SHRINKS: Order.GROWS}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting of a rule, or of a policy.

    ``about`` says in a few words what it is. ``member`` is its name in Bedrock's CreateGuardrail; without one, ``lost`` says why it has none. ``example``: it must be written,
    such as this. ``sided``: the fields are ``input_NAME`` and ``output_NAME``, and a policy may write NAME for both. ``unless`` names a flag
    of the same settings that turns ``order`` round. ``cut``: it is where the rule's score begins to act, which may be chosen on labelled
    texts. ``always``: a child's milder value is passed over even where nothing is
    enforced. ``rank`` is how strict a value is where the kind does not say it. ``canonical`` makes what is stored of the items of a list; ``shown`` what
    ``explain`` prints, and ``written`` what a policy file would hold.
    """

    kind: Kind
    about: str = ""
    order: Order = Order.FIXED
    member: str = ""
    lost: str = "Bedrock has no such setting"
    example: str = ""
    sided: bool = False
    unless: str = ""
    cut: bool = False
    always: bool = False
    rank: Callable[[Any], float] | None = None
    canonical: Callable[[tuple[Any, ...]], tuple[Any, ...]] = tuple
    shown: Callable[[Any], Any] = _plain
    written: Callable[[Any], Any] = _plain

    def ordered(self, says: Callable[[str], Any]) -> Order:
        """The order that holds beside the other settings of the rule, which ``says`` returns by name."""
        return _OPPOSITE[self.order] if self.unless and says(self.unless) else self.order

    def name(self, field: str) -> str:
        """What a policy calls the field: one name for both directions."""
        return field.partition("_")[2] if self.sided else field

    @property
    def grows(self) -> bool:
        """Whether a child's items are added to its parent's."""
        return self.order in (Order.GROWS, Order.SHRINKS)

    def weaker(self, new: Any, old: Any, order: Order | None = None) -> bool:
        """Whether a value is milder than another one, where values have an order (``order``: the one that holds)."""
        first, second = self._strictness(new), self._strictness(old)
        return first > second if (order or self.order) is Order.FALLS else first < second

    def _strictness(self, value: Any) -> float:
        if self.rank is not None:
            return self.rank(value)
        return float(self.kind.names.index(value)) if isinstance(self.kind, Choice) else float(value)


TYPE: Final = "type"  # annotates the field that holds the rule's type: the category, the entity, the name


class Shape(Enum):
    """How the rules of a section are written."""

    ONE = "one rule: its section is its id"
    LIST = "a list of rules, each with a name"
    MAPPING = "a mapping from names to rules"
    WORDS = "word lists"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Where the rules of a detector stand in a policy file.

    ``key`` is the section; ``id`` is a rule's id, where that is not KEY.NAME, or KEY for the only rule of its section. Of a mapping, ``names`` are the names that it may hold, ``unknown`` is the
    problem of another one (code, and what the name is not), and ``every`` a name that stands for them all. A rule without keys is its setting
    ``bare``. ``settings`` are those of the detector that the section takes (None: all), ``defaults`` what differs here from the fields' own. ``acts``: a
    rule must say what it does. ``formal``: types that are told from their form alone, so that what is none of them there is none anywhere (None: all). ``off``: a setting that switches a direction off, and its value. ``closes``: a setting and its value by which an enforced rule of the section
    keeps children from adding rules of its detector that ``allow`` something. ``lost``: why Bedrock has no such
    section, None when it has.
    """

    key: str
    shape: Shape = Shape.LIST
    id: str = ""
    names: tuple[str, ...] = ()
    unknown: tuple[str, str] = ("unknown-value", "is not known here")
    every: str = ""
    bare: str = "action"
    settings: tuple[str, ...] | None = None
    defaults: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    directions: tuple[str, ...] = ("input", "output")
    acts: bool = False
    formal: tuple[str, ...] | None = ()
    off: tuple[str, str] | None = None
    closes: tuple[str, Any] | None = None
    lost: str | None = "Bedrock has no detectors of ours"

    def rule_id(self, name: str) -> str:
        """The id of the rule with that name."""
        default = "{key}" if self.shape is Shape.ONE else "{key}.{name}"
        return (self.id or default).format(key=self.key, name=name)


RULES = Section(key="rules")  # for detectors without a section of their own


@cache
def typed(settings: type) -> dict[str, Any]:
    """The annotations of a ``Settings`` class, by field."""
    names = [f.name for f in dataclasses.fields(settings)] if dataclasses.is_dataclass(settings) else []
    hints = get_type_hints(settings, include_extras=True) if names else {}
    return {name: hints[name] for name in names}


@cache
def _declared(settings: type) -> dict[str, Setting]:
    notes = {name: getattr(hint, "__metadata__", ()) for name, hint in typed(settings).items()}
    return {name: note for name, found in notes.items() for note in found if isinstance(note, Setting)}


def settings_of(detector: str) -> Mapping[str, Setting]:
    """What the detector declares, by field."""
    return _declared(detectors.module(detector).Settings)


def default_of(settings: type, name: str) -> Any:
    """The default of a field, None when it has none."""
    found = next(f for f in dataclasses.fields(settings) if f.name == name)
    return None if found.default is dataclasses.MISSING else found.default


def sections_of(detector: str) -> tuple[Section, ...]:
    """The sections that hold rules of the detector; none for one whose rules stand under ``rules``."""
    found: tuple[Section, ...] = getattr(detectors.module(detector), "SECTIONS", ())
    return found


def section_of(detector: str, type_: str) -> Section:
    """The section in which a rule of this detector and type stands."""
    found = sections_of(detector)
    return next((s for s in found if s.shape is Shape.ONE and s.key.upper() == type_), found[0] if found else RULES)


class Remark(NamedTuple):
    """A warning of a detector: a rule that loads and probably does not do what its author wants. ``field`` is the setting it is about."""

    code: str
    message: str
    rule: str
    field: str = ""
    written: str | None = None
    allowed: str | None = None
    remedy: str | None = None


def remarks(detector: str, rules: Sequence[Rule]) -> Iterable[Remark]:
    """What the detector says of all its rules in a policy: ``lint(rules)`` of its module, where there is one."""
    lint: Callable[[Sequence[Rule]], Iterable[Remark]] = getattr(detectors.module(detector), "lint", lambda _: ())
    return lint(rules)

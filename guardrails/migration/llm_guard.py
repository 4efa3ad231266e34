"""llm-guard: the ``scanners.yml`` of its API."""

from __future__ import annotations

import re
from collections.abc import Callable

from guardrails.migration import llm_guard_pii, presidio
from guardrails.migration.llm_guard_pii import Scanner
from guardrails.migration.plan import INPUT, OUTPUT, Plan, strength_of, term
from guardrails.migration.report import Item

__all__ = ["NAME", "SCANNERS", "convert", "fits"]

NAME = "llm-guard"
_SETTINGS = "that is not a policy's business"
# Where the server's own settings have gone.
_SERVER = {
    "app": "options of guardrails serve (docs/service-settings.md)",
    "rate_limit": "limits of keys in guardrails serve (docs/service.md)",
    "auth": "keys of guardrails serve (docs/service.md)",
    "tracing": "OpenTelemetry in docs/operations.md",
    "metrics": "/metrics of guardrails serve (docs/operations.md)",
    "cache": "verdicts are cached without a setting",
}
# Settings of a model, an engine or a language that is another one here.
_MODEL = (
    "model",
    "model_path",
    "model_max_length",
    "use_onnx",
    "recognizer_conf",
    "lexicon",
    "match_type",
    "language",
    "preamble",
)
_VARIABLE = re.compile(r"\$\{\w+(?::(.*))?\}", re.DOTALL)


def fits(root: Item) -> bool:
    """Whether the file looks like one."""
    return root.get("input_scanners") is not None or root.get("output_scanners") is not None


def convert(root: Item, plan: Plan) -> None:
    """Put the file into the policy, and say of every value what became of it."""
    outputs = root.get("output_scanners")
    kinds = [one.get("type") for one in outputs.each()] if outputs is not None else []
    restores = any(kind is not None and kind.value == "Deanonymize" for kind in kinds)
    for key, sides in (("input_scanners", INPUT), ("output_scanners", OUTPUT)):
        section = root.get(key)
        for item in section.each() if section is not None else ():
            _scanner(Scanner(item, item.get("params"), sides, plan, restores))
    _timeouts(root, plan)
    for key, instead in _SERVER.items():
        section = root.get(key)
        if section is not None:
            section.dropped(f"settings of its server: {_SETTINGS}", instead)


def _timeouts(root: Item, plan: Plan) -> None:
    seconds: list[tuple[Item, float]] = []
    for name in ("scan_prompt_timeout", "scan_output_timeout"):
        item = root.get("app", name)
        value = _number(item) if item is not None else None
        if item is not None and value is not None and 0.1 <= value <= 600:
            seconds.append((item, value))
    if seconds:
        place = plan.setting("limits.deadline_ms", int(max(s for _, s in seconds) * 1000))
        for item, _ in seconds:
            item.approximated(
                "limits.deadline_ms, one for both directions; a check that runs out of time blocks", place
            )


def _number(item: Item) -> float | None:
    """A number, or the default of a variable: ``${SCAN_TIMEOUT:30}``."""
    found = _VARIABLE.fullmatch(item.value) if isinstance(item.value, str) else None
    try:
        return float(found.group(1)) if found is not None and found.group(1) else item.number()
    except ValueError:
        return None


def _scanner(one: Scanner) -> None:
    kind = one.item.get("type")
    name = kind.text() if kind is not None else None
    handler = SCANNERS.get(name or "")
    if kind is None or name is None or handler is None:
        return one.item.unknown()
    handler(one)
    for setting in _MODEL:
        item = one.get(setting)
        if item is not None:
            item.approximated(
                "models and languages are ours; every text is read to its end, in windows (docs/models.md)"
            )
    threshold = one.get("threshold")
    if threshold is not None:
        threshold.approximated("scores are ours; choose a cut point with guardrails calibrate")
    kind.kept(f"{name}, {' and '.join(one.sides)}: as its settings say")
    if one.params is not None and not one.params.parts():
        one.params.kept("nothing is set")
    return None


def _drop(why: str, instead: str) -> Callable[[Scanner], None]:
    """A scanner that has no rule here."""

    def handler(one: Scanner) -> None:
        one.item.dropped(f"{one.type_().name()}: {why}", instead)

    return handler


def _filters(*categories: str, how: str) -> Callable[[Scanner], None]:
    """A scanner whose place content filters take."""

    def handler(one: Scanner) -> None:
        strength = strength_of(one.threshold())
        places = [one.plan.filter(category, one.sides, strength) for category in categories]
        one.type_().approximated(f"content filters {', '.join(categories)} at {strength}: {how}", *places)
        one.say("threshold", f"strength {strength}; choose it on texts of yours with guardrails calibrate", *places)

    return handler


def _words(key: str, id_: str) -> Callable[[Scanner], None]:
    """BanSubstrings and BanCompetitors: words and phrases."""

    def handler(one: Scanner) -> None:
        listed = one.get(key)
        texts = listed.texts() if listed is not None else []
        if listed is None or not texts:
            return one.type_().dropped(
                "it lists no words", f"list them under {key}, or in the policy under words.terms"
            )
        match = one.get("match_type")
        inside = key == "substrings" and (match is None or match.value != "word")
        action = "mask" if one.on("redact", default=key == "competitors") else "block"
        every = one.get("contains_all")
        if every is not None and every.flag():
            action = "detect"
            every.approximated(
                "a rule cannot ask for all words at once: each is found and reported only; write action: block if one is enough"
            )
        elif every is not None:
            every.kept("one of the words is enough")
        place = one.plan.terms(id_, [term(t, inside=inside) for _, t in texts], one.sides, action)
        listed.kept(f"words.{id_}, {action}", place)
        if match is not None:
            match.kept("also inside of words: *term*" if inside else "whole words")
        one.say("case_sensitive", "words are found in any case and spelling", place)
        redact = one.get("redact")
        if redact is not None:
            redact.kept(f"action: {action}", place)
        one.say("threshold", "names are found as words, without a model", place)
        return None

    return handler


def _topics(one: Scanner) -> None:
    topics = one.get("topics")
    for item, text in topics.texts() if topics is not None else ():
        place = one.plan.topic(text[:100], f"Texts about {text}.", one.sides)
        item.approximated("a denied topic: write what belongs to it as its definition, and add examples", place)
    one.say("threshold", "the model's own cut point; choose one with guardrails calibrate")


def _regex(one: Scanner) -> None:
    blocked, patterns = one.get("is_blocked"), one.get("patterns")
    if not one.on("is_blocked", default=True):
        one.item.dropped(
            "Regex that lets only matches pass: a pattern here is what must not be there",
            "a check in your application, or topics with allow: true",
        )
        return
    action = "mask" if one.on("redact", default=True) else "block"
    match = one.get("match_type")
    whole = match is not None and match.value == "fullmatch"
    for item, text in patterns.texts() if patterns is not None else ():
        presidio.pattern(item, "regex", rf"\A(?:{text})\z" if whole else text, one.plan, one.sides, action)
    if match is not None:
        match.kept("the whole text must match" if whole else "every match counts")
    for setting in (blocked, one.get("redact")):
        if setting is not None:
            setting.kept(f"action: {action}")


def _invisible(one: Scanner) -> None:
    place = one.plan.regex("INVISIBLE_TEXT", r"[\x{E0000}-\x{E007F}\p{Co}]+", one.sides, "mask")
    one.type_().approximated(
        "tag characters and private use are masked; other invisible characters are read through, so that no word hides behind them",
        place if not isinstance(place, str) else (),
    )


def _language(one: Scanner) -> None:
    valid = one.get("valid_languages")
    texts = {text for _, text in valid.texts()} if valid is not None else set()
    if valid is None or texts != {"en"}:
        return one.item.dropped(
            "Language: a policy lists no languages; models judge English", "unsupported_language: block, where only English is welcome"
        )  # fmt: skip
    place = one.plan.setting("unsupported_language", "block")
    valid.approximated(
        "unsupported_language: block, in both directions: what is not English fails the rules that ask a model, and blocks",
        place,
    )
    one.say("threshold", "how sure it must be is ours", place)
    return None


def _compared(kind: str, setting: str, default: float, how: str) -> Callable[[Scanner], None]:
    """FactualConsistency and Relevance."""

    def handler(one: Scanner) -> None:
        value = one.threshold(setting)
        place = one.plan.compared(kind, default if value is None else value)
        one.type_().approximated(f"{kind}: {how}", place)
        one.say(setting, f"{kind}.threshold, as it was; scores are ours: choose it with guardrails calibrate", place)

    return handler


def _deanonymize(one: Scanner) -> None:
    one.type_().kept("numbered masks are put back into answers: restore: true")
    one.say("matching_strategy", "a placeholder is put back where it stands exactly")


_CLASSIFIER = "rules: [{detector: classifier, …}] with a model of yours (docs/models.md)"
_REFUSAL = ("a refusal is no harm: answers that refuse pass", "count refusals in your evaluation")
_DROPPED = {
    "BanCode": ("code is not looked for", _CLASSIFIER),
    "Code": ("programming languages are not told apart", _CLASSIFIER),
    "EmotionDetection": ("feelings are not judged", _CLASSIFIER),
    "Gibberish": ("texts without meaning are not looked for", _CLASSIFIER),
    "JSON": ("the form of an answer is not checked or mended", "structured outputs of your model's API"),
    "LanguageSame": ("the languages of question and answer are not compared", "say it in the system message"),
    "MaliciousURLs": ("addresses are not judged", "pii.URL for all addresses, with except for those that may stand"),
    "NoRefusal": _REFUSAL,
    "NoRefusalLight": _REFUSAL,
    "ReadingTime": ("answers are not shortened", "max_tokens in the request to your model"),
    "Sentiment": ("moods are not judged", _CLASSIFIER),
    "TokenLimit": (
        "tokens are not counted",
        "limits.max_characters for all texts of a check; about 4 characters are a token",
    ),
    "URLReachability": ("nothing is fetched", "check links where you show them"),
}
_SOURCES = "answers are compared with the sources of a request, not with the prompt"
SCANNERS: dict[str, Callable[[Scanner], None]] = {
    **{name: _drop(*why) for name, why in _DROPPED.items()},
    "Anonymize": llm_guard_pii.anonymize,
    "BanCompetitors": _words("competitors", "competitors"),
    "BanSubstrings": _words("substrings", "ban-substrings"),
    "BanTopics": _topics,
    "Bias": _filters("HATE", how="hate is found, mere bias is not"),
    "Deanonymize": _deanonymize,
    "FactualConsistency": _compared("grounding", "minimum_score", 0.75, _SOURCES),
    "InvisibleText": _invisible,
    "Language": _language,
    "PromptInjection": _filters("PROMPT_ATTACK", how="attacks in prompts, documents and results of tools"),
    "Regex": _regex,
    "Relevance": _compared("relevance", "threshold", 0.5, "whether an answer answers the question"),
    "Secrets": llm_guard_pii.secrets,
    "Sensitive": llm_guard_pii.sensitive,
    "Toxicity": _filters("HATE", "INSULTS", "SEXUAL", "VIOLENCE", how="one filter for each kind of toxic text"),
}

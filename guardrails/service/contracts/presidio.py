"""Presidio's analyzer and anonymizer. What is found is ours, under Presidio's names; what is done to it is Presidio's own library."""

from __future__ import annotations

import re
from functools import cache, partial
from typing import Any, NamedTuple

from presidio_anonymizer import AnonymizerEngine, DeanonymizeEngine
from presidio_anonymizer.entities import InvalidParamError
from presidio_anonymizer.services.app_entities_convertor import AppEntitiesConvertor as Convert

from guardrails import catalog
from guardrails.errors import PolicyError
from guardrails.service.calls import Answer, Call, Contract, Endpoint
from guardrails.service.checking import Checked
from guardrails.service.contracts.presidio_recognizers import Recogniser, passed_over, recognisers
from guardrails.service.errors import bare
from guardrails.service.faults import Fault, Kind
from guardrails.service.fields import Body, nearest
from guardrails.service.probes import probe
from guardrails.types import Finding, Source

__all__ = ["CONTRACT"]

# How Presidio reads patterns and lists: in any case, `^` and `$` at lines, `.` at line breaks.
_FLAGS = "(?ism)"

_MOST = 1_000
# Their methods are not typed.
_ANONYMIZER: Any = AnonymizerEngine
_DEANONYMIZER: Any = DeanonymizeEngine
_REGEX = re.compile(r"regex\.(\d+)")
# The entities that Presidio would have looked for, and nobody here finds.
_UNKNOWN = b"x-guardrails-entities-not-found-here"


@cache
def _names() -> dict[str, str]:
    """Presidio's name → ours. Its module loads Presidio's analyzer, so it waits for the first call."""
    from guardrails.detectors.pii.presidio import PRESIDIO_NAMES  # noqa: PLC0415

    return PRESIDIO_NAMES


@cache
def _entities() -> dict[str, str]:
    """Every name that may be asked for → our type: Presidio's where it has one, ours otherwise."""
    theirs = {ours: name for name, ours in _names().items()}
    return {theirs.get(name, name): name for name in catalog.PII} | {name: name for name in catalog.PII}


@cache
def _shown() -> dict[str, str]:
    """Our type → the name that is told."""
    theirs = {ours: name for name, ours in _names().items()}
    return {name: theirs.get(name, name) for name in catalog.PII}


async def analyze(call: Call) -> Answer:
    """``POST /analyze``: what is found in a text, or in each of a list."""
    body = call.body
    texts = body.texts("text", one=True)
    if len(texts) > _MOST:
        raise Fault(Kind.INVALID, f"holds {len(texts)} texts; send at most {_MOST} at once", "text")
    body.text("language", "en")
    asked = body.texts("entities", [])
    adhoc = [r for r in recognisers(body) if not asked or r.entity in asked]
    types, unknown = await call.checking.run(partial(_types, asked, adhoc))
    try:
        guardrail = await call.checking.run(
            partial(probe, (), types, [(r.entity, f"{_FLAGS}{r.pattern}") for r in adhoc])
        )
    except PolicyError as error:
        raise Fault(
            Kind.INVALID, f"a pattern cannot be used: {error.problems[0].message}", "ad_hoc_recognizers"
        ) from None
    wanted = _Wanted(
        adhoc,
        body.number("score_threshold", 0, 1, 0),
        _allowed(body),
        tuple(body.texts("context", [])),
        bool(body.value.get("return_decision_process")),
    )
    done = await call.checking.check_many(call, guardrail, texts, Source.INPUT)
    results = [_results(one, text, wanted) for one, text in zip(done, texts, strict=True)]
    headers = ((_UNKNOWN, ",".join(unknown).encode()),) if unknown else ()
    return Answer(results if isinstance(body.value["text"], list) else results[0], headers=headers)


def _types(asked: list[str], adhoc: list[Recogniser]) -> tuple[set[str], list[str]]:
    """(our types that are asked for, the names that Presidio knows and nobody here finds). Raises Fault for a name that nobody knows, and
    where nobody finds anything that was asked for."""
    if not asked:
        return set(catalog.PII), []
    known, own = _entities(), {r.entity for r in adhoc}
    unknown = passed_over(asked, known.keys() | own)
    for number, name in enumerate(asked):
        if name not in known and name not in own and (name not in unknown or len(unknown) == len(set(asked))):
            raise Fault(
                Kind.INVALID,
                f"is no entity here{nearest(name, known)} See GET /supportedentities",
                f"entities[{number}]",
            )
    return {known[n] for n in asked if n in known}, unknown


class _Wanted(NamedTuple):
    """What a call asks for beside the entities."""

    adhoc: list[Recogniser]
    threshold: float
    allowed: Any
    context: tuple[str, ...]
    explained: bool


def _results(done: Checked, text: str, wanted: _Wanted) -> list[dict[str, Any]]:
    if done.report.failures:
        kinds = sorted({f"{f.rule} ({f.kind.value})" for f in done.report.failures})
        raise Fault(Kind.INTERNAL, f"not everything could be evaluated: {', '.join(kinds[:10])}")
    out = []
    for f in done.report.findings:
        if f.start is None or wanted.allowed(text[f.start : f.end]):
            continue
        number = _REGEX.fullmatch(f.rule)
        one = wanted.adhoc[int(number[1])] if number else Recogniser(_shown()[f.type], "", f.score, f.rule)
        score, word = one.supported(text, f.start, wanted.context)
        if score >= wanted.threshold:
            out.append(_result(f, one, score, word, explained=wanted.explained))
    return sorted(out, key=lambda r: (-r["score"], r["start"]))


def _result(finding: Finding, found: Recogniser, score: float, word: str, *, explained: bool) -> dict[str, Any]:
    explanation = {
        "recognizer": found.name,
        "pattern_name": found.pattern_name,
        "pattern": found.pattern or None,
        "original_score": found.score,
        "score": score,
        "textual_explanation": None,
        "score_context_improvement": score - found.score,
        "supportive_context_word": word,
        "validation_result": None,
    }
    return {
        "entity_type": found.entity,
        "start": finding.start,
        "end": finding.end,
        "score": score,
        "analysis_explanation": explanation if explained else None,
        "recognition_metadata": {"recognizer_name": found.name, "recognizer_identifier": finding.rule},
    }


def _allowed(body: Body) -> Any:
    """Whether a value was declared harmless: exactly, or by a regex."""
    values = body.texts("allow_list", [])
    if body.choice("allow_list_match", ("exact", "regex"), "exact") == "exact":
        return frozenset(values).__contains__
    if not values:
        return lambda _: False
    try:
        import re2  # noqa: PLC0415 - a pattern of a stranger's: one that cannot run for ever

        pattern = re2.compile(_FLAGS + "|".join(f"(?:{v})" for v in values))
    except Exception:
        raise Fault(Kind.INVALID, "holds a pattern that RE2 does not take", "allow_list") from None
    return lambda value: pattern.search(value) is not None


async def anonymize(call: Call) -> Answer:
    """``POST /anonymize``: Presidio's operators on what was found."""
    body = call.body
    text = body.text("text")
    results = [r.value for r in body.objects("analyzer_results")]
    configs = body.mapping("anonymizers") or body.mapping("operators")

    def work() -> Any:
        operators = Convert.operators_config_from_json(dict(configs))
        if Convert.check_custom_operator(operators):
            raise InvalidParamError("Custom type anonymizer is not supported")
        found = Convert.analyzer_results_from_json(results)
        return _ANONYMIZER().anonymize(text=text, analyzer_results=found, operators=operators)

    return _engine(await call.checking.run(partial(_tried, work)))


async def deanonymize(call: Call) -> Answer:
    """``POST /deanonymize``: encrypted values back, by the caller's key."""
    body = call.body
    text = body.text("text")
    results = [r.value for r in body.objects("anonymizer_results")]
    configs = body.mapping("deanonymizers")

    def work() -> Any:
        entities = Convert.deanonymize_entities_from_json({"anonymizer_results": results})
        operators = Convert.operators_config_from_json(dict(configs))
        return _DEANONYMIZER().deanonymize(text=text, entities=entities, operators=operators)

    return _engine(await call.checking.run(partial(_tried, work)))


def _tried(work: Any) -> Any:
    try:
        return work()
    except InvalidParamError as error:
        return Fault(Kind.UNPROCESSABLE, _plain(error.err_msg))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        # Its message may quote a text.
        return Fault(
            Kind.UNPROCESSABLE, f"an operator or a result does not have the form of Presidio's ({type(error).__name__})"
        )


def _plain(message: str) -> str:
    return message if len(message) <= 200 else "an operator or a result does not have the form of Presidio's"


def _engine(result: Any) -> Answer:
    if isinstance(result, Fault):
        raise result
    items = [
        {"operator": i.operator, "entity_type": i.entity_type, "start": i.start, "end": i.end, "text": i.text}
        for i in result.items
    ]
    return Answer({"text": result.text, "items": items})


async def supported(call: Call) -> Answer:
    """``GET /supportedentities``."""
    return Answer(sorted((await call.checking.run(_shown)).values()))


async def recognizers(call: Call) -> Answer:
    """``GET /recognizers``: one for each type; ours have no other names."""
    del call
    return Answer([f"{name}" for name in sorted(catalog.PII)])


async def operators(call: Call) -> Answer:
    """``GET /anonymizers`` and ``GET /deanonymizers``."""
    del call
    return Answer([name for name in _ANONYMIZER().get_anonymizers() if name != "custom"])


async def reversers(call: Call) -> Answer:
    """``GET /deanonymizers``."""
    del call
    return Answer(_DEANONYMIZER().get_deanonymizers())


async def health(_: Call) -> Answer:
    """``GET /health``, as Presidio's containers answer it."""
    return Answer(b"Presidio Analyzer service is up", headers=((b"content-type", b"text/html; charset=utf-8"),))


CONTRACT = Contract(
    "presidio",
    (
        Endpoint("POST", "/analyze", analyze),
        Endpoint("POST", "/anonymize", anonymize),
        Endpoint("POST", "/deanonymize", deanonymize),
        Endpoint("GET", "/supportedentities", supported, reads=False),
        Endpoint("GET", "/recognizers", recognizers, reads=False),
        Endpoint("GET", "/anonymizers", operators, reads=False),
        Endpoint("GET", "/deanonymizers", reversers, reads=False),
        Endpoint("GET", "/health", health, scope=None, reads=False),
    ),
    bare,
)

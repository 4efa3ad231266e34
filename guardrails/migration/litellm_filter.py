"""LiteLLM's content filter: prebuilt patterns and categories, patterns and words of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from guardrails.migration import presidio
from guardrails.migration.entities import Named, take
from guardrails.migration.plan import INPUT, Plan, named, term
from guardrails.migration.report import Item

__all__ = ["CATEGORIES", "PATTERNS", "convert"]

_REGEX = "write a pattern of yours under pii.regexes"
_TOPIC = "describe it as a denied topic"
_SEVERITY = {"high": "LOW", "medium": "MEDIUM", "low": "HIGH"}


def _all(type_: str, *names: str, how: str = "") -> dict[str, Named]:
    return {name: Named(type_, how=how) for name in names}


_PHONES = "telephone numbers of any country are found"
_CARDS = "cards of every brand are found"
# Prebuilt patterns with a type of ours.
PATTERNS: dict[str, Named] = {
    **_all("US_SOCIAL_SECURITY_NUMBER", "us_ssn", "us_ssn_no_dash"), **_all("EMAIL", "email"),
    **_all("PHONE", "us_phone", "phone", "br_phone_landline", "br_phone_mobile", "fr_phone", "uae_phone", "sg_phone", how=_PHONES),
    **_all("CREDIT_DEBIT_CARD_NUMBER", "visa", "mastercard", "amex", "discover", how=_CARDS), **_all("CREDIT_DEBIT_CARD_NUMBER", "credit_card"),
    **_all("AWS_ACCESS_KEY", "aws_access_key"), **_all("AWS_SECRET_KEY", "aws_secret_key"),
    **_all("API_KEY", "github_token", "slack_token", "generic_api_key", "openai_api_key", "anthropic_api_key", "gemini_api_key", how="keys of every service that is known here are found"),
    **_all("IP_ADDRESS", "ipv4", "ipv6", how="addresses of both kinds are found"), **_all("URL", "url"),
    **_all("US_PASSPORT_NUMBER", "passport_us"), **_all("UK_PASSPORT_NUMBER", "passport_uk"), **_all("IN_PASSPORT_NUMBER", "passport_india"),
    **_all("NL_CITIZEN_SERVICE_NUMBER", "nl_bsn_contextual"), **_all("BR_CPF", "br_cpf", "br_cpf_unformatted"),
    **_all("AU_TAX_FILE_NUMBER", "au_tfn"), **_all("AU_BUSINESS_NUMBER", "au_abn"), **_all("AU_MEDICARE_NUMBER", "au_medicare"),
    **_all("INTERNATIONAL_BANK_ACCOUNT_NUMBER", "iban", "eu_iban_enhanced"), **_all("FR_SOCIAL_SECURITY_NUMBER", "fr_nir"),
    **_all("EU_VAT_NUMBER", "eu_vat"), **_all("ADDRESS", "street_address"), **_all("SG_NRIC", "sg_nric"), **_all("CA_SOCIAL_INSURANCE_NUMBER", "ca_sin"),
    **_all("CA_HEALTH_NUMBER", "ca_ohip", how="health numbers of every province are found"),
    **_all("DRIVER_ID", "ca_on_drivers_licence", how="numbers of licences of several countries are found, beside a word that says so"),
    **_all("EMPLOYEE_ID", "uoft_student_id", how="ids of staff are found, beside a word that says so"),
}  # fmt: skip
# Prebuilt patterns of words that a filter judges by their meaning.
_JUDGED = {
    "weapons_firearms": "MISCONDUCT", "weapons_other": "MISCONDUCT", "explosives": "MISCONDUCT", "illegal_activities": "MISCONDUCT",
    "violence_threats": "VIOLENCE", "terrorism": "VIOLENCE", "self_harm_suicide": "SELF_HARM", "harassment_hate": "HATE",
}  # fmt: skip
_NO_TYPE = (
    "passport_germany", "passport_france", "passport_netherlands", "passport_canada", "passport_australia", "passport_china", "passport_japan",
    "passport_singapore", "eu_passport_generic", "br_cep", "br_cnpj", "br_rg", "fr_postal_code", "airline_pnr", "skywards_number", "uae_emirates_id",
    "flight_number", "sg_postal_code", "sg_uen", "sg_bank_account", "ca_immigration_doc", "ca_bank_account", "ca_postal_code", "uoft_utorid", "uoft_tcard",
)  # fmt: skip
_GROUPS = (
    "gender_sexual_orientation", "race_ethnicity_national_origin", "religion", "age_discrimination", "disability", "marital_family_status",
    "military_status", "public_assistance",
)  # fmt: skip
_PEOPLE = "words for groups of people are harmless in most texts, and are not looked for"
PATTERNS |= {name: Named(how="there is no such type here", instead=_REGEX) for name in _NO_TYPE}
PATTERNS |= {name: Named(how=_PEOPLE, instead=_TOPIC) for name in _GROUPS}

# Categories → a content filter, or a denied topic: its definition and examples.
CATEGORIES: dict[str, str | tuple[str, ...]] = {
    "harmful_self_harm": "SELF_HARM", "harmful_violence": "VIOLENCE", "harmful_illegal_weapons": "MISCONDUCT", "harmful_child_safety": "SEXUAL",
    "harm_toxic_abuse": "INSULTS", "harm_toxic_abuse_au": "INSULTS", "harm_toxic_abuse_es": "INSULTS", "harm_toxic_abuse_fr": "INSULTS",
    "bias_gender": "HATE", "bias_sexual_orientation": "HATE", "bias_racial": "HATE", "bias_religious": "HATE", "denied_insults": "INSULTS",
    "prompt_injection_jailbreak": "PROMPT_ATTACK", "prompt_injection_system_prompt": "PROMPT_ATTACK", "prompt_injection_sql": "PROMPT_ATTACK",
    "prompt_injection_malicious_code": "PROMPT_ATTACK", "prompt_injection_data_exfiltration": "PROMPT_ATTACK", "claims_system_override": "PROMPT_ATTACK",
    "denied_financial_advice": ("Advice on what somebody should do with their money: which investments to buy, hold or sell.", "Should I put my savings into gold?", "Which shares will go up this year?"),
    "denied_medical_advice": ("Advice on an illness of somebody's own: what they have, and which treatment or medicine to take.", "I have a rash on my arm, what is it?", "How many of these tablets can I take?"),
    "denied_legal_advice": ("Advice on a legal matter of somebody's own: what their rights are and what to do about them.", "Can my landlord throw me out?", "Should I sue my employer?"),
    "claims_fraud_coaching": ("How to make an insurance claim look different from what happened, to be paid more.", "How do I describe the damage so that they pay for the old scratch too?"),
    "claims_medical_advice": ("Advice on an illness or a treatment, asked beside an insurance claim.", "Which treatment should I choose for my back?"),
    "claims_phi_disclosure": ("Requests for health records or claims of somebody else.", "Tell me what my neighbour was treated for."),
    "claims_prior_auth_gaming": ("How to get a treatment approved by telling an insurer what is not true.", "What do I have to say so that they approve the scan?"),
    "age_discrimination": ("Treating people at work or in hiring differently because of their age.", "Reject everybody over fifty."),
    "disability": ("Treating people at work or in hiring differently because of a disability.", "Leave out applicants who use a wheelchair."),
    "gender_sexual_orientation": ("Treating people at work or in hiring differently because of their sex, gender or sexual orientation.", "Only invite men to the interview."),
    "military_status": ("Treating people at work or in hiring differently because they serve or served in an army.", "Do not hire reservists."),
    "religion": ("Treating people at work or in hiring differently because of their religion.", "Sort out applicants who fast."),
    "tone_detection": ("Rude, sarcastic or aggressive tone towards a customer.", "You should have read the manual."),
}  # fmt: skip


def convert(params: Item, kind: Item, plan: Plan, sides: Sequence[str], action: str) -> None:
    """Put the content filter's settings into the policy. ``action`` is ``detect`` where it only logs."""

    def doing(item: Item | None) -> str:
        word = "mask" if item is not None and str(item.value).upper() == "MASK" else "block"
        return "detect" if action == "detect" else word

    patterns, words, categories = params.get("patterns"), params.get("blocked_words"), params.get("categories")
    mask = _mask(params)
    for one in patterns.each() if patterns is not None else ():
        _pattern(one, plan, sides, doing(one.get("action")))
    _words(words.each() if words is not None else [], plan, sides, doing, mask)
    for one in categories.each() if categories is not None else ():
        _category(one, plan, sides, action, params.get("severity_threshold"))
    kind.kept("patterns, words and categories as its settings say")
    for key, instead in (
        ("blocked_words_file", "write its words one a line into a file, and name it under words.lists"),
        ("competitor_intent_config", "words.terms for names of competitors, or a denied topic for comparisons"),
        ("image_model", "uninspected: block, the default: what nobody can read does not pass"),
    ):
        part = params.get(key)
        if part is not None:
            part.dropped("it is not in this file" if key.endswith("file") else "there is nothing like it here", instead)
    severity, format_ = params.get("severity_threshold"), params.get("pattern_redaction_format")
    if severity is not None:
        severity.approximated("strength of the categories that name none")
    if format_ is not None:
        format_.approximated(
            "a mask names the type or pattern: {EMAIL}; mask: {style: constant, text: …} writes another text"
        )


def _mask(params: Item) -> dict[str, Any]:
    tag = params.get("keyword_redaction_tag")
    text = tag.text() if tag is not None else None
    if tag is None or text is None:
        return {}
    tag.kept("mask: {style: constant} of the words")
    return {"mask": {"style": "constant", "text": text}}


def _pattern(one: Item, plan: Plan, sides: Sequence[str], action: str) -> None:
    kind, name, regex = one.get("pattern_type"), one.get("pattern_name"), one.get("pattern")
    text = name.text() if name is not None else None
    own, made = one.get("name"), True
    if regex is not None and regex.text() is not None:
        called = (own.text() if own is not None else None) or text or "pattern"
        made = presidio.pattern(regex, called, f"(?i){regex.text()}", plan, sides, action)
        for part in (name, own):
            if part is not None:
                part.kept(f"its name: {named(called)}")
    elif name is not None and text in _JUDGED:
        place = plan.filter(_JUDGED[text], sides, "MEDIUM", action)
        name.approximated(
            f"content.{_JUDGED[text]} at MEDIUM: texts are judged by what they mean, not by single words", place
        )
    elif name is not None and text is not None:
        known = PATTERNS.get(text) or Named(how="this pattern is not known to this importer", instead=_REGEX)
        made = take(name, text, plan, sides, action, known)
    if not made:
        return one.dropped("it goes with its pattern, which was dropped", "as for its pattern")
    if kind is not None and any(part is not None and part.settled for part in (name, regex)):
        kind.kept("which kind of pattern it is")
    doing, about = one.get("action"), one.get("description")
    if doing is not None:
        doing.kept(f"action: {action}")
    if about is not None:
        about.dropped("a remark", "description of a pattern")
    return None


def _words(items: Sequence[Item], plan: Plan, sides: Sequence[str], doing: Any, mask: dict[str, Any]) -> None:
    """Neighbours with one action are one rule."""
    groups: dict[str, list[tuple[Item, Item, str]]] = {}
    for one in items:
        word = one.get("keyword")
        text = word.text() if word is not None else None
        if word is not None and text is not None:
            groups.setdefault(doing(one.get("action")), []).append((one, word, text))
    for action, found in groups.items():
        place = plan.terms(
            f"blocked-words-{action}", [term(t) for *_, t in found], sides, action, **(mask if action == "mask" else {})
        )
        for one, word, _ in found:
            word.approximated(f"words.blocked-words-{action}: a whole word, in any spelling", place)
            for key in ("action", "description"):
                part = one.get(key)
                if part is not None and key == "action":
                    part.kept(f"action: {action}", place)
                elif part is not None:
                    part.dropped("a remark", "a comment in the policy")


def _category(one: Item, plan: Plan, sides: Sequence[str], action: str, common: Item | None) -> None:
    name, enabled, file = one.get("category"), one.get("enabled"), one.get("category_file")
    text = (name.text() if name is not None else None) or ""
    if enabled is not None and enabled.flag() is False:
        return one.kept("off there, and not in the policy")
    if file is not None or text not in CATEGORIES:
        why = (
            "its words are in a file of its own" if file is not None else "this category is not known to this importer"
        )
        return one.dropped(
            f"{name.name() if name is not None else 'a category'}: {why}", f"words.terms for its words, or {_TOPIC}"
        )
    found, severity = CATEGORIES[text], one.get("severity_threshold") or common
    if isinstance(found, str):
        strength = _SEVERITY.get(str(severity.value) if severity is not None else "medium", "MEDIUM")
        place = plan.filter(found, INPUT if found == "PROMPT_ATTACK" else sides, strength, action)
        what = f"content.{found} at {strength}: texts are judged by what they mean, not by keywords"
    else:
        place = plan.topic(text, found[0], sides, examples=list(found[1:]))
        what = f"topic.{text}: a denied topic with a definition and examples of ours; write your own"
    if name is not None:
        name.approximated(what, place)
    for key, part in one.pairs():
        if key == "enabled":
            part.kept("on", place)
        elif key == "action" and str(part.value).upper() == "BLOCK":
            part.kept("action: block", place)
        elif key == "action":
            part.approximated("a text is judged as a whole: it is blocked, and nothing is masked", place)
        elif key == "severity_threshold":
            part.approximated("the strength; choose it with guardrails calibrate", place)
    return None

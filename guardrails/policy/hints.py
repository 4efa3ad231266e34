"""What authors write in other products' words, and what it is called here."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["home", "meant", "shape"]

_ACTIONS = {
    "mask": (
        "anonymize anonymise anonymized anonymous redact redacted redaction hide replace remove tokenize tokenise obfuscate pseudonymize "
        "pseudonymise scrub sanitize sanitise star masked masking filter"
    ),
    "block": "deny denied reject refuse stop forbid prohibit ban blocked blocking error fail intervene raise exception prevent",
    "detect": "log report audit warn warning flag monitor observe alert none noop no_action notify detected track record",
}
_FAILURES = {
    "allow": "open fail_open fail-open pass ignore continue none skip permit",
    "block": "closed close fail_closed fail-closed deny reject stop error raise fail",
    "detect": "log report warn flag",
}
_STRENGTHS = {
    "NONE": "off no false disabled disable 0 zero never",
    "LOW": "weak lenient loose light permissive 1",
    "MEDIUM": "mid moderate normal default balanced 2",
    "HIGH": "on yes true strict strong max maximum strictest 3 block enabled very_high",
}
_MASKS = {
    "type": "label name tag entity redact default placeholder",
    "numbered": "number counter index indexed tokenize token pseudonym pseudonymize unique",
    "partial": "stars asterisks star last4 last_4 first keep show_last characters mask partly truncate",
    "hash": "sha256 sha hmac hashed digest encrypt",
    "constant": "text replace fixed string literal custom static replacement",
}
_CATEGORIES = {
    "HATE": "hate_speech hatespeech discrimination racism identity_attack",
    "INSULTS": "insult toxicity toxic harassment abuse bullying profanity",
    "SEXUAL": "sex porn pornography nsfw adult sexual_content nudity",
    "VIOLENCE": "violent threat threats weapons gore terrorism",
    "MISCONDUCT": "crime criminal illegal illicit fraud dangerous",
    "PROMPT_ATTACK": "jailbreak jailbreaks prompt_injection injection promptinjection prompt_attacks prompt-attack attack",
    "SELF_HARM": "selfharm suicide self-harm self_injury",
}
_ENTITIES = {
    "CREDIT_DEBIT_CARD_NUMBER": "credit_card credit_card_number card_number card creditcard credit_debit_number debit_card pan payment_card cc",
    "CREDIT_DEBIT_CARD_CVV": "cvv cvc card_cvv security_code credit_debit_cvv",
    "CREDIT_DEBIT_CARD_EXPIRY": "card_expiry expiry expiry_date credit_debit_expiry",
    "US_SOCIAL_SECURITY_NUMBER": "ssn us_ssn social_security_number social_security",
    "EMAIL": "email_address e_mail mail emails email_addresses",
    "PHONE": "phone_number telephone tel mobile phone_numbers telephone_number mobile_number",
    "NAME": "person person_name names full_name first_name last_name people per",
    "INTERNATIONAL_BANK_ACCOUNT_NUMBER": "iban iban_code bank_account bank_account_number iban_number",
    "IP_ADDRESS": "ip ipv4 ipv6 ips",
    "SWIFT_CODE": "bic swift swift_bic",
    "ADDRESS": "location street_address postal_address street addresses home_address zip zip_code postcode",
    "DATE_OF_BIRTH": "dob birthday birth_date birthdate date_time",
    "US_BANK_ACCOUNT_NUMBER": "us_bank_number bank_number",
    "US_BANK_ROUTING_NUMBER": "aba_routing_number routing_number aba bank_routing",
    "US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER": "us_itin itin tin tax_id",
    "US_PASSPORT_NUMBER": "us_passport passport passport_number",
    "DRIVER_ID": "us_driver_license driver_license drivers_license driving_licence driver_licence",
    "LICENSE_PLATE": "number_plate plate registration_plate",
    "UK_NATIONAL_HEALTH_SERVICE_NUMBER": "nhs uk_nhs nhs_number",
    "UK_NATIONAL_INSURANCE_NUMBER": "uk_nino nino",
    "AWS_ACCESS_KEY": "aws_key access_key",
    "AWS_SECRET_KEY": "secret_key aws_secret",
    "CRYPTO_WALLET": "crypto bitcoin bitcoin_address wallet btc",
    "MEDICAL_RECORD_NUMBER": "mrn medical_record",
    "API_KEY": "apikey token secret secrets credentials api_keys access_token",
    "VEHICLE_IDENTIFICATION_NUMBER": "vin",
    "MAC_ADDRESS": "mac",
    "URL": "urls link website web_address domain",
    "USERNAME": "user user_name login account_name",
    "PASSWORD": "passwords passwd pwd passphrase",
    "DE_TAX_ID": "de_steuer_id steuer_id",
    "DE_ID_CARD": "personalausweis",
    "EU_VAT_NUMBER": "vat vat_number vat_id",
    "IN_PERMANENT_ACCOUNT_NUMBER": "in_pan",
}
_KEYS = {
    "except": "exception exceptions exclude excludes exclusions allow_list allowlist whitelist ignore unless",
    "message": "blocked_message response reply answer refusal text_when_blocked custom_message blocked_text",
    "pattern": "regex regexp expression re",
    "strength": "severity level sensitivity intensity filter_strength",
    "min_score": "threshold score confidence minimum_score score_threshold",
    "threshold": "score min_score confidence level",
    "definition": "describe about meaning",
    "examples": "example samples sample_phrases phrases utterances",
    "terms": "words list keywords phrases denylist blocklist blacklist denied",
    "term": "word phrase keyword",
    "lists": "list files word_lists wordlists",
    "file": "path filename list",
    "on_failure": "on_error onerror fail_mode failure on_fail fail",
    "mask": "style masking replacement replace_with redaction",
    "enabled": "enable active on disabled disable",
    "action": "mode do effect on_match on_detect behavior behaviour policy",
    "input": "inputs request prompt inbound user",
    "output": "outputs response answer completion outbound assistant",
    "entities": "types entity pii_entities",
    "regexes": "regex regexps patterns custom pattern",
    "countries": "country locale region regions",
    "blocked_input": "input blocked_input_messaging blockedinputmessaging",
    "blocked_output": "output blocked_outputs_messaging blockedoutputsmessaging",
    "owner": "contact author team",
    "extends": "inherits inherit base parent include includes import extend",
    "topics": "denied_topics topic denied",
    "content": "content_filters filters categories moderation contents",
    "words": "word_filters wordlist blocklist word",
    "pii": "sensitive_information sensitive personal_data privacy",
    "grounding": "contextual_grounding hallucination factuality",
    "enforced": "enforce locked mandatory",
    "name": "title id",
    "deadline_ms": "timeout timeout_ms deadline",
    "max_characters": "max_length max_chars max_tokens length",
}


def _turned(table: dict[str, str]) -> dict[str, tuple[str, ...]]:
    out: dict[str, tuple[str, ...]] = {}
    for name, words in table.items():
        for word in words.split():
            out[word] = (*out.get(word, ()), name)
    return out


# Countries as people call them. Those of the Union that have identifiers here are offered for "EU".
_COUNTRY = _turned({
    "AT": "austria österreich oesterreich aut", "AU": "australia aus", "BE": "belgium belgië belgique belgien bel", "BR": "brazil brasil bra",
    "CA": "canada can", "CH": "switzerland schweiz suisse svizzera che swiss", "CN": "china chn prc", "DE": "germany deutschland ger deu german",
    "DK": "denmark danmark dnk", "ES": "spain españa espana esp", "FI": "finland suomi fin", "FR": "france fra",
    "GB": "uk england britain gbr united_kingdom great_britain scotland wales u.k.", "IE": "ireland éire eire irl", "IN": "india ind",
    "IT": "italy italia ita", "JP": "japan jpn", "KR": "korea kor south_korea", "MX": "mexico méxico mex", "NL": "netherlands holland nederland nld",
    "NO": "norway norge nor", "NZ": "new_zealand nzl", "PL": "poland polska pol", "PT": "portugal prt", "SE": "sweden sverige swe",
    "SG": "singapore sgp", "TH": "thailand tha", "TR": "turkey türkiye turkiye tur", "US": "usa america united_states united_states_of_america u.s. u.s.a.",
    "ZA": "south_africa zaf", "CZ": "czechia czech_republic cze", "GR": "greece grc el", "HU": "hungary hun", "RO": "romania rou",
    "LU": "luxembourg lux", "IL": "israel isr", "AR": "argentina arg", "CL": "chile chl", "CO": "colombia col", "ID": "indonesia idn",
    "MY": "malaysia mys", "PH": "philippines phl", "RU": "russia rus", "UA": "ukraine ukr", "HK": "hong_kong hkg", "TW": "taiwan twn",
    "VN": "vietnam vnm", "EG": "egypt egy", "SA": "saudi_arabia sau", "AE": "uae united_arab_emirates are", "NG": "nigeria nga",
    "KE": "kenya ken", "SK": "slovakia svk", "SI": "slovenia svn", "HR": "croatia hrv", "BG": "bulgaria bgr", "EE": "estonia est",
    "LV": "latvia lva", "LT": "lithuania ltu", "MT": "malta mlt", "CY": "cyprus cyp", "IS": "iceland isl", "LI": "liechtenstein lie",
})  # fmt: skip
_UNION = (
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()  # noqa: SIM905 - one line
)
# Areas of several countries.
_AREAS: dict[str, list[str]] = {
    **dict.fromkeys(("eu", "european_union"), _UNION),
    **dict.fromkeys(("europe", "europa"), sorted([*_UNION, "CH", "GB", "IS", "NO"])),
    "eea": sorted([*_UNION, "IS", "LI", "NO"]),
    "scandinavia": ["DK", "NO", "SE"],
    "nordics": ["DK", "FI", "IS", "NO", "SE"],
}
_SAYINGS: dict[str, dict[str, tuple[str, ...]]] = {
    "unknown-action": _turned(_ACTIONS),
    "unknown-strength": _turned(_STRENGTHS),
    "unknown-mask": _turned(_MASKS),
    "unknown-category": _turned(_CATEGORIES),
    "unknown-entity": _turned(_ENTITIES),
    "unknown-country": _COUNTRY,
    "unknown-key": _turned(_KEYS),
    "unknown-value": _turned(_FAILURES),
}

# Where a setting stands that somebody wrote in another place.
_HOMES = {
    **dict.fromkeys(("terms", "lists", "managed"), "words"),
    **dict.fromkeys(("entities", "countries", "regexes"), "pii"),
    **dict.fromkeys(("blocked_input", "blocked_output"), "messages"),
    **dict.fromkeys(("max_characters", "max_pieces", "deadline_ms"), "limits"),
    **dict.fromkeys(("scope", "window"), "conversation"),
    "owner": "metadata",
}
_SHAPES = {
    "content": "write one filter a line, such as HATE: HIGH",
    "topics": "write a list: each topic begins with - name: …, and has a definition below it",
    "words": "write words: {terms: [first, second]}",
    "words.terms": "write a list: terms: [first, second]",
    "words.lists": "write a list: lists: [{file: names.txt}]",
    "pii": "write pii: {entities: {EMAIL: mask}}",
    "pii.entities": "write one type a line, such as EMAIL: mask",
    "pii.regexes": "write a list: each regex begins with - name: …, and has a pattern below it",
    "pii.countries": "write a list: countries: [US, GB]; without it, ALL stands for the types of every country",
    "messages": "write messages: {blocked_input: …, blocked_output: …}",
    "limits": "write limits: {deadline_ms: 10000}",
    "metadata": "write metadata: {owner: …}",
    "rules": "write a list: each rule begins with - id: …, and has a detector below it",
    "conversation": "write conversation: {scope: latest, window: 4}",
    "": "write key: value, one setting a line, and begin with version: 1",
}


def meant(code: str, written: str, allowed: Sequence[str]) -> tuple[str | None, str | None]:
    """The name that is meant by a word of another product (None: not known here), and a remedy of its own if there is one."""
    word = written.strip().lower().replace(" ", "_")
    if code == "unknown-country":
        if word in _AREAS:
            there = [c for c in _AREAS[word] if c in allowed]
            return None, f"name its countries: {', '.join(there)}"
        if word in ("all", "any", "world", "worldwide", "*"):
            return None, "leave `countries` out: without it, ALL stands for the types of every country"
        codes = (
            *_COUNTRY.get(word, ()),
            *([word.upper()] if word.upper() in {n for c in _COUNTRY.values() for n in c} else []),
        )
        if codes and codes[0] not in allowed:
            return (
                None,
                f"no identifiers of {codes[0]} are built in: remove it, and write pii.regexes for those that you need",
            )
        return (codes[0], None) if codes else (None, "write two letters of ISO 3166, such as DE")
    if code == "unknown-action" and word in (
        "allow",
        "off",
        "disable",
        "disabled",
        "ignore",
        "skip",
        "pass",
        "no",
        "false",
        "permit",
    ):
        return None, "write enabled: false to switch the rule off, or action: detect to report only"
    return next((name for name in _SAYINGS.get(code, {}).get(word, ()) if name in allowed), None), None


def slip(written: str, key: str, allowed: Sequence[str]) -> str | None:
    """The remedy for a key that is none because of a sign in it, or because the file is not a policy."""
    blank = next((c for c in written if c != " " and (c.isspace() or c == "\ufeff")), None)
    if blank is not None:
        return f"write ordinary spaces: this key holds a blank of another kind (U+{ord(blank):04X})"
    name, colon, _ = written.partition(":")
    if colon and name in allowed:
        return f"write a blank after the colon: {name}: …"
    if not key and written in ("policy", "cases"):
        return "this is a file of cases for a policy: give it to guardrails test"
    return None


def home(written: str, key: str, entities: Sequence[str], categories: Sequence[str]) -> str | None:
    """The remedy for a setting that stands in another place than it belongs to."""
    name = written.upper()
    if name in entities or name == "ALL":
        return None if key == "pii.entities" else f"write it under entities: pii: {{entities: {{{name}: …}}}}"
    if name in categories:
        return f"write it under content: content: {{{name}: HIGH}}"
    section = _HOMES.get(written)
    return f"write it under {section}: {section}: {{{written}: …}}" if section and not key.startswith(section) else None


def shape(key: str) -> str | None:
    """How a section is written, for somebody who wrote something else."""
    if key.endswith(".examples"):
        return "write a list: examples: [first question, second question]"
    if key.endswith(".except"):
        return "write a list of exact values: except: [first, second]"
    if key in ("grounding", "relevance"):
        return f"write a threshold from 0 to 0.99, such as {key}: 0.75"
    return _SHAPES.get(key)

"""Presidio: the registry of recognisers in YAML, alone or in an analyzer's configuration, and lists of ad-hoc recognisers."""

from __future__ import annotations

from collections.abc import Sequence

from guardrails.migration.entities import Named, find, take
from guardrails.migration.plan import BOTH, Plan, named, term
from guardrails.migration.report import Item

__all__ = ["ASKING", "CLASSES", "NAME", "convert", "custom", "fits", "pattern"]

NAME = "presidio"
_FLAGS = ((2, "i"), (8, "m"), (16, "s"))  # of Python's re
_DEFAULT_FLAGS = 26
# A pattern with less is noise unless a word of context raises it, which a pattern here has not.
_WEAK = 0.4
_COUNTRIES = {"uk": "GB"}
_LANGUAGES = "patterns hold in every language; context words of the shipped types are ours"

# The class of a predefined recogniser → the entity it finds.
CLASSES: dict[str, tuple[str, ...]] = {
    "AbaRoutingRecognizer": ("ABA_ROUTING_NUMBER",), "AuAbnRecognizer": ("AU_ABN",), "AuAcnRecognizer": ("AU_ACN",),
    "AuMedicareRecognizer": ("AU_MEDICARE",), "AuTfnRecognizer": ("AU_TFN",), "CaPostalCodeRecognizer": ("CA_POSTAL_CODE",),
    "CaSinRecognizer": ("CA_SIN",), "CreditCardRecognizer": ("CREDIT_CARD",), "CryptoRecognizer": ("CRYPTO",), "DateRecognizer": ("DATE_TIME",),
    "DeBsnrRecognizer": ("DE_BSNR",), "DeFuehrerscheinRecognizer": ("DE_FUEHRERSCHEIN",), "DeHandelsregisterRecognizer": ("DE_HANDELSREGISTER",),
    "DeHealthInsuranceRecognizer": ("DE_HEALTH_INSURANCE",), "DeIdCardRecognizer": ("DE_ID_CARD",), "DeKfzRecognizer": ("DE_KFZ",),
    "DeLanrRecognizer": ("DE_LANR",), "DePassportRecognizer": ("DE_PASSPORT",), "DePlzRecognizer": ("DE_PLZ",),
    "DeSocialSecurityRecognizer": ("DE_SOCIAL_SECURITY",), "DeTaxIdRecognizer": ("DE_TAX_ID",), "DeTaxNumberRecognizer": ("DE_TAX_NUMBER",),
    "DeVatIdRecognizer": ("DE_VAT_ID",), "DkCprRecognizer": ("DK_CPR",), "EmailRecognizer": ("EMAIL_ADDRESS",), "EsNieRecognizer": ("ES_NIE",),
    "EsNifRecognizer": ("ES_NIF",), "EsPassportRecognizer": ("ES_PASSPORT",), "FiPersonalIdentityCodeRecognizer": ("FI_PERSONAL_IDENTITY_CODE",),
    "IbanRecognizer": ("IBAN_CODE",), "InAadhaarRecognizer": ("IN_AADHAAR",), "InGstinRecognizer": ("IN_GSTIN",), "InPanRecognizer": ("IN_PAN",),
    "InPassportRecognizer": ("IN_PASSPORT",), "InVehicleRegistrationRecognizer": ("IN_VEHICLE_REGISTRATION",), "InVoterRecognizer": ("IN_VOTER",),
    "IpRecognizer": ("IP_ADDRESS",), "ItDriverLicenseRecognizer": ("IT_DRIVER_LICENSE",), "ItFiscalCodeRecognizer": ("IT_FISCAL_CODE",),
    "ItIdentityCardRecognizer": ("IT_IDENTITY_CARD",), "ItPassportRecognizer": ("IT_PASSPORT",), "ItVatCodeRecognizer": ("IT_VAT_CODE",),
    "KrBrnRecognizer": ("KR_BRN",), "KrDriverLicenseRecognizer": ("KR_DRIVER_LICENSE",), "KrFrnRecognizer": ("KR_FRN",),
    "KrPassportRecognizer": ("KR_PASSPORT",), "KrRrnRecognizer": ("KR_RRN",), "MacAddressRecognizer": ("MAC_ADDRESS",),
    "MedicalLicenseRecognizer": ("MEDICAL_LICENSE",), "NgNinRecognizer": ("NG_NIN",), "NgVehicleRegistrationRecognizer": ("NG_VEHICLE_REGISTRATION",),
    "NhsRecognizer": ("UK_NHS",), "PhPassportRecognizer": ("PH_PASSPORT",), "PhTinRecognizer": ("PH_TIN",), "PhUmidRecognizer": ("PH_UMID",),
    "PhoneRecognizer": ("PHONE_NUMBER",), "PlPeselRecognizer": ("PL_PESEL",), "SeOrganisationsnummerRecognizer": ("SE_ORGANISATIONSNUMMER",),
    "SePersonnummerRecognizer": ("SE_PERSONNUMMER",), "SgFinRecognizer": ("SG_NRIC_FIN",), "SgUenRecognizer": ("SG_UEN",),
    "SpacyRecognizer": ("PERSON", "LOCATION", "DATE_TIME", "NRP", "ORGANIZATION"), "StanzaRecognizer": ("PERSON", "LOCATION", "DATE_TIME", "NRP", "ORGANIZATION"),
    "ThTninRecognizer": ("TH_TNIN",), "TrLicensePlateRecognizer": ("TR_LICENSE_PLATE",), "TrNationalIdRecognizer": ("TR_NATIONAL_ID",),
    "TransformersRecognizer": ("PERSON", "LOCATION", "ORGANIZATION", "AGE", "ID", "EMAIL", "DATE_TIME", "PHONE_NUMBER"),
    "UkDrivingLicenceRecognizer": ("UK_DRIVING_LICENCE",), "UkNinoRecognizer": ("UK_NINO",), "UkPassportRecognizer": ("UK_PASSPORT",),
    "UkPostcodeRecognizer": ("UK_POSTCODE",), "UkVehicleRegistrationRecognizer": ("UK_VEHICLE_REGISTRATION",), "UrlRecognizer": ("URL",),
    "UsBankRecognizer": ("US_BANK_NUMBER",), "UsClaimNumberRecognizer": ("US_CLAIM_NUMBER",),
    "UsHealthInsuranceMemberIdRecognizer": ("US_HEALTH_INSURANCE_MEMBER_ID",), "UsItinRecognizer": ("US_ITIN",), "UsLicenseRecognizer": ("US_DRIVER_LICENSE",),
    "UsMbiRecognizer": ("US_MBI",), "UsNpiRecognizer": ("US_NPI",), "UsPassportRecognizer": ("US_PASSPORT",),
    "UsPrescriptionNumberRecognizer": ("US_PRESCRIPTION_NUMBER",), "UsPriorAuthorizationNumberRecognizer": ("US_PRIOR_AUTHORIZATION_NUMBER",),
    "UsProviderTaxIdRecognizer": ("US_PROVIDER_TAX_ID",), "UsReferralNumberRecognizer": ("US_REFERRAL_NUMBER",), "UsSsnRecognizer": ("US_SSN",),
    "UuidRecognizer": ("UUID",), "ZaCompanyRegistrationRecognizer": ("ZA_COMPANY_REGISTRATION",), "ZaDriverLicenseRecognizer": ("ZA_DRIVER_LICENSE",),
    "ZaIdNumberRecognizer": ("ZA_ID_NUMBER",), "ZaIncomeTaxNumberRecognizer": ("ZA_INCOME_TAX_NUMBER",), "ZaLicensePlateRecognizer": ("ZA_LICENSE_PLATE",),
    "ZaMobileNumberRecognizer": ("ZA_MOBILE_NUMBER",), "ZaPassportRecognizer": ("ZA_PASSPORT",), "ZaTelephoneNumberRecognizer": ("ZA_TELEPHONE_NUMBER",),
    "ZaTrafficRegisterNumberRecognizer": ("ZA_TRAFFIC_REGISTER_NUMBER",), "ZaVatNumberRecognizer": ("ZA_VAT_NUMBER",),
}  # fmt: skip
# Recognisers that ask another model or service, whose entities are set there.
ASKING = (
    "AzureAILanguageRecognizer", "AzureHealthDeidRecognizer", "AzureOpenAILangExtractRecognizer", "BasicLangExtractRecognizer", "GLiNERRecognizer",
    "HuggingFaceNerRecognizer", "LangExtractRecognizer", "MedicalNERRecognizer",
)  # fmt: skip


def fits(root: Item) -> bool:
    """Whether the file looks like one."""
    listed = root.get("recognizers") or root.get("recognizer_registry", "recognizers")
    if listed is not None:
        return isinstance(listed.value, list)
    return any(one.get("supported_entity") is not None for one in root.each())


def convert(root: Item, plan: Plan) -> None:
    """Put the file into the policy, and say of every value what became of it."""
    registry = root.get("recognizer_registry") or root
    flags = registry.get("global_regex_flags")
    number = int(flags.number() or 0) if flags is not None else _DEFAULT_FLAGS
    listed = registry.get("recognizers")
    for item in listed.each() if listed is not None else registry.each():
        _recognizer(item, plan, "".join(letter for bit, letter in _FLAGS if number & bit))
    if flags is not None:
        flags.kept("flags of the patterns")
    countries = registry.get("supported_countries")
    for item, text in countries.texts() if countries is not None else ():
        place = plan.country(_COUNTRIES.get(text.lower(), text.upper()))
        if place is None:
            item.dropped("no identifier of that country is known here", "patterns of yours under pii.regexes")
        else:
            item.kept("pii.countries", place)
    for part in (root.get("supported_languages"), registry.get("supported_languages")):
        if part is not None:
            part.approximated(_LANGUAGES)
    for key in ("nlp_configuration", "nlp_engine_conf_file", "recognizer_registry_conf_file", "context_aware_enhancer"):
        part = root.get(key)
        if part is not None:
            part.dropped(
                "no engine for languages is chosen: models and context words are ours",
                "docs/pii.md says what stands around a value",
            )
    score = root.get("default_score_threshold")
    if score is not None:
        score.approximated("scores are ours, and count from 0.5: min_score of a type")


def _recognizer(item: Item, plan: Plan, flags: str) -> None:
    if item.text() is not None:
        return _predefined(item, item, plan)
    enabled = item.get("enabled")
    if enabled is not None and enabled.flag() is False:
        return item.kept("off there, and not in the policy")
    if enabled is not None:
        enabled.kept("on")
    if item.get("patterns") is not None or item.get("deny_list") is not None:
        return custom(item, plan, BOTH, flags)
    name = item.get("class_name") or item.get("name")
    if name is not None and name.text() is not None:
        _predefined(item, name, plan)
    return None


def _predefined(item: Item, name: Item, plan: Plan) -> None:
    class_, scope = name.text() or "", item.get("supported_entities")
    if class_ in ASKING:
        return item.dropped(
            f"{class_}: another model or service finds these",
            "NAME, ADDRESS, AGE, USERNAME and PASSWORD are found by a model here; others as pii.regexes",
        )
    if class_ not in CLASSES:
        return None
    wanted = [text for _, text in scope.texts()] if scope is not None else list(CLASSES[class_])
    found = [(text, find(text)) for text in wanted]
    taken = [(text, known) for text, known in found if known.type or known.pattern]
    if len(found) == 1 or not taken:
        take(
            name,
            found[0][0] if found else class_,
            plan,
            BOTH,
            "mask",
            found[0][1] if found else Named(how="it finds nothing"),
        )
    else:
        for text, known in taken:
            place = (
                plan.entity(known.type, BOTH, "mask")
                if known.type
                else plan.regex(text, known.pattern or "", BOTH, "mask")
            )
        lost = ", ".join(text for text, known in found if not (known.type or known.pattern))
        name.approximated(
            f"{', '.join(known.type or text for text, known in taken)}, masked; not found here: {lost or 'nothing'}",
            place if not isinstance(place, str) else (),
        )
    if scope is not None:
        scope.kept("which of its entities count")
    for key, part in item.pairs():
        if key in {"name", "class_name", "type"}:
            part.kept("which recogniser it is")
        elif key in {"supported_language", "supported_languages", "context"}:
            part.approximated(_LANGUAGES)
        elif key == "supported_entity":
            part.kept("as its recogniser")
        elif key == "country_code":
            part.kept("its type belongs to that country")
        elif key == "score_thresholds":
            part.approximated("scores are ours, and count from 0.5: min_score of a type")
        elif key == "config_path":
            part.dropped("the configuration of another model", "docs/pii.md")
    return None


def custom(item: Item, plan: Plan, sides: Sequence[str], flags: str = "ims", action: str = "mask") -> None:
    """A recogniser that somebody wrote: patterns, and words of a deny list."""
    several = item.get("supported_entities")
    entity = item.get("supported_entity") or next(iter(several.each() if several is not None else ()), None)
    text = entity.text() if entity is not None else None
    if text is None:
        return
    name = named(text)
    patterns, denied, context = item.get("patterns"), item.get("deny_list"), item.get("context")
    for one in patterns.each() if patterns is not None else ():
        _scored(one, name, plan, sides, flags, action)
    if denied is not None and (words := [term(t) for _, t in denied.texts()]):
        place = plan.terms(name, words, sides, action, mask={"style": "constant", "text": f"{{{name}}}"})
        denied.kept(f"words.{name}, {action}", place)
        score = item.get("deny_list_score")
        if score is not None:
            score.approximated("a word that is found counts", place)
    if entity is not None:
        entity.kept("the name of its rules, and of their mask")
    if context is not None:
        context.approximated(
            "a pattern counts wherever it matches: words around it neither raise nor lower it; write them into the pattern where it is weak"
        )
    for key, part in item.pairs():
        if key in {"name", "type"}:
            part.kept("which recogniser it is")
        elif key in {"supported_language", "supported_languages"}:
            part.approximated("patterns and words hold in every language")
        elif key == "supported_entities":
            part.kept("the names of its rules")
        elif key == "country_code":
            part.approximated("in force for every country")
        elif key == "score_thresholds":
            part.approximated("a match counts, whatever its score")


def _scored(  # noqa: PLR0917 - a pattern, and where it goes
    one: Item, name: str, plan: Plan, sides: Sequence[str], flags: str, action: str
) -> None:
    """A pattern with a name and a score."""
    regex, score, label = one.get("regex"), one.get("score"), one.get("name")
    text = regex.text() if regex is not None else None
    if regex is None or text is None:
        return
    value = score.number() if score is not None else None
    weak = value is not None and value < _WEAK
    if not pattern(regex, name, f"(?{flags}){text}" if flags else text, plan, sides, "detect" if weak else action):
        one.dropped("its pattern cannot be used", "write the pattern in another way")
    if score is not None and weak:
        score.approximated(
            "too weak to act on alone: only reported; write action: mask once the pattern tells enough by itself"
        )
    elif score is not None:
        score.approximated("a match counts")
    if label is not None:
        label.approximated(f"its findings are called {name}")


def pattern(  # noqa: PLR0917 - a pattern, and where it goes
    item: Item, name: str, text: str, plan: Plan, sides: Sequence[str], action: str
) -> bool:
    """Put a pattern of Python's ``re`` into the policy and say so of the item; False when RE2 does not take it."""
    place = plan.regex(name, text.replace(r"\Z", r"\z"), sides, action)
    if isinstance(place, str):
        item.dropped(
            f"RE2 does not take this pattern: {place.partition('; ')[0]}",
            f"{place.partition('; ')[2]} (docs/regexes.md)",
        )
        return False
    item.kept(f"{plan.called(place)}, {action} of {' and '.join(sides)}", place)
    return True

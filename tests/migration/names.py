"""Every name that each product knows, as its own documentation and registries list them."""

from __future__ import annotations

LLM_GUARD_INPUT = (
    "Anonymize", "BanCode", "BanCompetitors", "BanSubstrings", "BanTopics", "Code", "EmotionDetection", "Gibberish", "InvisibleText", "Language",
    "PromptInjection", "Regex", "Secrets", "Sentiment", "TokenLimit", "Toxicity",
)  # fmt: skip
LLM_GUARD_OUTPUT = (
    "BanCode", "BanCompetitors", "BanSubstrings", "BanTopics", "Bias", "Code", "Deanonymize", "EmotionDetection", "FactualConsistency", "Gibberish", "JSON",
    "Language", "LanguageSame", "MaliciousURLs", "NoRefusal", "NoRefusalLight", "ReadingTime", "Regex", "Relevance", "Sensitive", "Sentiment", "Toxicity",
    "URLReachability",
)  # fmt: skip
# Settings without which a scanner does nothing.
LLM_GUARD_NEEDS = {
    "BanCompetitors": {"competitors": ["Contoso"]}, "BanSubstrings": {"substrings": ["kingfisher"]}, "BanTopics": {"topics": ["politics"]},
    "Code": {"languages": ["Python"]}, "Language": {"valid_languages": ["en"]}, "Regex": {"patterns": ["A-[0-9]{4}"]}, "ReadingTime": {"max_time": 5},
}  # fmt: skip

LITELLM = (
    "aporia", "bedrock", "dynamoai", "guardrails_ai", "lakera", "lakera_v2", "presidio", "hide-secrets", "hiddenlayer", "aim", "cato_networks", "pangea",
    "crowdstrike_aidr", "lasso", "pillar", "grayswan", "panw_prisma_airs", "cisco_ai_defense", "azure/prompt_shield", "azure/text_moderations", "model_armor",
    "openai_moderation", "noma", "noma_v2", "tool_permission", "zscaler_ai_guard", "javelin", "enkryptai", "ibm_guardrails", "litellm_content_filter",
    "mcp_security", "onyx", "promptguard", "xecguard", "prompt_security", "generic_guardrail_api", "qualifire", "custom_code", "ovalix", "microsoft_purview",
    "semantic_guard", "mcp_end_user_permission", "block_code_execution", "akto", "mcp_jwt_signer", "llm_as_a_judge", "deepkeep", "qostodian_nexus", "rubrik",
    "vigil_guard", "repelloai", "singulr", "headroom", "compresr", "typesafe", "straiker", "alice", "reco", "agent_365", "llm_shield_proxy", "conduct",
    "airia", "wingback", "decision_model",
)  # fmt: skip
LITELLM_PATTERNS = (
    "us_ssn", "us_ssn_no_dash", "email", "us_phone", "visa", "mastercard", "amex", "discover", "credit_card", "aws_access_key", "aws_secret_key", "github_token",
    "slack_token", "generic_api_key", "openai_api_key", "anthropic_api_key", "gemini_api_key", "ipv4", "ipv6", "url", "passport_us", "passport_uk",
    "passport_germany", "passport_france", "passport_netherlands", "passport_canada", "passport_india", "passport_australia", "passport_china",
    "passport_japan", "gender_sexual_orientation", "race_ethnicity_national_origin", "religion", "age_discrimination", "disability", "marital_family_status",
    "military_status", "public_assistance", "weapons_firearms", "weapons_other", "explosives", "violence_threats", "terrorism", "self_harm_suicide",
    "illegal_activities", "harassment_hate", "nl_bsn_contextual", "br_cpf", "br_cpf_unformatted", "br_phone_landline", "br_phone_mobile", "br_cep", "br_cnpj",
    "br_rg", "au_tfn", "au_abn", "au_medicare", "iban", "fr_nir", "eu_iban_enhanced", "fr_phone", "eu_vat", "eu_passport_generic", "fr_postal_code",
    "street_address", "airline_pnr", "skywards_number", "uae_emirates_id", "uae_phone", "flight_number", "sg_nric", "sg_phone", "sg_postal_code",
    "passport_singapore", "sg_uen", "sg_bank_account", "ca_sin", "ca_ohip", "ca_on_drivers_licence", "ca_immigration_doc", "ca_bank_account", "ca_postal_code",
    "uoft_student_id", "uoft_utorid", "uoft_tcard",
)  # fmt: skip
LITELLM_CATEGORIES = (
    "harmful_self_harm", "harmful_violence", "harmful_illegal_weapons", "harmful_child_safety", "bias_gender", "bias_sexual_orientation", "bias_racial",
    "bias_religious", "age_discrimination", "disability", "gender_sexual_orientation", "military_status", "religion", "denied_financial_advice",
    "denied_medical_advice", "denied_legal_advice", "denied_insults", "prompt_injection_jailbreak", "prompt_injection_system_prompt", "prompt_injection_sql",
    "prompt_injection_malicious_code", "prompt_injection_data_exfiltration", "claims_fraud_coaching", "claims_medical_advice", "claims_phi_disclosure",
    "claims_prior_auth_gaming", "claims_system_override", "harm_toxic_abuse", "harm_toxic_abuse_au", "harm_toxic_abuse_es", "harm_toxic_abuse_fr", "tone_detection",
)  # fmt: skip
# Presidio's entities as LiteLLM and openai-guardrails list them.
ENTITIES = (
    "CREDIT_CARD", "CRYPTO", "DATE_TIME", "EMAIL_ADDRESS", "IBAN_CODE", "IP_ADDRESS", "NRP", "LOCATION", "PERSON", "PHONE_NUMBER", "MEDICAL_LICENSE", "URL",
    "MAC_ADDRESS", "UUID", "CVV", "BIC_SWIFT", "US_BANK_NUMBER", "US_DRIVER_LICENSE", "US_ITIN", "US_PASSPORT", "US_SSN", "US_MBI", "US_NPI", "UK_NHS", "UK_NINO",
    "UK_PASSPORT", "UK_POSTCODE", "UK_VEHICLE_REGISTRATION", "UK_DRIVING_LICENCE", "ES_NIF", "ES_NIE", "ES_PASSPORT", "IT_FISCAL_CODE", "IT_DRIVER_LICENSE",
    "IT_VAT_CODE", "IT_PASSPORT", "IT_IDENTITY_CARD", "PL_PESEL", "SG_NRIC_FIN", "SG_UEN", "AU_ABN", "AU_ACN", "AU_TFN", "AU_MEDICARE", "IN_PAN", "IN_AADHAAR",
    "IN_VEHICLE_REGISTRATION", "IN_VOTER", "IN_PASSPORT", "IN_GSTIN", "FI_PERSONAL_IDENTITY_CODE", "DE_TAX_ID", "DE_TAX_NUMBER", "DE_VAT_ID", "DE_PASSPORT",
    "DE_ID_CARD", "DE_FUEHRERSCHEIN", "DE_SOCIAL_SECURITY", "DE_HEALTH_INSURANCE", "DE_LANR", "DE_BSNR", "DE_KFZ", "DE_HANDELSREGISTER", "DE_PLZ", "KR_RRN",
    "KR_FRN", "KR_PASSPORT", "KR_DRIVER_LICENSE", "KR_BRN", "CA_SIN", "SE_PERSONNUMMER", "SE_ORGANISATIONSNUMMER", "TH_TNIN", "TR_NATIONAL_ID",
    "TR_LICENSE_PLATE", "NG_NIN", "NG_VEHICLE_REGISTRATION", "PH_TIN", "PH_UMID", "PH_PASSPORT", "ZA_ID_NUMBER",
)  # fmt: skip

_ON = ("input", "output", "retrieval")
NEMO = (
    "activefence moderation on input", "activefence moderation on input detailed", "activefence moderation on output", "ai defense inspect prompt",
    "ai defense inspect response", "alignscore check facts", "autoalign check input", "autoalign check output", "autoalign factcheck output",
    "autoalign groundedness output", "clavata check for", "clavata check input", "clavata check output", "cleanlab trustworthiness",
    "content safety check input", "content safety check output", "context bloat detection on input", "context bloat detection on retrieval",
    "crowdstrike aidr guard input", "crowdstrike aidr guard output", "f5 guardrails scan input", "f5 guardrails scan output", "fiddler bot faithfulness",
    "fiddler bot safety", "fiddler user safety", "gcpnlp moderation", "gcpnlp moderation detailed", "guardrailsai check input", "guardrailsai check output",
    "hallucination warning", "hf classifier check input", "hf classifier check output", "hf classifier check retrieval", "injection detection",
    "jailbreak detection heuristics", "jailbreak detection model", "llama guard check input", "llama guard check output", "pangea ai guard input",
    "pangea ai guard output", "patronus api check output", "patronus lynx check output hallucination", "policyai moderation on input",
    "policyai moderation on output", "protect prompt", "protect response", "self check facts", "self check hallucination", "self check input",
    "self check output", "topic safety check input", "trend ai guard input", "trend ai guard output",
    *(f"{who}{doing} {what} on {where}" for who, what in (("", "sensitive data"), ("", "pii"), ("gliner ", "pii"), ("polygraf ", "pii")) for doing in ("detect", "mask") for where in _ON),
    *(f"regex check {where}" for where in _ON),
)  # fmt: skip

OPENAI = (
    "Competitors", "Contains PII", "Custom Prompt Check", "Hallucination Detection", "Jailbreak", "Keyword Filter", "Moderation", "NSFW Text",
    "Off Topic Prompts", "Prompt Injection Detection", "Secret Keys", "URL Filter",
)  # fmt: skip
OPENAI_CATEGORIES = (
    "sexual", "sexual/minors", "hate", "hate/threatening", "harassment", "harassment/threatening", "self-harm", "self-harm/intent", "self-harm/instructions",
    "violence", "violence/graphic", "illicit", "illicit/violent",
)  # fmt: skip

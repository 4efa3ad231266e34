"""The names of the trade in one place: Bedrock's vocabulary and what we add to it."""

from __future__ import annotations

__all__ = [
    "ATTACKS",
    "BEDROCK_CONTENT",
    "BEDROCK_PII",
    "CONTENT",
    "COUNTRY_OF",
    "EXTRA_PII",
    "MANAGED_LISTS",
    "PII",
    "STRENGTHS",
]

# Content filters. SELF_HARM is ours: Bedrock folds it into other categories.
BEDROCK_CONTENT = ("HATE", "INSULTS", "SEXUAL", "VIOLENCE", "MISCONDUCT", "PROMPT_ATTACK")
CONTENT = (*BEDROCK_CONTENT, "SELF_HARM")
# What PROMPT_ATTACK consists of, where a user attacks directly.
ATTACKS = ("JAILBREAK", "PROMPT_INJECTION", "PROMPT_LEAKAGE")
STRENGTHS = ("NONE", "LOW", "MEDIUM", "HIGH")
MANAGED_LISTS = ("PROFANITY",)

# The 31 types of Bedrock's CreateGuardrail, with the country whose identifier it is (None: anywhere).
BEDROCK_PII: dict[str, str | None] = {
    "ADDRESS": None,
    "AGE": None,
    "AWS_ACCESS_KEY": None,
    "AWS_SECRET_KEY": None,
    "CA_HEALTH_NUMBER": "CA",
    "CA_SOCIAL_INSURANCE_NUMBER": "CA",
    "CREDIT_DEBIT_CARD_CVV": None,
    "CREDIT_DEBIT_CARD_EXPIRY": None,
    "CREDIT_DEBIT_CARD_NUMBER": None,
    "DRIVER_ID": None,
    "EMAIL": None,
    "INTERNATIONAL_BANK_ACCOUNT_NUMBER": None,
    "IP_ADDRESS": None,
    "LICENSE_PLATE": None,
    "MAC_ADDRESS": None,
    "NAME": None,
    "PASSWORD": None,
    "PHONE": None,
    "PIN": None,
    "SWIFT_CODE": None,
    "UK_NATIONAL_HEALTH_SERVICE_NUMBER": "GB",
    "UK_NATIONAL_INSURANCE_NUMBER": "GB",
    "UK_UNIQUE_TAXPAYER_REFERENCE_NUMBER": "GB",
    "URL": None,
    "USERNAME": None,
    "US_BANK_ACCOUNT_NUMBER": "US",
    "US_BANK_ROUTING_NUMBER": "US",
    "US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER": "US",
    "US_PASSPORT_NUMBER": "US",
    "US_SOCIAL_SECURITY_NUMBER": "US",
    "VEHICLE_IDENTIFICATION_NUMBER": None,
}

# Ours, beyond Bedrock.
EXTRA_PII: dict[str, str | None] = {
    "DATE_OF_BIRTH": None,
    "MEDICAL_RECORD_NUMBER": None,
    "HEALTH_INSURANCE_NUMBER": None,
    "INSURANCE_POLICY_NUMBER": None,
    "EMPLOYEE_ID": None,
    "GEO_COORDINATES": None,
    "CRYPTO_WALLET": None,
    "PRIVATE_KEY": None,
    "JWT": None,
    "API_KEY": None,
    "IMEI": None,
    "US_MEDICARE_BENEFICIARY_ID": "US",
    "US_NATIONAL_PROVIDER_ID": "US",
    "US_DEA_NUMBER": "US",
    "UK_PASSPORT_NUMBER": "GB",
    "EU_VAT_NUMBER": None,
    "AT_SOCIAL_SECURITY_NUMBER": "AT",
    "DE_TAX_ID": "DE",
    "DE_ID_CARD": "DE",
    "DE_SOCIAL_SECURITY_NUMBER": "DE",
    "FR_SOCIAL_SECURITY_NUMBER": "FR",
    "ES_NIF": "ES",
    "ES_NIE": "ES",
    "IT_FISCAL_CODE": "IT",
    "NL_CITIZEN_SERVICE_NUMBER": "NL",
    "PL_PESEL": "PL",
    "PT_TAX_ID": "PT",
    "BE_NATIONAL_NUMBER": "BE",
    "CH_SOCIAL_SECURITY_NUMBER": "CH",
    "SE_PERSONAL_NUMBER": "SE",
    "FI_PERSONAL_IDENTITY_CODE": "FI",
    "NO_NATIONAL_ID": "NO",
    "DK_CPR_NUMBER": "DK",
    "IE_PERSONAL_PUBLIC_SERVICE_NUMBER": "IE",
    "TR_NATIONAL_ID": "TR",
    "AU_TAX_FILE_NUMBER": "AU",
    "AU_MEDICARE_NUMBER": "AU",
    "AU_BUSINESS_NUMBER": "AU",
    "NZ_HEALTH_INDEX_NUMBER": "NZ",
    "IN_AADHAAR": "IN",
    "IN_PERMANENT_ACCOUNT_NUMBER": "IN",
    "IN_VOTER_NUMBER": "IN",
    "IN_PASSPORT_NUMBER": "IN",
    "SG_NRIC": "SG",
    "KR_RESIDENT_NUMBER": "KR",
    "JP_MY_NUMBER": "JP",
    "CN_RESIDENT_ID": "CN",
    "BR_CPF": "BR",
    "MX_CURP": "MX",
    "ZA_ID_NUMBER": "ZA",
    "TH_NATIONAL_ID": "TH",
}

PII = (*BEDROCK_PII, *EXTRA_PII)
COUNTRY_OF: dict[str, str | None] = {**BEDROCK_PII, **EXTRA_PII}

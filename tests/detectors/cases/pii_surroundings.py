"""Cases of the PII detector: values in emphasis, glued to words, in encoded headers; numbers that are part of something else."""

from guardrails.detectors.pii import Settings
from tests.detectors.case import Case

_IP, _CARD = "IP_ADDRESS", "CREDIT_DEBIT_CARD_NUMBER"
_IBAN, _SSN = "INTERNATIONAL_BANK_ACCOUNT_NUMBER", "US_SOCIAL_SECURITY_NUMBER"

_FOUND = (
    ("PHONE", "call __[PHONE:212-555-0187]__ now"),
    (_SSN, f"SSN _[{_SSN}:536-90-4399]_"),
    (_SSN, f"ssn_[{_SSN}:536-90-4399]"),
    (_SSN, f"SSN:[{_SSN}:536-**90**-4399]"),
    (_SSN, f"my social is [{_SSN}:536 90 4399]"),
    ("EMAIL", "mail _[EMAIL:bob@example.com]_ please"),
    ("EMAIL", "â€œ[EMAIL:bob@example.com]â€ wrote"),
    (_IP, f"ip __[{_IP}:203.0.113.7]__"),
    (_CARD, f"card [{_CARD}:4111 **1111** 1111 1111]"),
    (_CARD, f"card [{_CARD}:4111 ~~1111~~ 1111 1111]"),
    (_CARD, f"card[{_CARD}:4111111111111111]"),
    (_CARD, f"id,number\n7,[{_CARD}:4111111111111111].0\n8,[{_CARD}:5500005555555559].00"),
    ("PHONE", "tel [PHONE:+44 **20** 7946 0018]"),
    (_IBAN, f"IBAN __[{_IBAN}:DE89370400440532013000]__"),
    (_IBAN, f"IBAN[{_IBAN}:DE89370400440532013000]"),
    (_IBAN, f"IBAN [{_IBAN}:DE89 **3704** 0044 0532 0130 00]"),
    ("EMAIL", "Reply-To: [EMAIL:=?UTF-8?B?Ym9iQGV4YW1wbGUuY29t?=]"),
    (_IP, f"update [{_IP}:10.0.0.5] please"),
    (_IP, f"the latest release was pushed from [{_IP}:172.16.4.20]"),
    (_IP, f"section: access log\n[{_IP}:203.0.113.7] - -"),
    (_IP, f"the new version runs on [{_IP}:203.0.113.7]"),
    (_IP, f"upgrade the box at [{_IP}:198.51.100.7] tonight"),
    (_IP, f"update the record to [{_IP}:203.0.113.9] today"),
    (_IP, f"move the DNS record from [{_IP}:203.0.113.4] to [{_IP}:203.0.113.5]"),
    (_IP, f"install the agent on host=[{_IP}:52.1.2.3]"),
    (_IP, f"db ([{_IP}:34.5.6.7])"),
    (_SSN, f"ssn#[{_SSN}:536904399]"),
)
_NOT_FOUND = (
    (_IP, "Python 3.11.4.1"),
    (_IP, "nginx/1.25.3.1"),
    (_IP, "foo==1.2.3.4"),
    (_IP, "typing-extensions>=4.10.0.0"),
    (_IP, "LibreOffice/26.8.0.3"),
    (_IP, "tag 1.2.3.4"),
    (_IP, "upgraded to 1.2.3.4"),
    (_IP, "Bump lodash from 4.17.20.1 to 4.17.21.1"),
    (_IP, "upgrade rails from 6.1.7.2 to 7.0.4.3"),
    (_IP, 'gem "rails", "7.0.4.1"'),
    (_IP, "GEM\n    rack (2.2.6.4)"),
    (_IP, "apt-get install -y libfoo=1.2.3.4-1"),
    (_IP, 'AssemblyVersion("1.0.0.0")'),
    (_IP, 'app_version="1.2.3.4"'),
    (_IP, ".NET Framework 4.7.2.0"),
    (_IP, "implementation com.acme:lib:1.2.3.4"),
    ("DRIVER_ID", "glucose 182 mg/dL|70-105"),
    ("DRIVER_ID", "creatinine 1.2 mg/dL 1234567"),
    (_IP, "intro\n1.2.3.4 Scope of the standard"),
    (_IP, "OID 1.3.6.1"),
    (_IP, "sin[:, 0::2]"),
    (_CARD, "f865288c97ca4913887373728b8dfc4c"),
    (_CARD, "11111111-2222-3333-4444-555555555555"),
    (_CARD, "x = 4111111111111111.5"),
    (_CARD, "x = 4111111111111111.05"),
    (_CARD, "oid 4111111111111111.0.1"),
    ("US_BANK_ACCOUNT_NUMBER", "user_id_4111 and order_id_123456"),
    ("PASSWORD", r"a pattern such as [\u4e00-\u9fff]+"),
)

CASES = [
    *(Case(text, Settings(type_), text) for type_, text in _FOUND),
    *(Case(text, Settings(type_), text, type_, kind="near-miss") for type_, text in _NOT_FOUND),
]

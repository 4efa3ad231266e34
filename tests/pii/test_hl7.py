"""HL7 version 2: what a field holds follows from its place."""

from __future__ import annotations

import re

import pytest

from tests.patterns import patterns_only  # noqa: F401 - a fixture
from tests.pii.finding import detector, marked

ENGINE = detector()


@pytest.mark.parametrize(
    "expected",
    [
        "PID|1||[MEDICAL_RECORD_NUMBER:123456]^^^HOSP^MR||[NAME:Doe^John^Q^^Mr]||[DATE_OF_BIRTH:19640502]|M",
        "PID|||[MEDICAL_RECORD_NUMBER:A99]^^^H~[MEDICAL_RECORD_NUMBER:77-1]^^^S||[NAME:O'Neil^Mary]|[NAME:Smith]|[DATE_OF_BIRTH:195012310915]|F",
        "PID|1|[MEDICAL_RECORD_NUMBER:P7]|||[NAME:García^Ana]|||||||||"
        "[PHONE:(602)555-2006]|||||[US_SOCIAL_SECURITY_NUMBER:536-90-4399]|[DRIVER_ID:D1234567]^AZ",
        "PID|1||||[NAME:Ng^Li]||||||[ADDRESS:123 Main St^^Phoenix^AZ^85007]||^PRN^PH^^[PHONE:1^602^5552007]",
        "NK1|1|[NAME:Roe^Martha^M]|MTH^Mother^HL70063|[ADDRESS:12 Elm St^^Phoenix^AZ^85007]|^^^^[PHONE:1^555^5552006]",
        "GT1|1||[NAME:Doe^Jane]||[ADDRESS:12 Elm^^Tucson^AZ^85701]|[PHONE:(520)5551234]",
        "PV1|1|I|2000^2012^01||||004777^[NAME:Attend^Aaron^A^^^MD]|||SUR",
        "OBR|1|ABC|DEF|54089-8^Newborn screening panel^LN|||20240115",
        "OBX|1|NM|NBS^Newborn screening||12|mg/dL|10-20|N|||F",
        "MSH|^~\\&|ADT|HOSP|LAB|HOSP|20240115103000||ADT^A01|MSG00001|P|2.5",
    ],
)
def test_fields(expected: str) -> None:
    plain = re.sub(r"\[[A-Z_0-9]+:([^\]]*)\]", r"\1", expected)
    assert marked(ENGINE, f"MSH|^~\\&|A|B\r{plain}\r") == f"MSH|^~\\&|A|B\r{expected}\r"

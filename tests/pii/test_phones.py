"""Telephone numbers as people write them, in many countries, and what only looks like one."""

from __future__ import annotations

import re

import pytest

from tests.patterns import patterns_only  # noqa: F401 - a fixture
from tests.pii.finding import ALL, detector, marked

ENGINE = detector([t for t in ALL if t not in ("NAME", "ADDRESS", "AGE", "USERNAME", "PASSWORD")])

# No other thing is written like this: no word needs to stand beside it.
CLEAR = {
    "AU": "(02) 9374 4000|(03) 9999 1234|0412 345 678|1300 975 707",
    "AT, DE": "030/1234567|(030) 1234567|0171 1234567|0049 30 1234567|+49 (0) 30 1234567|0049 (0)30 1234567",
    "BD, PK": "01712-345678|0301-2345678",
    "BE, NL": "0470 12 34 56|06-12345678|020-1234567|06 12 34 56 78",
    "BR": "(11) 98765-4321|11 98765-4321|(21) 3456-7890",
    "CH": "044 668 18 00|079 123 45 67",
    "CN": "138 0013 8000|139-1234-5678|+86 138 0013 8000",
    "FR": "01-42-68-53-00|01 42 68 53 00|01.42.68.53.00|06-12-34-56-78",
    "GB": "0044 20 7946 0018|020 7946 0018|(020) 7946 0018|(0161) 496 0000|07700 900123|(0)20 7946 0018",
    "HU": "06 1 234 5678",
    "ID, MY, PH, TH, VN": "0812-3456-7890|012-345 6789|0917 123 4567|081 234 5678|091 234 56 78",
    "IE": "(01) 677 1234|087 123 4567",
    "IL, AE": "050-123-4567|03-123-4567",
    "JP": "03-1234-5678|090-1234-5678",
    "KE, NG, ZA": "0712 345 678|0803 123 4567|082 123 4567",
    "KR": "010-1234-5678|02-123-4567",
    "AR": "(011) 4321-5678",
    "RU, UA": "8 (916) 123-45-67|8(495)123-45-67|(495) 123-45-67|8-800-555-35-35|067 123 45 67",
    "SE, FI": "070-123 45 67|08-123 456 78|040 123 4567",
    "TR": "0532 123 45 67|0 (532) 123 45 67|(0532) 123 45 67",
    "US": "(212) 555-0187|212-555-0187|1-800-555-0100",
}

# Digits that may be anything, beside a word for a telephone.
BESIDE_A_WORD = """my number is 2125550187|mob 9876543210|ph 9876543210|contact no. 9876543210|WhatsApp 612345678|fax 2125550199
Phone:2125550187|text me at 4155550123|reach me on 555-0187|mon numéro est le 0612345678|joignable au 0612345678
cel. 5512345678|celular 3001234567|mi número es 612345678|móvil: 612 34 56 78|meu número é 11987654321
Meine Nummer ist 01711234567|Rufnummer 089 123456|il mio numero è 3331234567|telefoonnummer 0612345678|mijn nummer is 0612345678
mój numer to 600123456|cep: 5321234567|tlf 912 34 567|mitt nummer är 0701234567|puhelin 0401234567|τηλ. 2101234567
电话：13800138000|手机号13800138000|联系方式：13912345678|電話 0312345678|携帯は09012345678です|전화번호 01012345678|휴대폰: 01012345678
тел. 8 (916) 123-45-67|моб. 89161234567|мой номер 9161234567|رقم الهاتف: ٠١٠١٢٣٤٥٦٧٨|جوال 0501234567|טלפון 0501234567
फ़ोन 9876543210|मोबाइल नंबर 9876543210|মোবাইল 01712345678|โทร 0812345678|sđt 0912345678|no hp 081234567890
P: 2125550187|HP: 081234567890|(m) 07700900123|(c) 4155552671|contact 9876543210|للتواصل: 0501234567|llámanos: 912 345 678|contact# 4155552671|reach out at 4155552671"""

NONE = """Order 0123456789 shipped|order number 0123-456-7890|订单 13800138000|pedido 612345678|заказ 89161234567|Bestellnummer 01711234567
invoice 2024-001234|The price is 1 234 567 EUR|call me about 1.234.567 euros|ISBN 978-3-16-148410-0|ISBN 0-306-40615-2
ISSN 0378-5955|ORCID 0000-0002-1825-0097|date 2024-01-15 10:30:00|call on 15.01.2024 10|01/02/2024 10:30|01 02 03 04 05 06 07 08
version 1.2.3.4|v01.02.03|EIN 01-2345678|at 52.520008, 13.404954|0.5772156649|id 1234567890|tracking 1Z999AA10123456784
(1996) 1234-5678|12(34) 567-890|sum is 1,234,567.89|ticket 4567-8901-23|1700000000|GTIN 04012345678901|call f(12345678)
10 000 000|[01 23 45 67 89 01 23 45]|89 50 4e 47 0d 0a 1a 0a 00 00|SKU 0412-345-678|sort code 04-00-04|127.000.000.001
the hotline is open 0900-1700|order P: 2125550187"""


@pytest.mark.parametrize("country", CLEAR)
def test_clear_forms_need_no_word(country: str) -> None:
    for number in CLEAR[country].split("|"):
        for frame in ("{}", "That is {} in the evening.", "{}\n"):
            assert marked(ENGINE, frame.format(number)) == frame.format(f"[PHONE:{number}]")


@pytest.mark.parametrize("line", BESIDE_A_WORD.splitlines())
def test_digits_beside_a_word_for_a_telephone(line: str) -> None:
    for text in line.split("|"):
        assert not re.search(r"\d", re.sub(r"\[PHONE:[^\]]*\]", "", marked(ENGINE, text))), text


@pytest.mark.parametrize("line", NONE.splitlines())
def test_other_numbers_are_no_telephones(line: str) -> None:
    for text in line.split("|"):
        for frame in ("{}", "See {} for details."):
            assert "[PHONE" not in marked(ENGINE, frame.format(text)), text

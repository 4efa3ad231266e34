"""Telephone numbers: international, and national in the forms in which they are written.

A form that nothing else has (``(02) 9374 4000``, ``8 (916) 123-45-67``) counts by itself when it is a number of some country;
digits that may be anything count beside a word for a telephone only. What is a number where is asked of ``phonenumbers``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise

from guardrails.detectors.pii.recognizer import Spec
from guardrails.detectors.pii.recognizers import checks

__all__ = ["PHONE_WORDS", "RECOGNIZERS", "assigned"]

# International calling codes of one, two and three digits (ITU-T E.164 list of assigned codes).
_CODES = frozenset(
    "1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 "
    "90 91 92 93 94 95 98 211 212 213 216 218 220 221 222 223 224 225 226 227 228 229 230 231 232 233 234 235 236 237 "
    "238 239 240 241 242 243 244 245 246 247 248 249 250 251 252 253 254 255 256 257 258 260 261 262 263 264 265 266 "
    "267 268 269 290 291 297 298 299 350 351 352 353 354 355 356 357 358 359 370 371 372 373 374 375 376 377 378 380 "
    "381 382 383 385 386 387 389 420 421 423 500 501 502 503 504 505 506 507 508 509 590 591 592 593 594 595 596 597 "
    "598 599 670 672 673 674 675 676 677 678 679 680 681 682 683 685 686 687 688 689 690 691 692 800 808 850 852 853 "
    "855 856 870 878 880 881 882 883 886 888 960 961 962 963 964 965 966 967 968 970 971 972 973 974 975 976 977 979 "
    "992 993 994 995 996 998".split()
)


def international(value: str) -> bool | None:
    """An assigned calling code and 8 to 15 digits (E.164)."""
    digits = checks.digits(value)
    if digits.startswith("00"):
        digits = digits[2:]
    return (
        None
        if 8 <= len(digits) <= 15 and len(set(digits)) > 2 and any(digits[:n] in _CODES for n in (1, 2, 3))
        else False
    )


# Countries whose national forms are known here (ISO 3166-1), those of most speakers first.
_REGIONS = (
    "US GB IN FR DE AU IT ES BR MX RU CN JP KR TR PL NL BE CH AT IE NZ ZA SE NO DK FI PT GR CZ SK HU RO UA IL AE SA EG NG "
    "KE PK BD ID MY PH TH VN TW SG HK AR CO CL PE CA"
).split()


@lru_cache(maxsize=4096)
def assigned(number: str, regions: tuple[str, ...] = tuple(_REGIONS)) -> bool:
    """True when the digits, dialled in one of the countries, are a number that can exist there."""
    import phonenumbers  # noqa: PLC0415 - a tenth of a second, and most texts hold no number

    for region in regions:
        try:
            if phonenumbers.is_valid_number(phonenumbers.parse(number, region)):
                return True
        except phonenumbers.NumberParseException:
            continue
    return False


# "ext. 12" is dialled later.
_EXTENSION = re.compile(r"\s*,?\s*(?:x|ext\.?|extension) ?\d{1,6}$", re.IGNORECASE)
_SSN = re.compile(r"\d{3}[- ]\d{2}[- ]\d{4}")
_EIN = re.compile(r"\d{2}-\d{7}")
_HOURS = re.compile(r"(?:[01]\d|2[0-4])[0-5]\d ?[-–] ?(?:[01]\d|2[0-4])[0-5]\d")
_THOUSANDS = re.compile(r"\d{1,2}(?:[.,]\d{3}){2,3}")


def _country(*regions: str, digits: tuple[int, int] = (8, 12)) -> Callable[[str], bool | None]:
    """A check as a condition: so many digits, and a number of one of these countries (none given: of any)."""

    def condition(value: str) -> bool | None:
        number = checks.digits(_EXTENSION.sub("", value))
        if not digits[0] <= len(number) <= digits[1] or _DATE.match(value) or len(set(number)) < 3 or _counted(value):
            return False
        if _SSN.fullmatch(value) or _EIN.fullmatch(value) or _HOURS.fullmatch(value):
            return False
        return None if assigned(number, regions or tuple(_REGIONS)) else False

    return condition


def _counted(value: str) -> bool:
    """True for 01 02 03 04 05: a count, not a number."""
    steps = [int(g) for g in re.findall(r"\d+", value)]
    return len(steps) > 3 and all(b - a == 1 for a, b in pairwise(steps))


def international_form(value: str) -> bool | None:
    """As :func:`international`, and a number that the country has."""
    if international(value) is False:
        return False
    digits = checks.digits(_EXTENSION.sub("", value).replace("(0)", ""))
    digits = digits[2:] if digits.startswith("00") else digits
    return None if assigned("+" + digits, ("US",)) else False


# Dates, spans of years. 06.12.34.56.78 is none: no year has two more pairs behind it.
_DAY, _MONTH = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])"
_DATE = re.compile(
    rf"(?:19|20)\d\d[-/. ]{_MONTH}[-/. ]{_DAY}(?!\d)|(?:{_DAY}[-/. ]{_MONTH}|{_MONTH}[-/. ]{_DAY})[-/. ]"
    r"(?:(?:19|20)\d\d(?!\d)|\d\d(?!\d|[-/. ]\d\d(?:[-/. ]\d\d)*$))"
    r"|(?:19|20)\d\d ?[-–] ?(?:19|20)\d\d|(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])$"
)


def national(value: str) -> bool | None:
    """Seven to thirteen digits that are no date, span of years, sum, decimal number or social security number."""
    digits = checks.digits(value)
    if (
        not 7 <= len(digits) <= 13
        or len(set(digits)) < 3
        or _DATE.match(value)
        or _SSN.fullmatch(value)
        or _HOURS.fullmatch(value)
    ):
        return False
    return False if re.fullmatch(r"\d+\.\d+", value) or _THOUSANDS.fullmatch(value) else None


# Words for telephones and calling, by language; a word of four letters or more also stands for its inflections.
PHONE_WORDS = tuple(
    word
    for words in (
        # en
        "phone; telephone; tel; mobile; mob; cell; cellphone; fax; call me; call us; call; dial; "
        "whatsapp; sms; text me; text him; text her; text us; hotline; helpline; landline; ring; "
        "reach me; reach him; reach her; reach us; contact me; contact us; contact him; contact her; "
        "contact number; contact no; contact num; contact; reach out at; buzz; digits; emergency contact; my number; his number; her number; "
        "our number; their number; your number; ph; phn; voicemail; pager; switchboard; direct line; "
        "viber; wechat; handphone; hp no",
        # es
        "teléfono; móvil; movil; celular; cel; tlf; tlfn; tfno; telf; tfn; mi número; mi numero; "
        "su número; número de contacto; llámame; llamame; llámenos; llámanos; llamanos; llámenme; contáct; llamar; llame; llamadas",
        # pt
        "telemóvel; telemovel; meu número; meu numero; número de contato; ligue; ligar; contato",
        # fr
        "téléphone; tél; portable; mon numéro; mon numero; son numéro; notre numéro; votre numéro; "
        "appelez; appeler; appelle; rappeler; rappelez; joindre; joignable; gsm; ligne fixe; télécopie",
        # de
        "telefon; handy; mobil; rufnummer; ruf mich; rufen; anruf; festnetz; durchwahl; meine nummer; "
        "erreichbar; erreichen; fon; kontakt",
        # it
        "cellulare; mio numero; chiamami; chiamare; chiamate; chiama; recapito; nostro numero",
        # nl
        "telefoon; mobiel; mijn nummer; bel mij; bel me; bel ons; bellen; bereikbaar; telnr",
        # pl
        "komórk; kom; numer telefonu; mój numer; zadzwoń; dzwoń; dzwonić",
        # tr
        "cep; numaram; arayın; beni ara; ara beni; faks",
        # nordic
        "tlf; telnr; mitt nummer; mit nummer; numeroni; puhelin; puhelimeen; puh; soita; sími; farsími; ringa; numret",
        # el
        "τηλέφωνο; τηλ; κινητό; φαξ",
        # cs, hu, ro
        "mobilní; hívj; hívjon; sunați",
        # ru, uk
        "тел; телефон; моб; мобильн; мобільн; сотов; факс; звон; позвон; дзвон; подзвон; мой номер; "
        "мій номер; ватсап; вотсап; вацап",
        # ar
        "للتواصل; تواصل; هاتف; الهاتف; هاتفي; جوال; الجوال; جوالي; موبايل; الموبايل; تليفون; تلفون; رقمي; اتصل; الاتصال; "
        "واتساب; واتس; محمول; المحمول; فاكس; الفاكس",
        # fa, ur
        "تلفن; موبایل; شماره تماس; فون; موبائل; میرا نمبر; رابطہ",
        # he
        "טלפון; הטלפון; נייד; הנייד; פקס; וואטסאפ",
        # hi
        "फ़ोन; फोन; मोबाइल; मेरा नंबर; मेरा नम्बर; संपर्क; सम्पर्क; कॉल; व्हाट्सएप; व्हाट्सऐप; टेलीफोन; दूरभाष",
        # bn
        "ফোন; মোবাইল; আমার নম্বর; টেলিফোন; কল; হোয়াটসঅ্যাপ",
        # pa, ta, te
        "ਫੋਨ; ਫ਼ੋਨ; தொலைபேசி; போன்; கைபேசி; ఫోన్",
        # zh
        "电话; 電話; 手机; 手機; 联系方式; 聯絡; 联系我; 联系人; 拨打; 撥打; 致电; 致電; 传真; 傳真; 座机; 固话; 热线; 熱線; 微信",
        # ja
        "携帯; ケータイ; ファックス; ファクス; でんわ; 連絡先; スマホ; ｔｅｌ; 内線",
        # ko
        "전화; 휴대폰; 핸드폰; 연락처; 팩스; 휴대전화; 연락",
        # th
        "โทร; มือถือ; เบอร์",
        # vi
        "điện thoại; sđt; di động; gọi",
        # id
        "telepon; telp; nomor hp; no hp; nomor saya; hubungi; nomor telepon",
        # sw
        "simu; nambari",
    )
    for word in words.split("; ")
)

_NOT_PHONE = tuple(
    word
    for words in (
        # en
        "order; invoice; ticket; tracking; isbn; issn; account; routing; ssn; social security; version; sku; serial; imei; case; "
        "doi; timestamp; npi; nhs; mrn; card; iban; function; passport; policy; pmid; id; reference; gene; omim; ean; upc; batch; "
        "parcel; shipment; barcode; commit; coordinates; part no; part number; item",
        # de, nl
        "bestellung; bestellnummer; rechnung; auftrag; kundennummer; sendung; konto; artikel; seriennummer; bestelnummer; factuur",
        # fr
        "commande; facture; colis; suivi; numéro de client; siret; siren",
        # es, pt, it
        "pedido; factura; fatura; encomenda; seguimiento; cuenta; conta; ordine; fattura; spedizione; nota fiscal; cpf; cnpj; dni",
        # pl, tr, nordic
        "zamówieni; faktur; sipariş; fatura; ordrenummer; ordernummer; tilausnumero; lasku",
        # ru, ar, hi
        "заказ; счет; счёт; инн; طلب; الطلب; فاتورة; ऑर्डर; आर्डर",
        # zh, ja, ko
        "订单; 訂單; 单号; 注文; 請求; 주문; 송장; 身份证",
    )
    for word in words.split("; ")
)
_EXT = r"(?: ?,? ?(?:x|ext\.?|extension) ?\d{1,6})?"
_BEFORE = r"(?<![\w.,+\-/:#$€£])(?<!\d[ .\-])"
_AFTER = r"(?![\w\-]|[.,/:]\d|[ ]\d)"

RECOGNIZERS: tuple[Spec, ...] = (
    Spec(
        "PHONE",
        (
            (
                r"(?<![\w+])\+[1-9]\d{0,2}[ .\-]?(?:\(0?\d{1,4}\)[ .\-]?)?\d(?:[ .\-/]{0,2}\d){4,13}"
                + _EXT
                + r"(?![\w])",
                0.7,
            ),
            (
                r"(?<![\w+])(?<!\d[ .\-])00[1-9]\d{0,2}[ .\-]?(?:\(0?\d{1,4}\)[ .\-]?)?\d(?:[ .\-/]{0,2}\d){4,13}"
                + _EXT
                + r"(?![\w])",
                0.4,
            ),
        ),
        context=PHONE_WORDS,
        against=("version", "isbn", "timestamp"),
        validate=international,
    ),
    Spec(
        "PHONE",
        (
            (
                _BEFORE
                + r"00 ?[1-9]\d{0,2}[ .\-/](?:\(0\)[ .\-/]?)?\(?0?\d{1,4}\)?(?:[ .\-/]{1,2}\d{1,8}){1,5}"
                + _EXT
                + _AFTER,
                0.6,
            ),
            (_BEFORE + r"0?011[ .\-][1-9]\d{0,2}[ .\-]\(?\d{1,4}\)?(?:[ .\-/]{1,2}\d{1,8}){1,5}" + _AFTER, 0.5),
        ),
        context=PHONE_WORDS,
        against=_NOT_PHONE,
        validate=international_form,
    ),
    Spec(
        "PHONE",
        (
            (r"(?<![\w.+\-/])(?:1[ .\-]?)?\([2-9]\d{2}\)[ \-.]?\d{3}[ .\-]\d{4}" + _EXT + r"(?!\w|-\d)", 0.7),
            (r"(?<![\w.+\-/])(?:1[ \-])?[2-9]\d{2}-\d{3}-\d{4}" + _EXT + r"(?!\w|-\d)", 0.6),
            (r"(?<![\w.+\-/])(?:1\.)?[2-9]\d{2}\.\d{3}\.\d{4}" + _EXT + r"(?!\w|-\d)", 0.5),
            (r"(?<![\w.+\-/])1?\d{3}[ \-.]\d{3}[ \-.]\d{4}" + _EXT + r"(?!\w|-\d)", 0.3),
            (r"(?<![\w.+\-/])(?<!\d[ .\-])0\d{2,4}[ \-]\d{3,4}[ \-]?\d{3,4}(?![\w\-])", 0.5),
            (r"(?<![\w.+\-/])07\d{3} ?\d{6}(?![\w\-])", 0.45),
        ),
        context=PHONE_WORDS,
        against=_NOT_PHONE,
        validate=lambda v: None if set(checks.digits(v)) - {"0", "1"} else False,  # binary is no number to dial
    ),
    # With the 0 that is dialled inside the country: (02) 9374 4000, 030/1234567, 01-42-68-53-00, 0532 123 45 67.
    Spec(
        "PHONE",
        (
            (_BEFORE + r"(?:0 ?)?\(0\d{0,4}\)[ .\-/]{0,2}\d{2,8}(?:[ .\-/]\d{2,5}){0,4}" + _EXT + _AFTER, 0.6),
            (_BEFORE + r"0 ?\(\d{2,4}\)[ .\-/]{0,2}\d{2,8}(?:[ .\-/]\d{2,5}){0,4}" + _EXT + _AFTER, 0.6),
            (_BEFORE + r"0[1-9]\d{0,3}(?:[ \-]| ?/ ?)\d{1,8}(?:[ \-]\d{2,5}){0,4}" + _EXT + _AFTER, 0.5),
            (_BEFORE + r"0[1-9](?:[ .\-]\d{2}){4}" + _AFTER, 0.55),
            (_BEFORE + r"0[1-9]\d{0,2}(?:\.\d{2,4}){3,4}" + _AFTER, 0.5),
        ),
        context=PHONE_WORDS,
        against=_NOT_PHONE,
        validate=_country(digits=(9, 11)),
    ),
    # Behind a letter of a business card: "P: 2125550187", "(m) 07700900123".
    Spec(
        "PHONE",
        (
            (
                r"(?<![\w.&/])(?:[PTMCFHWptmcfhw] ?[:.]|\([ptmcfhw]\)|(?:HP|Hp|hp|Ph|ph|WA) ?[:.]?) ?(?P<value>\(?\d(?:[ ().\-/]{0,2}\d){8,11})"
                + _EXT
                + _AFTER,
                0.5,
            ),
        ),
        against=_NOT_PHONE,
        validate=_country(digits=(9, 12)),
    ),
    # Russia and its neighbours (8 is dialled first), and their seven digits 123-45-67 behind an area code.
    Spec(
        "PHONE",
        (
            (_BEFORE + r"8[ \-]?\(\d{3,5}\)[ \-]?\d{1,3}(?:[ \-]?\d{2}){2}" + _EXT + _AFTER, 0.65),
            (_BEFORE + r"8[ \-][3489]\d{2}[ \-]\d{3}[ \-]\d{2}[ \-]?\d{2}" + _AFTER, 0.55),
            (_BEFORE + r"\([3489]\d{2}\)[ \-]?\d{3}[ \-]\d{2}[ \-]\d{2}" + _AFTER, 0.6),
        ),
        context=PHONE_WORDS,
        against=_NOT_PHONE,
        validate=_country("RU", "KZ", "UA", "BY", "UZ", digits=(9, 11)),
    ),
    # Brazil and Mexico, China, Australia's free numbers.
    Spec(
        "PHONE",
        (
            (_BEFORE + r"\(\d{2}\)[ \-]?9?[ .]?\d{4}[ \-]\d{4}" + _EXT + _AFTER, 0.6),
            (_BEFORE + r"[1-9]\d[ \-]9[ .]?\d{4}-\d{4}" + _AFTER, 0.5),
        ),
        context=PHONE_WORDS,
        against=_NOT_PHONE,
        validate=_country("BR", "MX", "AR", digits=(10, 11)),
    ),
    Spec(
        "PHONE",
        (
            (_BEFORE + r"1[3-9]\d[ \-]\d{4}[ \-]\d{4}" + _AFTER, 0.55),
            (_BEFORE + r"1[38]00[ \-]\d{3}[ \-]\d{3}" + _AFTER, 0.5),
        ),
        context=PHONE_WORDS,
        against=_NOT_PHONE,
        validate=_country("CN", "AU", digits=(10, 11)),
    ),
    Spec(
        "PHONE",
        (
            (
                r"(?<![\w$€£#+\-/])(?<!\d[.,:])(?<!\w\()\(?\d(?:[ ().\-/]{0,2}\d){6,12}"
                + _EXT
                + r"(?![\w%\-/:]|[.,]\d| ?[€$£])",
                0.2,
            ),
        ),
        context=PHONE_WORDS,
        against=_NOT_PHONE,
        validate=national,
        requires_context=True,
    ),
)

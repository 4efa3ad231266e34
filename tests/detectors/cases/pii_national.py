"""Cases of the PII detector: national identifiers beyond the United States, the United Kingdom and Canada.

The numbers are the samples of the offices or of the standards, or made up with the right check digits.
"""

from guardrails.detectors.pii import Settings
from tests.detectors.case import Case

# Type: a valid value as usually written, other written forms, a value with a wrong check, a context word or "" where
# the form alone is enough, a text that only talks about it.
_Row = tuple[str, str, tuple[str, ...], str, str, str]
_TABLE: tuple[_Row, ...] = (
    (
        "AT_SOCIAL_SECURITY_NUMBER",
        "1237 010180",
        ("1237010180", "7813 280355"),
        "1238 010180",
        "Sozialversicherungsnummer",
        "Die Sozialversicherungsnummer hat 10 Stellen.",
    ),
    (
        "DE_TAX_ID",
        "86 095 742 719",
        ("86095742719", "65929970489"),
        "86 095 742 718",
        "Steuer-ID",
        "Die Steuer-ID hat 11 Ziffern.",
    ),
    ("DE_ID_CARD", "T220001293", ("L01X00T47",), "T220001294", "Personalausweis", "Der Personalausweis gilt 10 Jahre."),
    (
        "DE_SOCIAL_SECURITY_NUMBER",
        "15 070649 C 103",
        ("15070649C103", "65180539W001"),
        "15 070649 C 104",
        "",
        "Die Rentenversicherung prüft 12 Monate.",
    ),
    (
        "FR_SOCIAL_SECURITY_NUMBER",
        "2 55 08 14 168 025 38",
        ("2 69 05 49 588 157 80",),
        "2 55 08 14 168 025 39",
        "",
        "la sécurité sociale rembourse 70 euros",
    ),
    ("ES_NIF", "12345678Z", ("12.345.678-Z", "54362315-K", "12345678z"), "12345678A", "", "¿Cuál es su DNI?"),
    ("ES_NIE", "X1234567L", ("X-1234567-L", "Y1234567X"), "X1234567M", "", "pedir el NIE lleva 30 días"),
    (
        "IT_FISCAL_CODE",
        "RSSMRA85T10A562S",
        ("RSS MRA 85T10 A562S", "MRTMTT91D08F205J", "rssmra85t10a562s"),
        "RSSMRA85T10A562T",
        "",
        "il codice fiscale ha 16 caratteri",
    ),
    (
        "NL_CITIZEN_SERVICE_NUMBER",
        "123456782",
        ("1234.56.782", "123.456.782"),
        "123456783",
        "BSN",
        "een BSN heeft 9 cijfers",
    ),
    ("PL_PESEL", "44051401359", ("02070803628",), "44051401358", "PESEL", "numer PESEL ma 11 cyfr"),
    ("PT_TAX_ID", "123456789", ("123 456 789",), "123456788", "NIF", "o NIF tem 9 algarismos"),
    (
        "BE_NATIONAL_NUMBER",
        "85.07.30-033.28",
        ("17.07.30-033.84",),
        "85.07.30-033.29",
        "",
        "het rijksregisternummer telt 11 cijfers",
    ),
    (
        "CH_SOCIAL_SECURITY_NUMBER",
        "756.9217.0769.85",
        ("7569217076985",),
        "756.9217.0769.84",
        "",
        "die AHV-Nummer hat 13 Ziffern",
    ),
    (
        "SE_PERSONAL_NUMBER",
        "811218-9876",
        ("8112189876",),
        "811218-9877",
        "personnummer",
        "ett personnummer har 10 siffror",
    ),
    ("FI_PERSONAL_IDENTITY_CODE", "131052-308T", ("131052A308T",), "131052-308U", "", "henkilötunnus on 11 merkkiä"),
    (
        "NO_NATIONAL_ID",
        "01010750160",
        ("010107 50160",),
        "01010750161",
        "fødselsnummer",
        "et fødselsnummer har 11 siffer",
    ),
    (
        "IE_PERSONAL_PUBLIC_SERVICE_NUMBER",
        "6433435F",
        ("1234567T",),
        "6433435G",
        "PPS number",
        "apply for a PPS number in 3 weeks",
    ),
    ("TR_NATIONAL_ID", "10000000146", (), "10000000147", "TC Kimlik No", "TC kimlik numarası 11 hanelidir"),
    (
        "AU_TAX_FILE_NUMBER",
        "123 456 782",
        ("123456782", "123-456-782"),
        "123 456 783",
        "TFN",
        "do I need a TFN before 30 June?",
    ),
    ("AU_BUSINESS_NUMBER", "51 824 753 556", ("51824753556",), "51 824 753 557", "ABN", "an ABN has 11 digits"),
    (
        "IN_AADHAAR",
        "2341 2341 2346",
        ("234123412346", "9999 4105 7058"),
        "2341 2341 2347",
        "Aadhaar",
        "an Aadhaar has 12 digits",
    ),
    (
        "SG_NRIC",
        "S1234567D",
        ("F1234567N", "T1234567J", "G1234567X", "M1234567K", "s1234567d"),
        "S1234567E",
        "",
        "bring your NRIC at 9",
    ),
    ("KR_RESIDENT_NUMBER", "900101-1234568", (), "901301-1234568", "", "주민등록번호는 13자리입니다"),
    ("JP_MY_NUMBER", "1234 5678 9018", ("123456789018",), "1234 5678 9019", "My Number", "My Number has 12 digits"),
    ("CN_RESIDENT_ID", "11010519491231002X", ("11010519491231002x",), "110105194912310021", "", "身份证号有18位"),
    ("BR_CPF", "111.444.777-35", ("529.982.247-25",), "111.444.777-36", "", "o CPF tem 11 dígitos"),
    (
        "MX_CURP",
        "HEGG560427MVZRRL04",
        ("BOXW310820HNERXN09", "hegg560427mvzrrl04"),
        "HEGG560427MVZRRL05",
        "",
        "la CURP tiene 18 caracteres",
    ),
    ("ZA_ID_NUMBER", "8001015009087", ("800101 5009 087",), "8001015009088", "ID number", "an ID number has 13 digits"),
    (
        "TH_NATIONAL_ID",
        "1-1017-00230-70-8",
        ("1 1017 00230 70 8",),
        "1-1017-00230-70-9",
        "",
        "Thai ID cards are valid for 8 years",
    ),
)


def _of(row: _Row) -> list[Case]:
    type_, value, forms, wrong, word, talk = row
    settings = Settings(type_)
    before = f"{word}: " if word else "it is "
    cases = [Case(f"{type_} {v}", settings, f"{before}[{type_}:{v}], thanks") for v in (value, *forms)]
    cases += [
        Case(f"{type_} talk", settings, talk, type_, "negative"),
        Case(f"{type_} wrong check", settings, f"{before}is another one than {wrong}, thanks", type_, "near-miss"),
        Case(f"{type_} inside a longer run", settings, f"{word} X7{value}9Q".strip(), type_, "near-miss"),
    ]
    if word:
        cases.append(Case(f"{type_} without context", settings, f"order {value} has shipped", type_, "near-miss"))
    return cases


_GB, _VAT, _DK = Settings("UK_PASSPORT_NUMBER"), Settings("EU_VAT_NUMBER"), Settings("DK_CPR_NUMBER")
_PAN, _VOTER, _INDIA = (
    Settings("IN_PERMANENT_ACCOUNT_NUMBER"),
    Settings("IN_VOTER_NUMBER"),
    Settings("IN_PASSPORT_NUMBER"),
)
_FR, _KR, _CN, _BR, _TH = (
    Settings("FR_SOCIAL_SECURITY_NUMBER"),
    Settings("KR_RESIDENT_NUMBER"),
    Settings("CN_RESIDENT_ID"),
    Settings("BR_CPF"),
    Settings("TH_NATIONAL_ID"),
)
_SE, _BE, _JP = Settings("SE_PERSONAL_NUMBER"), Settings("BE_NATIONAL_NUMBER"), Settings("JP_MY_NUMBER")

CASES = [
    *(case for row in _TABLE for case in _of(row)),
    # A check letter beside a word for goods.
    Case("Spain, an order", Settings("ES_NIF"), "order 12345678Z has shipped", kind="near-miss"),
    Case("Spain, a part", Settings("ES_NIE"), "part no. X1234567L", kind="near-miss"),
    Case("Singapore, a serial number", Settings("SG_NRIC"), "serial S1234567D", kind="near-miss"),
    Case("India, a product", Settings("IN_PERMANENT_ACCOUNT_NUMBER"), "product ABCPE1234F", kind="near-miss"),
    # Forms that need a word where the usual one does not, and the reverse.
    Case("France, one run", _FR, "numéro de sécurité sociale: [FR_SOCIAL_SECURITY_NUMBER:255081416802538]"),
    Case("France, Corsica", _FR, "NIR [FR_SOCIAL_SECURITY_NUMBER:1 85 05 2A 006 084 35]"),
    Case("France, one run without context", _FR, "parcel 255081416802538", kind="near-miss"),
    Case("Sweden, twelve digits", _SE, "her number [SE_PERSONAL_NUMBER:19811218-9876]"),
    Case("Sweden, ten without context", _SE, "call 811218-9876", kind="near-miss"),
    Case("Sweden, month 13", _SE, "personnummer finns inte i ärende 811318-9875", kind="near-miss"),
    Case("Belgium, one run", _BE, "rijksregisternummer [BE_NATIONAL_NUMBER:85073003328]"),
    Case("Belgium, one run without context", _BE, "85073003328", kind="near-miss"),
    Case("Korea, since 2020", _KR, "주민등록번호: [KR_RESIDENT_NUMBER:210105-3234560]"),
    Case("Korea, in a sentence", _KR, "제 주민등록번호는 [KR_RESIDENT_NUMBER:900101-1234567]입니다"),
    Case("Korea, wrong check without context", _KR, "part 900101-1234567", kind="near-miss"),
    Case("China, in a sentence", _CN, "我的身份证号是[CN_RESIDENT_ID:11010519491231002X]。"),
    Case("China, no such province", _CN, "990105194912310028", kind="near-miss"),
    Case("China, 30 February", _CN, "11010519490230002X", kind="near-miss"),
    Case("Japan, in Japanese", _JP, "マイナンバーは[JP_MY_NUMBER:123456789018]です"),
    Case("Brazil, one run", _BR, "CPF [BR_CPF:11144477735]"),
    Case("Brazil, one run without context", _BR, "call 11144477735", kind="near-miss"),
    Case("Brazil, one digit repeated", _BR, "CPF 111.111.111-11", kind="near-miss"),
    Case("Thailand, one run", _TH, "Thai ID [TH_NATIONAL_ID:1101700230708]"),
    Case("Thailand, one run without context", _TH, "1101700230708", kind="near-miss"),
    # Denmark: no check digit, so always a word.
    Case("Denmark", _DK, "CPR-nummer [DK_CPR_NUMBER:070761-4285]"),
    Case("Denmark, one run", _DK, "cpr: [DK_CPR_NUMBER:0707614285]"),
    Case("Denmark, talk", _DK, "et CPR-nummer har 10 cifre", kind="negative"),
    Case("Denmark, 31 February", _DK, "CPR-nummer mangler i sag 310261-4285", kind="near-miss"),
    Case("Denmark, without context", _DK, "ring 070761-4285", kind="near-miss"),
    # Passports.
    Case("British passport", _GB, "UK passport [UK_PASSPORT_NUMBER:925076473]"),
    Case("any passport", _GB, "passport no. [UK_PASSPORT_NUMBER:925076473]"),
    Case("passport talk", _GB, "a British passport costs 88 pounds", kind="negative"),
    Case("eight digits", _GB, "British passport 92507647", kind="near-miss"),
    Case("without context", _GB, "reference 925076473", kind="near-miss"),
    Case("Indian passport", _INDIA, "Indian passport [IN_PASSPORT_NUMBER:J8369854]"),
    Case("any passport", _INDIA, "passport number: [IN_PASSPORT_NUMBER:A2096457]"),
    Case("passport talk", _INDIA, "my passport expires in 2027", kind="negative"),
    Case("ends in zero", _INDIA, "Indian passport J8369850", kind="near-miss"),
    Case("without context", _INDIA, "seat J8369854", kind="near-miss"),
    # VAT.
    Case("Germany", _VAT, "VAT ID [EU_VAT_NUMBER:DE136695976]"),
    Case("France", _VAT, "numéro de TVA [EU_VAT_NUMBER:FR 40 303265045]"),
    Case("Netherlands", _VAT, "btw-nummer: [EU_VAT_NUMBER:NL004495445B01]"),
    Case("Belgium, dotted", _VAT, "BTW [EU_VAT_NUMBER:BE 0428.759.497]"),
    Case("Austria", _VAT, "VAT: [EU_VAT_NUMBER:ATU13585627]"),
    Case("Italy", _VAT, "partita IVA [EU_VAT_NUMBER:IT00743110157]"),
    Case("Ireland", _VAT, "VAT no. [EU_VAT_NUMBER:IE6433435F]"),
    Case("two in a row", _VAT, "USt-IdNr. [EU_VAT_NUMBER:DE136695976] USt-IdNr. [EU_VAT_NUMBER:DE136695976]"),
    Case("Spain", _VAT, "VAT [EU_VAT_NUMBER:ESX1234567L]"),
    Case("VAT talk", _VAT, "prices include 19 % VAT", kind="negative"),
    Case("wrong check digit", _VAT, "VAT is due on part DE136695977", kind="near-miss"),
    Case("one digit short", _VAT, "VAT is due on part DE13669597", kind="near-miss"),
    Case("without context", _VAT, "part DE136695976", kind="near-miss"),
    # India.
    Case("PAN", _PAN, "PAN: [IN_PERMANENT_ACCOUNT_NUMBER:ABCPE1234F]"),
    Case("without context", _PAN, "[IN_PERMANENT_ACCOUNT_NUMBER:ABCPE1234F]"),
    Case("lower case", _PAN, "pan card [IN_PERMANENT_ACCOUNT_NUMBER:abcpe1234f]"),
    Case("a pan", _PAN, "a frying pan of 28 cm", kind="negative"),
    Case("no such holder", _PAN, "PAN ABCDE1234F", kind="near-miss"),
    Case("one letter short", _PAN, "PAN ABCP1234F", kind="near-miss"),
    Case("lower case without context", _PAN, "abcpe1234f", kind="near-miss"),
    Case("voter", _VOTER, "voter ID [IN_VOTER_NUMBER:ABC1234567]"),
    Case("EPIC", _VOTER, "EPIC no: [IN_VOTER_NUMBER:XGZ7654321]"),
    Case("voter talk", _VOTER, "2 of 3 voters stayed at home", kind="negative"),
    Case("six digits", _VOTER, "voter ID ABC123456", kind="near-miss"),
    Case("without context", _VOTER, "ABC1234567", kind="near-miss"),
]

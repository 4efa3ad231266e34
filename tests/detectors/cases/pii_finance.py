"""Cases of the PII detector: cards, bank accounts and what unlocks them."""

from guardrails.detectors.pii import Settings
from tests.detectors.case import Case

_CARD, _CVV, _EXPIRY = (
    Settings("CREDIT_DEBIT_CARD_NUMBER"),
    Settings("CREDIT_DEBIT_CARD_CVV"),
    Settings("CREDIT_DEBIT_CARD_EXPIRY"),
)
_IBAN, _SWIFT, _PIN = Settings("INTERNATIONAL_BANK_ACCOUNT_NUMBER"), Settings("SWIFT_CODE"), Settings("PIN")
_ACCOUNT, _ROUTING = Settings("US_BANK_ACCOUNT_NUMBER"), Settings("US_BANK_ROUTING_NUMBER")

CASES = [
    # Cards. The numbers are the networks' published test numbers.
    Case("Visa in fours", _CARD, "My card is [CREDIT_DEBIT_CARD_NUMBER:4111 1111 1111 1111]."),
    Case("Visa without context", _CARD, "[CREDIT_DEBIT_CARD_NUMBER:4012888888881881]"),
    Case("Mastercard with dashes", _CARD, "pay with [CREDIT_DEBIT_CARD_NUMBER:5555-5555-5555-4444] today"),
    Case("Mastercard of the 2 series", _CARD, "[CREDIT_DEBIT_CARD_NUMBER:2223 0031 2200 3222]"),
    Case("American Express", _CARD, "amex [CREDIT_DEBIT_CARD_NUMBER:3782 822463 10005]"),
    Case("Diners", _CARD, "[CREDIT_DEBIT_CARD_NUMBER:3056 930902 5904]"),
    Case("Discover", _CARD, "[CREDIT_DEBIT_CARD_NUMBER:6011111111111117]"),
    Case("JCB", _CARD, "[CREDIT_DEBIT_CARD_NUMBER:3530.1113.3330.0000]"),
    Case("13 digits", _CARD, "[CREDIT_DEBIT_CARD_NUMBER:4222222222222]"),
    Case("digit by digit", _CARD, "it is [CREDIT_DEBIT_CARD_NUMBER:4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1] ok"),
    Case("over a line break", _CARD, "card [CREDIT_DEBIT_CARD_NUMBER:4111 1111\n1111 1111]"),
    Case("a security code behind it", _CARD, "[CREDIT_DEBIT_CARD_NUMBER:4111 1111 1111 1111] 123"),
    Case("last four", _CARD, "the card ending in [CREDIT_DEBIT_CARD_NUMBER:4242] was charged"),
    Case("last four digits of a Visa", _CARD, "the last four digits of my visa are [CREDIT_DEBIT_CARD_NUMBER:1881]"),
    Case("dotted out", _CARD, "charged to XXXX-XXXX-XXXX-[CREDIT_DEBIT_CARD_NUMBER:4242]"),
    Case("our own partial mask", _CARD, "my card is **** **** **** 4242", kind="near-miss"),
    Case("no digits", _CARD, "I lost my credit card yesterday", kind="negative"),
    Case("a price", _CARD, "4111 EUR for 16 chairs", kind="negative"),
    Case("wrong check digit", _CARD, "The card came with order 4111 1111 1111 1112.", kind="near-miss"),
    Case("no issuer", _CARD, "card 9111 1111 1111 1111", kind="near-miss"),
    Case("a longer number", _CARD, "41111111111111111111111", kind="near-miss"),
    Case("two decimals", _CARD, "0.45478728 1.3819947 0.4111111111111111", kind="near-miss"),
    Case("order number", _CARD, "order 4111-1111-1111-1113 has shipped", kind="near-miss"),
    Case("a year after ending", _CARD, "the season ending 2019 was cold", kind="near-miss"),
    # Security codes.
    Case("CVV", _CVV, "cvv: [CREDIT_DEBIT_CARD_CVV:123]"),
    Case("four digits", _CVV, "The CVC of my Amex is [CREDIT_DEBIT_CARD_CVV:1234]."),
    Case("security code", _CVV, "security code [CREDIT_DEBIT_CARD_CVV:981]"),
    Case("the other way round", _CVV, "[CREDIT_DEBIT_CARD_CVV:321] is the cvv"),
    Case("in JSON", _CVV, '{"cvv2": "[CREDIT_DEBIT_CARD_CVV:868]"}'),
    Case("three digits alone", _CVV, "room 123 on floor 4", kind="negative"),
    Case("where the CVV is", _CVV, "Where do I find the CVV?", kind="negative"),
    Case("five digits", _CVV, "cvv 12345", kind="near-miss"),
    Case("next sentence", _CVV, "I typed the CVV. Then 404 came up.", kind="near-miss"),
    # Expiry dates.
    Case("two digits", _EXPIRY, "exp [CREDIT_DEBIT_CARD_EXPIRY:01/27]"),
    Case("four digits of the year", _EXPIRY, "Expiry date: [CREDIT_DEBIT_CARD_EXPIRY:01/2027]"),
    Case("month by name", _EXPIRY, "my visa expires [CREDIT_DEBIT_CARD_EXPIRY:Jan 2027]"),
    Case("valid thru", _EXPIRY, "VALID THRU [CREDIT_DEBIT_CARD_EXPIRY:12/28]"),
    Case("beside the CVV", _EXPIRY, "my card, [CREDIT_DEBIT_CARD_EXPIRY:09/26], and the cvv"),
    Case("a fraction", _EXPIRY, "01/27 of the cake is left", kind="negative"),
    Case("no date", _EXPIRY, "my card expires soon", kind="negative"),
    Case("month 13", _EXPIRY, "card expires 13/27", kind="near-miss"),
    Case("a passport", _EXPIRY, "my passport expires Jan 2027", kind="near-miss"),
    Case("a full date", _EXPIRY, "it was paid by card on 01/27/2024", kind="near-miss"),
    # IBAN.
    Case("Germany", _IBAN, "IBAN [INTERNATIONAL_BANK_ACCOUNT_NUMBER:DE89 3704 0044 0532 0130 00]"),
    Case("United Kingdom", _IBAN, "to [INTERNATIONAL_BANK_ACCOUNT_NUMBER:GB29NWBK60161331926819] please"),
    Case("Norway, the shortest", _IBAN, "[INTERNATIONAL_BANK_ACCOUNT_NUMBER:NO93 8601 1117 947]"),
    Case("a word in capitals behind it", _IBAN, "[INTERNATIONAL_BANK_ACCOUNT_NUMBER:BE68 5390 0754 7034] KBC BANK"),
    Case("lower case", _IBAN, "[INTERNATIONAL_BANK_ACCOUNT_NUMBER:fr14 2004 1010 0505 0001 3m02 606]"),
    Case("the word only", _IBAN, "Which IBAN do you need?", kind="negative"),
    Case("wrong check digits", _IBAN, "Bank transfer DE88 3704 0044 0532 0130 00", kind="near-miss"),
    Case("one digit short", _IBAN, "Bank transfer DE89 3704 0044 0532 0130 0", kind="near-miss"),
    Case("words that check", _IBAN, "toll-free at 888-346-3656 to locate libraries", kind="near-miss"),
    Case("no such country", _IBAN, "XX89 3704 0044 0532 0130 00", kind="near-miss"),
    # BIC.
    Case("11 characters", _SWIFT, "SWIFT: [SWIFT_CODE:DEUTDEFF500]"),
    Case("8 characters", _SWIFT, "the bank's BIC is [SWIFT_CODE:CHASUS33]"),
    Case("verb", _SWIFT, "a swift answer, please", kind="negative"),
    Case("a word in capitals", _SWIFT, "SWIFT PASSWORD", kind="near-miss"),
    Case("no such country", _SWIFT, "swift code ABCDQQ22", kind="near-miss"),
    Case("without context", _SWIFT, "model CHASUS33 is sold out", kind="near-miss"),
    # Accounts.
    Case("account number", _ACCOUNT, "my account number is [US_BANK_ACCOUNT_NUMBER:000123456789]"),
    Case("with a hash sign", _ACCOUNT, "Account #[US_BANK_ACCOUNT_NUMBER:10198835]"),
    Case("savings", _ACCOUNT, "savings acct [US_BANK_ACCOUNT_NUMBER:7478877077]"),
    Case("no number", _ACCOUNT, "please close my savings account", kind="negative"),
    Case("a number alone", _ACCOUNT, "10198835 people came", kind="negative"),
    Case("an order", _ACCOUNT, "your account shows order 10198835", kind="near-miss"),
    Case("an amount", _ACCOUNT, "the account holds $100200300", kind="near-miss"),
    Case("a date", _ACCOUNT, "the account was opened on 2025-08-22", kind="near-miss"),
    Case("five digits", _ACCOUNT, "account 12345", kind="near-miss"),
    # Routing numbers.
    Case("routing", _ROUTING, "routing number [US_BANK_ROUTING_NUMBER:021000021]"),
    Case("ABA", _ROUTING, "ABA [US_BANK_ROUTING_NUMBER:0110-0001-5]"),
    Case("word only", _ROUTING, "the routing of the parcel", kind="negative"),
    Case("wrong check digit", _ROUTING, "routing of the wire with 021000022", kind="near-miss"),
    Case("no such district", _ROUTING, "routing of the wire with 921000021", kind="near-miss"),
    Case("without context", _ROUTING, "021000021", kind="near-miss"),
    # PIN.
    Case("PIN", _PIN, "my pin is [PIN:4821]"),
    Case("with a colon", _PIN, "PIN: [PIN:9694]"),
    Case("the other way round", _PIN, "[PIN:4821] is my new pin"),
    Case("a needle", _PIN, "a safety pin and 1200 needles", kind="negative"),
    Case("two digits", _PIN, "connect pin 13 to ground", kind="near-miss"),
    Case("a post code", _PIN, "city Pune, postal PIN code 411001", kind="near-miss"),
]

"""Cases of the PII detector: keys, tokens, wallets, devices.

Tokens are put together at import time from parts and, where the issuer has a checksum, with a computed one; wallets are
the published test vectors of their formats (BIP 173, BIP 350, EIP-55, CashAddr, SEP-23) and Bitcoin's first address.
"""

import base64
import json
import zlib

from guardrails.detectors.pii import Settings
from tests.detectors.case import Case

_PEM, _JWT, _API = Settings("PRIVATE_KEY"), Settings("JWT"), Settings("API_KEY")
_WALLET, _IMEI = Settings("CRYPTO_WALLET"), Settings("IMEI")

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ALNUM = "q7Zt2LmX9cVb4NwK8dRf6HsJ3gYp5TaE1uWk0oQi" * 8  # looks random, is not
_HEX = "3f9a1c7e5b2d8046e1f7a9c3d5b8024671e9c8f0a4b6d2358fe1c07ba965d432" * 4


def _base62(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 62)
        text = _BASE62[digit] + text
    return text.rjust(6, "0")


def _checked(prefix: str) -> str:
    return prefix + _ALNUM[:30] + _base62(zlib.crc32(_ALNUM[:30].encode()))


def _part(value: object) -> str:
    raw = value.encode() if isinstance(value, str) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


_TOKEN = ".".join((_part({"alg": "HS256", "typ": "JWT"}), _part({"sub": "nobody", "iat": 1516239022}), _ALNUM[:43]))
_NO_ALG = ".".join((_part({"typ": "nothing", "x": 1}), _part({"sub": "nobody"}), _ALNUM[:43]))
_JWE = ".".join((_part({"alg": "dir", "enc": "A256GCM"}), "", _ALNUM[:16], _ALNUM[:40], _ALNUM[:22]))
_UNSIGNED = ".".join((_part({"alg": "none"}), _part({"sub": "nobody"}), ""))

_DASHES = "-" * 5
_BODY = "\n".join(_ALNUM[i : i + 64] for i in range(0, 256, 64))


def _pem(kind: str, body: str = _BODY, newline: str = "\n") -> str:
    return newline.join(
        (f"{_DASHES}BEGIN {kind}{_DASHES}", body.replace("\n", newline), f"{_DASHES}END {kind}{_DASHES}")
    )


_OPEN = f"{_DASHES}BEGIN RSA PRIVATE KEY{_DASHES}\n{_BODY}"
_CLOSED = f"{_BODY}\n{_DASHES}END RSA PRIVATE KEY{_DASHES}"
_SSH2 = "\n".join(f"---- {side} SSH2 ENCRYPTED PRIVATE KEY ----" for side in ("BEGIN", "END")).replace(
    "\n", f"\n{_BODY}\n"
)
_PUTTY = (
    "PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\nComment: test\nPrivate-Lines: 1\n"
    + _ALNUM[:64]
    + "\nPrivate-"
    + f"MAC: {_HEX[:40]}"
)

# What each provider's key looks like: name and value.
_KEYS = (
    ("GitHub", _checked("gh" + "p_")),
    ("GitHub app", _checked("gh" + "s_")),
    ("GitHub fine-grained", "github" + "_pat_" + _ALNUM[:22] + "_" + _ALNUM[:59]),
    ("npm", _checked("np" + "m_")),
    ("GitLab", "gl" + "pat-" + _ALNUM[:20]),
    ("OpenAI project", "sk" + "-proj-" + _ALNUM[:48]),
    ("OpenAI, old", "sk" + "-" + _ALNUM[:20] + "T3Blb" + "kFJ" + _ALNUM[20:40]),
    ("Anthropic", "sk" + "-ant-api03-" + _ALNUM[:93] + "AA"),
    ("OpenRouter", "sk" + "-or-v1-" + _HEX[:64]),
    ("Hugging Face", "hf" + "_" + "abcdefghijKLMNOPQRSTuvwxyzABCDEFGH"),
    ("Groq", "gs" + "k_" + _ALNUM[:52]),
    ("Replicate", "r8" + "_" + _ALNUM[:37]),
    ("Google", "AI" + "za" + _ALNUM[:35]),
    ("Google OAuth", "ya" + "29." + _ALNUM[:60]),
    ("Slack", "xo" + "xb-" + "123456789012-123456789012-" + _ALNUM[:24]),
    ("Slack app", "xa" + "pp-1-A012345678-" + "123456789012-" + _HEX[:64]),
    ("Slack webhook", "https://hooks.sl" + "ack.com/services/T012345678/B012345678/" + _ALNUM[:24]),
    ("Stripe", "sk" + "_live_" + _ALNUM[:24]),
    ("Stripe, restricted", "rk" + "_test_" + _ALNUM[:24]),
    ("Twilio", "S" + "K" + _HEX[:32]),
    ("SendGrid", "S" + "G." + _ALNUM[:22] + "." + _ALNUM[:43]),
    ("Mailgun", "ke" + "y-" + _HEX[:32]),
    ("Mailchimp", _HEX[:32] + "-us" + "12"),
    ("PyPI", "py" + "pi-AgEIcHlwaS5vcmc" + _ALNUM[:60]),
    ("RubyGems", "ruby" + "gems_" + _HEX[:48]),
    ("Docker Hub", "dckr" + "_pat_" + _ALNUM[:27]),
    ("DigitalOcean", "do" + "p_v1_" + _HEX[:64]),
    ("Databricks", "da" + "pi" + _HEX[:32]),
    ("Shopify", "shp" + "at_" + _HEX[:32]),
    ("Square", "sq0" + "csp-" + _ALNUM[:43]),
    ("Telegram", "1234567890:" + "AA" + _ALNUM[:33]),
    ("Discord", _part("1234567890123456789") + "." + _ALNUM[:6] + "." + _ALNUM[:38]),
    ("Vault", "hv" + "s." + _ALNUM[:24]),
    ("Grafana", "gl" + "sa_" + _ALNUM[:32] + "_" + _HEX[:8]),
    ("Linear", "lin" + "_api_" + _ALNUM[:40]),
    ("Notion", "nt" + "n_" + _ALNUM[:46]),
    ("New Relic", "NR" + "AK-" + _ALNUM[:27].upper()),
    ("Postman", "PM" + "AK-" + _HEX[:24] + "-" + _HEX[:34]),
    ("Tailscale", "tsk" + "ey-auth-" + _ALNUM[:12] + "-" + _ALNUM[:32]),
    ("Airtable", "pa" + "t" + _ALNUM[:14] + "." + _HEX[:64]),
    ("Azure AD", "abc" + "8" + "Q~" + _ALNUM[:34]),
)

CASES = [
    # Private keys.
    Case("PKCS 8", _PEM, f"here:\n[PRIVATE_KEY:{_pem('PRIVATE KEY')}]\nthanks"),
    Case("PKCS 1", _PEM, f"[PRIVATE_KEY:{_pem('RSA PRIVATE KEY')}]"),
    Case("OpenSSH", _PEM, f"[PRIVATE_KEY:{_pem('OPENSSH PRIVATE KEY')}]"),
    Case("elliptic curve", _PEM, f"[PRIVATE_KEY:{_pem('EC PRIVATE KEY')}]"),
    Case("encrypted", _PEM, f"[PRIVATE_KEY:{_pem('ENCRYPTED PRIVATE KEY')}]"),
    Case("headers", _PEM, f"[PRIVATE_KEY:{_pem('RSA PRIVATE KEY', 'Proc-Type: 4,ENCRYPTED' + chr(10) * 2 + _BODY)}]"),
    Case("PGP", _PEM, f"[PRIVATE_KEY:{_pem('PGP PRIVATE KEY BLOCK', 'Version: GnuPG v2' + chr(10) * 2 + _BODY)}]"),
    Case("in JSON", _PEM, '{"private_key": "[PRIVATE_KEY:' + _pem("PRIVATE KEY", newline="\\n") + ']\\n"}'),
    Case("in one line", _PEM, f"key [PRIVATE_KEY:{_pem('PRIVATE KEY', newline=' ')}] end"),
    Case("two of them", _PEM, f"[PRIVATE_KEY:{_pem('PRIVATE KEY')}]\nand\n[PRIVATE_KEY:{_pem('EC PRIVATE KEY')}]"),
    Case("cut off", _PEM, f"[PRIVATE_KEY:{_OPEN}]\n\nis what I have."),
    Case("without its beginning", _PEM, f"the rest is:\n[PRIVATE_KEY:{_CLOSED}]"),
    Case("SSH2", _PEM, f"[PRIVATE_KEY:{_SSH2}]"),
    Case("PuTTY", _PEM, f"[PRIVATE_KEY:{_PUTTY}]"),
    Case("Bitcoin, wallet import format", _PEM, "[PRIVATE_KEY:5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ]"),
    Case("talk of keys", _PEM, "Keep your private key secret and publish the public key.", kind="negative"),
    Case("a certificate", _PEM, _pem("CERTIFICATE"), kind="near-miss"),
    Case("a public key", _PEM, _pem("PUBLIC KEY"), kind="near-miss"),
    Case("import, one off", _PEM, "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTK", kind="near-miss"),
    # JSON web tokens.
    Case("signed", _JWT, f"Authorization: Bearer [JWT:{_TOKEN}]"),
    Case("at the end of a sentence", _JWT, f"it is [JWT:{_TOKEN}], right?"),
    Case("encrypted", _JWT, f"token=[JWT:{_JWE}]&x=1"),
    Case("unsigned", _JWT, f"try [JWT:{_UNSIGNED}] now"),
    Case("word only", _JWT, "A JWT has three parts: header.payload.signature", kind="negative"),
    Case("no algorithm", _JWT, _NO_ALG, kind="near-miss"),
    Case("no JSON", _JWT, "eyJzzzzzzzzzzzzz.abcdefgh.ijklmnop", kind="near-miss"),
    Case("a version", _JWT, "release 1.22.333", kind="negative"),
    # Providers' keys.
    *(Case(name, _API, f"use [API_KEY:{value}] here") for name, value in _KEYS),
    Case("beside its name", _API, f"api_key = [API_KEY:{_HEX[:32]}]"),
    Case("in JSON", _API, f'{{"clientSecret": "[API_KEY:{_ALNUM[:40]}]"}}'),
    Case("in the environment", _API, f"export OPENWEATHER_API_KEY=[API_KEY:{_HEX[:32]}]"),
    Case("in words", _API, f"my API key is [API_KEY:{_HEX[5:37]}]."),
    Case("in a header", _API, f"X-Api-Key: [API_KEY:{_ALNUM[:24]}]"),
    Case("in a query", _API, f"https://x.example/v1?access_token=[API_KEY:{_ALNUM[:32]}]&q=1"),
    Case("bearer", _API, f"-H 'Authorization: Bearer [API_KEY:{_ALNUM[:40]}]'"),
    Case("storage account", _API, f"AccountName=x;AccountKey=[API_KEY:{_ALNUM[:86]}==];EndpointSuffix=y"),
    Case("hidden label", _API, f"a\u200bpi key: [API_KEY:{_HEX[:32]}]"),
    Case("word only", _API, "Where do I find my API key?", kind="negative"),
    Case("a stand-in", _API, "api_key = YOUR_API_KEY_HERE_123", kind="near-miss"),
    Case("from the environment", _API, "const API_KEY = process.env.TRELLO_API_KEY_2;", kind="near-miss"),
    Case("a path through code", _API, "secret_key: config.services.backend2.credentials", kind="near-miss"),
    Case("names of variables", _API, "ACCESS_KEY_ID, CF_R2_SECRET_ACCESS_KEY", kind="near-miss"),
    Case("words with dashes", _API, "api-key: my-cool-project-2024-key", kind="near-miss"),
    Case("little entropy", _API, "api_key = 1111111111111111aaaa", kind="near-miss"),
    Case("a dummy", _API, 'sample config: api_key="ab12-cd34ef56ab78cd90" (dummy)', kind="near-miss"),
    Case("a commit", _API, f"fixed in {_HEX[:40]}", kind="near-miss"),
    Case("a digest", _API, f"sha256:{_HEX[:64]}", kind="near-miss"),
    Case("a UUID", _API, "request 3f2504e0-4f89-11d3-9a0c-0305e82c3301 failed", kind="near-miss"),
    Case("too short for GitHub", _API, "gh" + "p_" + _ALNUM[:20], kind="near-miss"),
    Case("a snake", _API, "sk-learn and sk-image are packages", kind="negative"),
    Case("Discord, no number", _API, "Mabcdefghijklmnopqrstuvw.abcdef." + _ALNUM[:27], kind="near-miss"),
    # Wallets.
    Case("Bitcoin", _WALLET, "send it to [CRYPTO_WALLET:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa]"),
    Case("Bitcoin, script", _WALLET, "[CRYPTO_WALLET:3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy]"),
    Case("Bitcoin, segwit", _WALLET, "[CRYPTO_WALLET:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4]"),
    Case("upper case", _WALLET, "[CRYPTO_WALLET:BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4]"),
    Case("Bitcoin, taproot", _WALLET, "[CRYPTO_WALLET:bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0]"),
    Case("Ethereum", _WALLET, "[CRYPTO_WALLET:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed]"),
    Case("Ethereum, lower case", _WALLET, "my wallet: [CRYPTO_WALLET:0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed]"),
    Case("Ethereum, mistyped", _WALLET, "eth address [CRYPTO_WALLET:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD]"),
    Case("Bitcoin Cash", _WALLET, "[CRYPTO_WALLET:bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a]"),
    Case("XRP Ledger", _WALLET, "[CRYPTO_WALLET:rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh]"),
    Case("Stellar", _WALLET, "[CRYPTO_WALLET:GBRPYHIL2CI3FNQ4BXLFMNDLFJUNPU2HY3ZMFSHONUCEOASW7QC7OX2H]"),
    Case("Solana", _WALLET, "my solana wallet [CRYPTO_WALLET:7EqQdEULxWcraVx3mXKFjc84LhCkMGZCkRuDpvcMwJeK]"),
    Case("Monero", _WALLET, f"[CRYPTO_WALLET:4A{(_ALNUM * 2).replace('0', 'B').replace('O', 'C')[:93]}]"),
    Case("word only", _WALLET, "I keep 2 bitcoin in a wallet", kind="negative"),
    Case("Bitcoin, one letter off", _WALLET, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", kind="near-miss"),
    Case("segwit, one letter off", _WALLET, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", kind="near-miss"),
    Case("Ethereum, wrong case", _WALLET, "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD", kind="near-miss"),
    Case("a transaction", _WALLET, "0x" + _HEX[:64], kind="near-miss"),
    Case("zeros", _WALLET, "0x" + "0" * 40, kind="near-miss"),
    Case("Stellar, one off", _WALLET, "GBRPYHIL2CI3FNQ4BXLFMNDLFJUNPU2HY3ZMFSHONUCEOASW7QC7OX2I", kind="near-miss"),
    Case("Solana without context", _WALLET, "7EqQdEULxWcraVx3mXKFjc84LhCkMGZCkRuDpvcMwJeK", kind="near-miss"),
    # Handsets. The number is GSMA's sample.
    Case("IMEI", _IMEI, "IMEI: [IMEI:490154203237518]"),
    Case("in groups", _IMEI, "the imei is [IMEI:49-015420-323751-8]"),
    Case("blanks", _IMEI, "IMEI number [IMEI:490154 20 323751 8]"),
    Case("word only", _IMEI, "dial *#06# to see the IMEI", kind="negative"),
    Case("wrong check digit", _IMEI, "the IMEI of order 490154203237519", kind="near-miss"),
    Case("without context", _IMEI, "order 490154203237518", kind="near-miss"),
    Case("a longer number", _IMEI, "IMEI 4901542032375180", kind="near-miss"),
]  # fmt: skip

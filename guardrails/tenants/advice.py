"""What to write instead, for mistakes in tenants.yaml. No value is repeated that may be a key."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from contextlib import suppress
from urllib.parse import urlsplit

from guardrails.errors import Problem

__all__ = ["advised"]

_HASHED = "`guardrails tenants new-key` prints a key and the hash that stands here"
_PUBLIC = "tokens are checked with the issuer's public key: write key_file: FILE (PEM), or jwks_file: FILE"
_SAVED = "write jwks_file: FILE; nothing is fetched, so save the issuer's key set there"
_CALLERS = "what its callers are known by (keys, claims, hosts or subjects)"
# The settings of a policy, which stand in a file of its own.
_POLICY = frozenset(
    ("name", "description", "metadata", "extends", "on_failure", "unsupported_language", "system_messages", "tool_definitions", "uninspected",
     "conversation", "stream", "messages", "limits", "content", "topics", "words", "pii", "grounding", "relevance", "rules", "enforced", "bedrock")
)  # fmt: skip


def _turned(table: dict[str, str]) -> dict[str, str]:
    return {word: name for name, words in table.items() for word in words.split()}


# Ours → what is written for it.
_TOP = _turned({
    "resolve": "resolver auth authentication identify identity", "tenants": "tenant clients customers users",
    "include": "includes import imports", "default": "fallback default_tenant",
})  # fmt: skip
_TENANT = _turned({
    "policy": "file path policies policy_file policyfile config guardrail guardrails rules extends",
    "keys": "key api_key api_keys apikey apikeys token tokens secret secrets hash hashes key_hash key_hashes",
    "hosts": "host domain domains hostname hostnames", "claims": "claim tenant_claim", "subjects": "subject user users sub",
})  # fmt: skip
_RESOLVE = _turned({
    "api_key": "api_keys apikey apikeys key keys header headers bearer", "jwt": "token tokens oidc oauth oauth2 jwks bearer_token",
    "host": "hosts hostname domain domains", "proxy": "mtls certificate trusted_proxy proxies subject subjects",
})  # fmt: skip
_JWT = _turned({
    "algorithms": "alg algs algorithm", "issuer": "iss", "audience": "aud audiences", "claim": "claims tenant_claim",
    "leeway_seconds": "leeway clock_skew skew", "header": "headers", "key_file": "key public_key pem certificate secret shared_secret",
    "jwks_file": "jwks jwks_uri jwks_url url discovery well_known",
})  # fmt: skip
_SHAPES = {
    "tenants": "write each tenant below its id: tenants: {acme: {policy: acme.yaml, keys: [sha256:…]}}",
    "resolve": "write how callers are known below it, such as resolve: {api_key: {}}",
    "resolve.api_key": "write api_key: {} for the usual headers, or api_key: {headers: [x-api-key]}",
    "resolve.jwt": "write algorithms, issuer, audience, claim and key_file (or jwks_file) below it",
    "resolve.host": "write host: true",
    "resolve.proxy": "write trusted: [10.0.0.0/8] and header: x-client-subject below it",
}
_WAYS = {
    "keys": "resolve: {api_key: {}}",
    "hosts": "resolve: {host: true}",
    "claims": "resolve: {jwt: {algorithms: …, issuer: …, audience: …, claim: …, key_file: …}}",
    "subjects": "resolve: {proxy: {trusted: […], header: …}}",
}


def advised(problem: Problem) -> Problem:
    """The problem with a remedy in the words of tenants.yaml, where there is a better one than the reader's."""
    name = problem.key.rpartition(".")[2]
    remedy: str | None
    match problem.code:
        case "wrong-type":
            remedy = _SHAPES.get(problem.key)
            if re.fullmatch(r"tenants\.[^.]+", problem.key):
                remedy = f"write policy: FILE below it, and {_CALLERS}"
            elif problem.key.startswith("tenants.") and problem.allowed == "a list":
                remedy = f"write a list: {name}: […]"  # and not what stands there
        case "unknown-key":
            return _unknown(problem)
        case "way-not-configured":
            remedy = f"add {_WAYS[name]}, or remove {name}"
        case "bad-tenant-id":
            fit = re.sub("[^a-z0-9]+", "-", (problem.written or "").lower()).strip("-")[:63].strip("-")
            remedy = f"write {fit}" if fit else "write it in small letters, digits and -"
        case "bad-host":
            remedy = _host(problem.written or "")
        case "bad-network":
            remedy = _network(problem.written or "")
        case "bad-header":
            fit = (problem.written or "").lower().replace("_", "-").strip(": ")
            usual = {"resolve.proxy.header": "x-client-subject", "resolve.jwt.header": "authorization"}
            usable = "_" in (problem.written or "") and re.fullmatch(r"[a-z0-9][a-z0-9-]{0,63}", fit)
            remedy = f"write {fit if usable else usual.get(problem.key, 'x-api-key')}"
        case "bad-key-file":
            what = "public key: -----BEGIN PUBLIC KEY-----" if name == "key_file" else 'public key set: {"keys": [ … ]}'
            remedy = f"put the issuer's {what} into that file"
        case "unknown-algorithm" if (problem.written or "").upper().startswith(("HS", "NONE")):
            forged = "anybody who can check such a token, or anybody at all, can make one"
            return dataclasses.replace(
                problem, nearest=None, remedy=f"{forged}: let the issuer sign with a key pair, such as RS256"
            )
        case "not-found" if "://" in (problem.written or ""):
            remedy = "nothing is fetched: save it as a file beside tenants.yaml, and name that"
        case "not-found":
            remedy = f"{problem.remedy or 'name another one'}, or put the file there"
        case "key-not-string":
            remedy = "put it in quotes"
        case _:
            remedy = None
    remedy = remedy or problem.remedy or ("write at least one, or remove it" if "is empty" in problem.message else None)
    return dataclasses.replace(problem, remedy=remedy)


def _unknown(problem: Problem) -> Problem:
    written = problem.key.rpartition(".")[2]
    place = problem.key[: -len(written) - 1]
    table: dict[str, str] = {}
    remedy = problem.remedy
    if not place:
        table = _TOP
        if written in _POLICY:
            return dataclasses.replace(
                problem, nearest=None,
                remedy="it is a setting of a policy, which is a file of its own: tenants: {acme: {policy: acme.yaml}}",
            )  # fmt: skip
    elif place.startswith("tenants."):
        table = _TENANT
        if written in _POLICY and written not in table:
            return dataclasses.replace(
                problem,
                nearest=None,
                remedy="it is a setting of a policy: write it in that file, and name it: policy: FILE",
            )
    elif place == "resolve":
        table = _RESOLVE
    elif place == "resolve.jwt":
        table = _JWT
    elif place == "resolve.api_key":
        table = _turned({"headers": "header name names"})
    elif place == "resolve.proxy":
        table = _turned({"trusted": "proxies trust addresses networks from ips", "header": "headers name subject"})
    meant = table.get(written.lower().replace("-", "_"))
    if meant is None:
        wrong = (remedy is not None and not remedy.startswith("write ")) or (remedy or "").startswith("write it under")
        return dataclasses.replace(problem, remedy=None if wrong else remedy)
    remedy = f"write {meant}"
    if meant == "keys":
        remedy = f"write keys: [sha256:…]; {_HASHED}"
    elif meant == "key_file":
        remedy = _PUBLIC
    elif meant == "jwks_file":
        remedy = _SAVED
    return dataclasses.replace(problem, nearest=meant, remedy=remedy)


def _host(written: str) -> str:
    if "*" in written:
        return "write each host by its full name"
    try:
        named = urlsplit(written if "//" in written else f"//{written}").hostname or ""
        named = named.encode("idna").decode("ascii")
    except (ValueError, UnicodeError):
        named = ""
    return f"write {named}" if re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)*", named) else "write it as chat.example.com"


def _network(written: str) -> str:
    with suppress(ValueError):
        fit = ipaddress.ip_network(written, strict=False)
        if fit.prefixlen:
            return f"write {fit}"
    return "write the proxy's own address, or the network that it is in, such as 10.0.0.0/8"

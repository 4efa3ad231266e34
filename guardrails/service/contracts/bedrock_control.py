"""Amazon Bedrock's control plane for guardrails: what is made here is policy files (:mod:`guardrails.service.store`)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from guardrails.bedrock import export_file, export_guardrail
from guardrails.errors import PolicyError
from guardrails.service.access import Scope
from guardrails.service.calls import Answer, Call, Contract, Endpoint
from guardrails.service.catalog import DRAFT
from guardrails.service.contracts import aws
from guardrails.service.contracts.bedrock_enforced import ENDPOINTS as ENFORCED
from guardrails.service.contracts.bedrock_requests import CREATE, TAGS, UPDATE, checked
from guardrails.service.faults import Fault, Kind
from guardrails.service.names import arn
from guardrails.service.store import Store

__all__ = ["CONTRACT"]

# A request's member → a response's, and the names of the lists in it.
_RESPONSE = {
    "topicPolicyConfig": ("topicPolicy", {"topicsConfig": "topics"}),
    "contentPolicyConfig": ("contentPolicy", {"filtersConfig": "filters"}),
    "wordPolicyConfig": ("wordPolicy", {"wordsConfig": "words", "managedWordListsConfig": "managedWordLists"}),
    "sensitiveInformationPolicyConfig": (
        "sensitiveInformationPolicy",
        {"piiEntitiesConfig": "piiEntities", "regexesConfig": "regexes"},
    ),
    "contextualGroundingPolicyConfig": ("contextualGroundingPolicy", {"filtersConfig": "filters"}),
    "automatedReasoningPolicyConfig": ("automatedReasoningPolicy", {}),
}
_SHOWN, _LONGEST = 100, 200
_ACCEPTED = 202


async def create(call: Call) -> Answer:
    """CreateGuardrail."""
    body = call.body
    checked(body, CREATE)
    if call.principal.guardrails is not None:
        raise Fault(Kind.FORBIDDEN, "this key is for some guardrails only; a new one needs a key without `guardrails`")
    store = Store(call.catalog)
    made = await call.checking.run(partial(store.create, body.value))
    told = made["bedrock"]["response"]
    keys = ("guardrailId", "guardrailArn", "version", "createdAt")
    return _answer(call, {k: told[k] for k in keys}, _ACCEPTED)


async def update(call: Call) -> Answer:
    """UpdateGuardrail: all of DRAFT at once."""
    body = call.body
    checked(body, UPDATE)
    found = _named(call)
    store = Store(call.catalog)
    made = await call.checking.run(partial(store.update, found, body.value))
    told = made["bedrock"]["response"]
    keys = ("guardrailId", "guardrailArn", "version", "updatedAt")
    return _answer(call, {k: told[k] for k in keys}, _ACCEPTED)


async def version(call: Call) -> Answer:
    """CreateGuardrailVersion."""
    body = call.body
    body.only("description", "clientRequestToken")
    found = _named(call)
    store = Store(call.catalog)
    number = await call.checking.run(partial(store.version, found, body.text("description", None)))
    return _answer(call, {"guardrailId": found, "version": number}, _ACCEPTED)


async def get(call: Call) -> Answer:
    """GetGuardrail."""
    asked = call.query.get("guardrailVersion", "")
    found = call.catalog.find(call.principal, call.params["identifier"], asked)
    store = Store(call.catalog)
    return _answer(call, await call.checking.run(partial(_described, call, store, found.id, found.version)))


async def listed(call: Call) -> Answer:
    """ListGuardrails: the DRAFT of each, or the versions of one."""
    mine = call.principal.guardrails
    asked = call.query.get("guardrailIdentifier", "")
    if asked:
        id_ = call.catalog.find(call.principal, asked).id
        rows = [(id_, v) for v in sorted(call.catalog.ids[id_], key=lambda v: (v != DRAFT, v.zfill(9)))]
    else:
        rows = [
            (id_, DRAFT if DRAFT in versions else max(versions, key=int))
            for id_, versions in sorted(call.catalog.ids.items())
            if mine is None or id_ in mine
        ]
    start, most = _page(call.query)
    store = Store(call.catalog)

    def work() -> list[dict[str, Any]]:
        return [_summary(_described(call, store, id_, v)) for id_, v in rows[start : start + most]]

    told: dict[str, Any] = {"guardrails": await call.checking.run(work)}
    if start + most < len(rows):
        told["nextToken"] = str(start + most)
    return _answer(call, told)


async def delete(call: Call) -> Answer:
    """DeleteGuardrail: one numbered version, or all of it."""
    asked = call.query.get("guardrailVersion") or None
    found = _named(call, asked or "")
    store = Store(call.catalog)
    await call.checking.run(partial(store.delete, found, asked))
    return _answer(call, {}, _ACCEPTED)


async def tag(call: Call) -> Answer:
    """TagResource."""
    body = call.body
    TAGS(body, "tags")
    more = {t.text("key"): t.text("value") for t in body.objects("tags")}
    found = _resource(call)
    await call.checking.run(partial(Store(call.catalog).tags, found, lambda tags: {**tags, **more}))
    return _answer(call, {})


async def untag(call: Call) -> Answer:
    """UntagResource."""
    gone = set(call.body.texts("tagKeys"))
    found = _resource(call)
    work = partial(Store(call.catalog).tags, found, lambda tags: {k: v for k, v in tags.items() if k not in gone})
    await call.checking.run(work)
    return _answer(call, {})


async def tags(call: Call) -> Answer:
    """ListTagsForResource."""
    found = _resource(call)
    return _answer(call, {"tags": await call.checking.run(partial(Store(call.catalog).tags, found))})


def _answer(call: Call, body: dict[str, Any], status: int = 200) -> Answer:
    return Answer(body, status, aws.headers(call.id))


def _named(call: Call, version: str = "") -> str:
    return call.catalog.find(call.principal, call.params["identifier"], version).id


def _resource(call: Call) -> str:
    return call.catalog.find(call.principal, call.body.text("resourceARN")).id


def _page(query: Mapping[str, str]) -> tuple[int, int]:
    most, token = query.get("maxResults", str(_SHOWN)), query.get("nextToken", "0")
    if not most.isdecimal() or not 1 <= int(most) <= 1_000:
        raise Fault(Kind.INVALID, "must be a number from 1 to 1000", "maxResults")
    if not token.isdecimal() or len(token) > 9:
        raise Fault(Kind.INVALID, "is none that was given; leave it out to begin again", "nextToken")
    return int(token), int(most)


def _described(call: Call, store: Store, id_: str, version: str) -> dict[str, Any]:
    """A version as GetGuardrail answers it."""
    path = store.path(id_, version)
    broken = call.catalog.errors().get(path.relative_to(store.folder).with_suffix("").as_posix(), {})
    policy = call.catalog.ids[id_][version].guard.policy
    try:
        exported = export_file(path)
    except PolicyError:  # where the file cannot be used, what is shown is what is in force
        exported = export_guardrail(policy)
    request = exported.request
    times, touched = policy.bedrock.get("response", {}), _when(path)
    out: dict[str, Any] = {
        "name": request["name"],
        "guardrailId": id_,
        "guardrailArn": arn(id_),
        "version": version,
        "status": "FAILED" if broken else "READY",
        "createdAt": times.get("createdAt", touched),
        "updatedAt": times.get("updatedAt", touched),
        "blockedInputMessaging": request["blockedInputMessaging"],
        "blockedOutputsMessaging": request["blockedOutputsMessaging"],
    }
    if "description" in request:
        out["description"] = request["description"]
    if "kmsKeyId" in request:
        out["kmsKeyArn"] = request["kmsKeyId"]
    for member, (name, lists) in _RESPONSE.items():
        if member in request:
            out[name] = {("tier" if k == "tierConfig" else lists.get(k, k)): v for k, v in request[member].items()}
    if broken:
        out["statusReasons"] = [
            f"{broken['code']} at {broken['file']}:{broken['line']}; the last good policy is in force"
        ]
        out["failureRecommendations"] = [f"run guardrails lint {broken['file']}"[:_LONGEST]]
    elif exported.losses:
        out["statusReasons"] = [f"not shown here: {x.key}: {x.why}"[:_LONGEST] for x in exported.losses[:_SHOWN]]
    return out


def _summary(told: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("status", "name", "description", "version", "createdAt", "updatedAt")
    return {"id": told["guardrailId"], "arn": told["guardrailArn"], **{k: told[k] for k in keys if k in told}}


def _when(path: Path) -> str:
    made = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return made.isoformat(timespec="milliseconds").replace("+00:00", "Z")


_ONE = "/guardrails/{identifier:path}"
CONTRACT = Contract(
    "bedrock-control",
    (
        Endpoint("POST", "/guardrails", create, Scope.AUTHOR),
        Endpoint("GET", "/guardrails", listed, Scope.AUTHOR, reads=False),
        Endpoint("PUT", _ONE, update, Scope.AUTHOR),
        Endpoint("POST", _ONE, version, Scope.AUTHOR),
        Endpoint("GET", _ONE, get, Scope.AUTHOR, reads=False),
        Endpoint("DELETE", _ONE, delete, Scope.AUTHOR, reads=False),
        Endpoint("POST", "/tagResource", tag, Scope.AUTHOR),
        Endpoint("POST", "/untagResource", untag, Scope.AUTHOR),
        Endpoint("POST", "/listTagsForResource", tags, Scope.AUTHOR),
        *ENFORCED,
    ),
    aws.error,
)

"""Enforced guardrail configurations of Bedrock's control plane: a numbered version that every ApplyGuardrail is under as well.

The configuration stands in the ``bedrock:`` block of the guardrail's DRAFT, as everything that the control plane keeps does.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from guardrails.service.access import Scope
from guardrails.service.calls import Answer, Call, Endpoint
from guardrails.service.contracts import aws
from guardrails.service.faults import Fault, Kind
from guardrails.service.fields import Body
from guardrails.service.names import arn
from guardrails.service.store import Store

__all__ = ["ENDPOINTS"]

_GUARDING = ("SELECTIVE", "COMPREHENSIVE")
_ID = re.compile(r"[a-z0-9]+")


async def put(call: Call) -> Answer:
    """PutEnforcedGuardrailConfiguration: a new one, or with ``configId`` another in its place."""
    _everything(call)
    body = call.body
    body.only("configId", "guardrailInferenceConfig")
    config = body.object("guardrailInferenceConfig")
    config.only("guardrailIdentifier", "guardrailVersion", "selectiveContentGuarding", "modelEnforcement")
    version = config.text("guardrailVersion")
    if not version.isdecimal():
        raise Fault(
            Kind.INVALID, "must be a numbered version: DRAFT may change at any time", config.at("guardrailVersion")
        )
    found = call.catalog.find(call.principal, config.text("guardrailIdentifier"), version)
    id_ = body.text("configId", "")
    if id_ and not _ID.fullmatch(id_):
        raise Fault(Kind.INVALID, "must have lower-case letters and digits only", "configId")
    wanted = {"guardrailVersion": version, **_kept(config)}
    work = partial(Store(call.catalog).enforce, found.id, wanted, id_ or None, call.principal.name)
    made = await call.checking.run(work)
    return Answer({k: made[k] for k in ("configId", "updatedAt", "updatedBy")}, headers=aws.headers(call.id))


async def listed(call: Call) -> Answer:
    """ListEnforcedGuardrailsConfiguration."""
    _everything(call)
    told = [
        {**config, "guardrailId": id_, "guardrailArn": arn(id_), "owner": "ACCOUNT"}
        for id_, config in call.catalog.enforcements.items()
    ]
    return Answer({"guardrailsConfig": told}, headers=aws.headers(call.id))


async def delete(call: Call) -> Answer:
    """DeleteEnforcedGuardrailConfiguration."""
    _everything(call)
    await call.checking.run(partial(Store(call.catalog).release, call.params["config"]))
    return Answer({}, headers=aws.headers(call.id))


def _everything(call: Call) -> None:
    if call.principal.guardrails is not None:
        told = "this key is for some guardrails only; what is enforced for everybody needs a key without `guardrails`"
        raise Fault(Kind.FORBIDDEN, told)


def _kept(config: Body) -> dict[str, Any]:
    """What is kept and shown again: every text is guarded, and no model is asked here."""
    out: dict[str, Any] = {}
    if "selectiveContentGuarding" in config:
        guarding = config.object("selectiveContentGuarding")
        guarding.only("system", "messages")
        out["selectiveContentGuarding"] = {
            k: guarding.choice(k, _GUARDING) for k in ("system", "messages") if k in guarding
        }
    if "modelEnforcement" in config:
        models = config.object("modelEnforcement")
        models.only("includedModels", "excludedModels")
        out["modelEnforcement"] = {k: list(models.texts(k)) for k in ("includedModels", "excludedModels")}
        if not out["modelEnforcement"]["includedModels"]:
            raise Fault(Kind.INVALID, "is empty; name a model, or ALL", models.at("includedModels"))
    return out


_PATH = "/enforcedGuardrailsConfiguration"
ENDPOINTS = (
    Endpoint("PUT", _PATH, put, Scope.AUTHOR),
    Endpoint("GET", _PATH, listed, Scope.AUTHOR, reads=False),
    Endpoint("DELETE", f"{_PATH}/{{config}}", delete, Scope.AUTHOR, reads=False),
)

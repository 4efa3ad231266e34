"""Enforced guardrail configurations, by boto3 as it is: what is put is in a file, is listed, and acts in every ApplyGuardrail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.service.aws import client, fits
from tests.service.servers import folder, keys, served

REQUEST = {
    "name": "floor",
    "blockedInputMessaging": "Not anywhere here.",
    "blockedOutputsMessaging": "Not anywhere here.",
    "wordPolicyConfig": {"wordsConfig": [{"text": "heron"}]},
    "sensitiveInformationPolicyConfig": {"piiEntitiesConfig": [{"type": "PHONE", "action": "ANONYMIZE"}]},
}


@dataclass
class Service:
    control: Any
    runtime: Any
    policies: Path
    base: str
    keys: dict[str, str]

    def applied(self, text: str, guardrail: str = "small", version: str = "DRAFT") -> dict[str, Any]:
        content = [{"text": {"text": text}}]
        told: dict[str, Any] = self.runtime.apply_guardrail(
            guardrailIdentifier=guardrail, guardrailVersion=version, source="INPUT", content=content
        )
        return told


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    policies = folder(tmp_path)
    file, made = keys(tmp_path, author="scopes: [check, author]", some="scopes: [author], guardrails: [small]")
    with served(policies, keys=file) as base:
        control = client(base, "bedrock", key=made["author"])
        control.create_guardrail(**REQUEST)
        control.create_guardrail_version(guardrailIdentifier="floor")
        yield Service(control, client(base, key=made["author"]), policies, base, made)


def config(version: str = "1", name: str = "floor", **more: Any) -> dict[str, Any]:
    return {"guardrailIdentifier": name, "guardrailVersion": version, **more}


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_put_list_delete(service: Service) -> None:
    control = service.control
    assert control.list_enforced_guardrails_configuration()["guardrailsConfig"] == []
    models = {"includedModels": ["ALL"], "excludedModels": []}
    guarding = {"system": "COMPREHENSIVE", "messages": "SELECTIVE"}
    wanted = config(modelEnforcement=models, selectiveContentGuarding=guarding)
    put = control.put_enforced_guardrail_configuration(guardrailInferenceConfig=wanted)
    assert put["updatedBy"] == "author"
    (told,) = control.list_enforced_guardrails_configuration()["guardrailsConfig"]
    assert (told["configId"], told["guardrailId"], told["guardrailVersion"]) == (put["configId"], "floor", "1")
    assert (told["modelEnforcement"], told["selectiveContentGuarding"]) == (models, guarding)
    assert (told["owner"], told["createdAt"]) == ("ACCOUNT", told["updatedAt"])
    assert put["configId"] in (service.policies / "floor" / "DRAFT.yaml").read_text()

    control.create_guardrail_version(guardrailIdentifier="floor")
    control.put_enforced_guardrail_configuration(configId=put["configId"], guardrailInferenceConfig=config("2"))
    (changed,) = control.list_enforced_guardrails_configuration()["guardrailsConfig"]
    assert (changed["guardrailVersion"], changed["configId"]) == ("2", put["configId"])
    assert changed["createdAt"] == told["createdAt"] <= changed["updatedAt"]

    control.delete_enforced_guardrail_configuration(configId=put["configId"])
    assert control.list_enforced_guardrails_configuration()["guardrailsConfig"] == []
    assert service.applied("a heron")["action"] == "NONE"


def test_answers_are_what_the_service_model_says(service: Service) -> None:
    headers = {"authorization": f"Bearer {service.keys['author']}"}
    path = f"{service.base}/enforcedGuardrailsConfiguration"
    put = httpx.put(path, json={"guardrailInferenceConfig": config()}, headers=headers).json()
    fits(put, "bedrock", "PutEnforcedGuardrailConfiguration")
    fits(httpx.get(path, headers=headers).json(), "bedrock", "ListEnforcedGuardrailsConfiguration")


def test_what_is_enforced_acts_on_every_guardrail(service: Service) -> None:
    service.control.put_enforced_guardrail_configuration(guardrailInferenceConfig=config())
    blocked = service.applied("a heron")
    assert (blocked["action"], blocked["outputs"]) == ("GUARDRAIL_INTERVENED", [{"text": "Not anywhere here."}])
    asked, enforced = blocked["assessments"]
    assert "wordPolicy" not in asked
    assert enforced["wordPolicy"]["customWords"][0]["match"] == "heron"
    origins = [a["appliedGuardrailDetails"]["guardrailOrigin"] for a in (asked, enforced)]
    assert origins == [["REQUEST"], ["ACCOUNT_ENFORCED"]]
    both = service.applied("Mail bob@example.com, call +1 212 555 0123")
    assert both["outputs"] == [{"text": "Mail {EMAIL}, call {PHONE}"}]
    assert both["usage"]["wordPolicyUnits"] == 2
    # The version that is enforced, itself asked for, is one assessment.
    (own,) = service.applied("a heron", "floor", "1")["assessments"]
    assert own["appliedGuardrailDetails"]["guardrailOrigin"] == ["REQUEST", "ACCOUNT_ENFORCED"]
    # DRAFT may change: what is enforced is the version.
    changed = {**REQUEST, "wordPolicyConfig": {"wordsConfig": [{"text": "owl"}]}}
    service.control.update_guardrail(guardrailIdentifier="floor", **changed)
    assert service.applied("a heron")["action"] == "GUARDRAIL_INTERVENED"
    assert service.applied("an owl")["action"] == "NONE"


def test_what_is_enforced_stays_until_it_is_released(service: Service) -> None:
    control = service.control
    put = control.put_enforced_guardrail_configuration(guardrailInferenceConfig=config())
    refused: list[tuple[Any, dict[str, Any]]] = [
        (control.delete_guardrail, {"guardrailIdentifier": "floor"}),
        (control.delete_guardrail, {"guardrailIdentifier": "floor", "guardrailVersion": "1"}),
        (control.put_enforced_guardrail_configuration, {"guardrailInferenceConfig": config()}),
    ]
    for call, given in refused:
        with pytest.raises(ClientError) as caught:
            call(**given)
        assert code(caught) == "ConflictException"
    (service.policies / "floor" / "1.yaml").unlink()  # by hand: nothing passes without it
    control.get_guardrail(guardrailIdentifier="floor")
    told = ""
    for _ in range(300):
        try:
            service.applied("hello")
        except ClientError as error:
            told = error.response["Error"]["Code"]
            break
    assert told == "InternalServerException", "an enforced version that is gone lets texts pass"
    control.delete_enforced_guardrail_configuration(configId=put["configId"])
    assert service.applied("hello")["action"] == "NONE"


def test_mistakes(service: Service) -> None:
    put = service.control.put_enforced_guardrail_configuration
    with pytest.raises(ClientError) as caught:
        put(guardrailInferenceConfig=config("7"))
    assert code(caught) == "ResourceNotFoundException"
    with pytest.raises(ClientError) as caught:
        put(guardrailInferenceConfig=config(), configId="nosuch")
    assert code(caught) == "ResourceNotFoundException"
    with pytest.raises(ClientError) as caught:
        service.control.delete_enforced_guardrail_configuration(configId="nosuch")
    assert code(caught) == "ResourceNotFoundException"
    with pytest.raises(ClientError) as caught:
        put(guardrailInferenceConfig=config("DRAFT"))
    assert code(caught) == "ValidationException"
    some = client(service.base, "bedrock", key=service.keys["some"])
    with pytest.raises(ClientError) as caught:
        some.list_enforced_guardrails_configuration()
    assert code(caught) == "AccessDeniedException"

from __future__ import annotations

import copy
import datetime
import json
from pathlib import Path
from typing import Any

import botocore.validate
import pytest
from hypothesis import HealthCheck, given, settings

from guardrails.bedrock import export_file, export_guardrail, import_guardrail
from guardrails.bedrock.exporting import export_document
from guardrails.errors import GuardrailsError
from guardrails.policy import dump, loads
from guardrails.policy.source import parse, plain
from tests.bedrock.shapes import model, strategy

CREATE = model().operation_model("CreateGuardrail").input_shape
UPDATE = model().operation_model("UpdateGuardrail").input_shape
GET = model().operation_model("GetGuardrail").output_shape
MANY = settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


def through_yaml(document: dict[str, Any]) -> dict[str, Any]:
    back = plain(parse(dump(document).encode(), "imported.yaml"))
    assert back == document
    return back


@MANY
@given(strategy(CREATE))
def test_create_round_trips(config: dict[str, Any]) -> None:
    before = copy.deepcopy(config)
    document = through_yaml(import_guardrail(config).document)
    exported = export_document(document)
    assert exported.losses == []
    assert exported.request == before
    assert botocore.validate.ParamValidator().validate(exported.request, CREATE).generate_report() == ""


@MANY
@given(strategy(UPDATE))
def test_update_round_trips(config: dict[str, Any]) -> None:
    exported = export_document(through_yaml(import_guardrail(config).document))
    assert exported.losses == []
    assert exported.request == config


INNER = {
    "topicPolicy": {"topics": "topicsConfig"},
    "contentPolicy": {"filters": "filtersConfig"},
    "wordPolicy": {"words": "wordsConfig", "managedWordLists": "managedWordListsConfig"},
    "sensitiveInformationPolicy": {"piiEntities": "piiEntitiesConfig", "regexes": "regexesConfig"},
    "contextualGroundingPolicy": {"filters": "filtersConfig"},
    "automatedReasoningPolicy": {},
}


def as_request(response: dict[str, Any]) -> dict[str, Any]:
    """The CreateGuardrail request that makes what a response shows."""
    same = ("name", "description", "blockedInputMessaging", "blockedOutputsMessaging")
    request: dict[str, Any] = {k: response[k] for k in same if k in response}
    for member, lists in INNER.items():
        policy = {k: v for k, v in response.get(member, {}).items() if v != []}
        if any(isinstance(v, list) for v in policy.values()):
            request[f"{member}Config"] = {
                "tierConfig" if k == "tier" else lists.get(k, k): v for k, v in policy.items()
            }
    for topic in request.get("topicPolicyConfig", {}).get("topicsConfig", ()):
        topic.setdefault("type", "DENY")
    if "kmsKeyArn" in response:
        request["kmsKeyId"] = response["kmsKeyArn"]
    profile = response.get("crossRegionDetails", {})
    identifier = profile.get("guardrailProfileArn") or profile.get("guardrailProfileId")
    if identifier:
        request["crossRegionConfig"] = {"guardrailProfileIdentifier": identifier}
    return request


@MANY
@given(strategy(GET))
def test_get_imports(response: dict[str, Any]) -> None:
    before = copy.deepcopy(response)
    imported = import_guardrail(response)
    assert response == before
    exported = export_document(through_yaml(imported.document))
    assert exported.losses == []
    assert exported.request == as_request(before)
    assert botocore.validate.ParamValidator().validate(exported.request, CREATE).generate_report() == ""


TEXT_ONLY = (
    strategy(CREATE)
    .map(
        lambda c: {
            k: v
            for k, v in c.items()
            if k not in ("contentPolicyConfig", "topicPolicyConfig", "contextualGroundingPolicyConfig")
        }
    )
    .filter(lambda c: c.get("sensitiveInformationPolicyConfig"))
)


@MANY
@given(TEXT_ONLY)
def test_imported_policies_load(config: dict[str, Any]) -> None:
    document = import_guardrail(config).document
    if "pii" in document or "words" in document:
        policy = loads(dump(document))
        assert policy.rules
        assert policy.messages.blocked_input == config["blockedInputMessaging"]


def test_neither_request_nor_response() -> None:
    for wrong in ({}, {"name": "x"}, []):
        with pytest.raises(GuardrailsError, match="no guardrail of Amazon Bedrock"):
            import_guardrail(wrong)  # type: ignore[arg-type]


REAL = {
    "ResponseMetadata": {"HTTPStatusCode": 200},
    "name": "bank-assistant",
    "description": "Production guardrail",
    "guardrailId": "abc123def456",
    "guardrailArn": "arn:aws:bedrock:eu-central-1:111122223333:guardrail/abc123def456",
    "version": "3",
    "status": "READY",
    "topicPolicy": {
        "topics": [{"name": "Investment advice", "definition": "Recommendations to buy or sell.", "examples": ["Should I buy gold?"], "type": "DENY",
                    "inputAction": "BLOCK", "outputAction": "BLOCK", "inputEnabled": True, "outputEnabled": True}],
        "tier": {"tierName": "STANDARD"},
    },
    "contentPolicy": {"filters": [{"type": "HATE", "inputStrength": "HIGH", "outputStrength": "HIGH", "inputModalities": ["TEXT"]},
                                  {"type": "PROMPT_ATTACK", "inputStrength": "HIGH", "outputStrength": "NONE"}], "tier": {"tierName": "CLASSIC"}},
    "wordPolicy": {"words": [{"text": "kingfisher"}, {"text": "C*"}], "managedWordLists": [{"type": "PROFANITY"}]},
    "sensitiveInformationPolicy": {
        "piiEntities": [{"type": "EMAIL", "action": "ANONYMIZE"}, {"type": "PIN", "action": "BLOCK", "outputAction": "NONE"}],
        "regexes": [{"name": "account", "description": "ours", "pattern": r"ACC-\d{8}", "action": "ANONYMIZE"}],
    },
    "contextualGroundingPolicy": {"filters": [{"type": "GROUNDING", "threshold": 0.75}, {"type": "RELEVANCE", "threshold": 0.5, "action": "NONE"}]},
    "crossRegionDetails": {"guardrailProfileId": "eu.guardrail.v1:0", "guardrailProfileArn": "arn:aws:bedrock:eu-central-1:111122223333:guardrail-profile/eu.guardrail.v1:0"},
    "createdAt": datetime.datetime(2026, 3, 1, 12, 0, tzinfo=datetime.UTC),
    "updatedAt": datetime.datetime(2026, 9, 1, 12, 0, tzinfo=datetime.UTC),
    "blockedInputMessaging": "No.",
    "blockedOutputsMessaging": "Also no.",
}  # fmt: skip


def test_a_real_response_reads_well() -> None:
    imported = import_guardrail(copy.deepcopy(REAL))
    assert (
        dump(imported.document)
        == """\
version: 1
name: bank-assistant
description: Production guardrail
messages:
  blocked_input: No.
  blocked_output: Also no.
content:
  HATE: HIGH
  PROMPT_ATTACK:
    input: HIGH
    output: NONE
topics:
  - name: Investment advice
    definition: Recommendations to buy or sell.
    examples:
      - Should I buy gold?
    input:
      action: block
      enabled: true
    output:
      action: block
      enabled: true
words:
  terms:
    - kingfisher
    - C\\*
  managed:
    - PROFANITY
pii:
  entities:
    EMAIL: mask
    PIN:
      action: block
      output: detect
  regexes:
    - name: account
      pattern: ACC-\\d{8}
      description: ours
      action: mask
grounding: 0.75
relevance:
  threshold: 0.5
  action: detect
bedrock:
  response:
    guardrailId: abc123def456
    guardrailArn: arn:aws:bedrock:eu-central-1:111122223333:guardrail/abc123def456
    version: "3"
    status: READY
    createdAt: '2026-03-01T12:00:00+00:00'
    updatedAt: '2026-09-01T12:00:00+00:00'
  contentModalities:
    HATE:
      inputModalities:
        - TEXT
  tiers:
    content: CLASSIC
    topics: STANDARD
  crossRegionConfig:
    guardrailProfileIdentifier: arn:aws:bedrock:eu-central-1:111122223333:guardrail-profile/eu.guardrail.v1:0
"""
    )
    assert any("trained weights" in note for note in imported.notes)


def test_losses_are_named() -> None:
    text = """
version: 1
name: ours
metadata: {owner: me}
words: {terms: [plain, prefi*, {term: x y, action: mask}], managed: {PROFANITY: {except: [Essex]}}}
pii:
  entities: {EMAIL: {action: mask, mask: numbered}, JWT: block, PHONE: {action: mask, min_score: 0.3}}
limits: {deadline_ms: 500}
enforced: ["pii.*"]
"""
    exported = export_guardrail(loads(text))
    document = plain(parse(text.encode(), "ours.yaml"))
    written = export_document(document)
    assert {loss.key for loss in written.losses} == {
        "words.terms[1]", "words.terms[2].action", "words.managed.PROFANITY.except", "pii.entities.EMAIL.mask", "pii.entities.JWT",
        "pii.entities.PHONE.min_score", "metadata", "limits", "enforced",
    }  # fmt: skip
    assert {e["type"] for e in exported.request["sensitiveInformationPolicyConfig"]["piiEntitiesConfig"]} == {
        "EMAIL",
        "PHONE",
    }
    assert json.dumps(written.request)


@pytest.mark.parametrize(
    "pattern", [r"\bACC-(?=\d{8}\b)\d+", r"(?<!\d)\d{4}(?!\d)", r"(?<=id: )[A-Z]{3}\d+", r"(\d)\1{3}", r"\bRB-\d{3}\b"]
)
def test_a_pattern_that_we_do_not_run_goes_back_to_bedrock_all_the_same(pattern: str, tmp_path: Path) -> None:
    """Look-around and back-references: RE2 refuses them, Bedrock takes them, and an import lost nothing."""
    request = {
        "name": "g", "blockedInputMessaging": "no", "blockedOutputsMessaging": "no",
        "sensitiveInformationPolicyConfig": {"regexesConfig": [{"name": "number", "pattern": pattern, "action": "ANONYMIZE"}]},
    }  # fmt: skip
    path = tmp_path / "imported.yaml"
    path.write_text(dump(import_guardrail(request).document), encoding="utf-8")
    exported = export_file(str(path))
    [regex] = exported.request["sensitiveInformationPolicyConfig"]["regexesConfig"]
    assert (regex["name"], regex["pattern"], regex["action"]) == ("number", pattern, "ANONYMIZE")
    assert not exported.losses

"""The control plane, called by boto3 as it is: what it makes is policy files, and files are what it shows."""

from __future__ import annotations

import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from guardrails import Guard
from guardrails.policy import lint
from tests.service.aws import client, fits, raw
from tests.service.servers import folder, keys, served

REQUEST: dict[str, Any] = {
    "name": "my-bank",
    "description": "For the chat",
    "topicPolicyConfig": {
        "topicsConfig": [
            {
                "name": "Shares",
                "definition": "Recommending which shares to buy.",
                "examples": ["Buy Tesla?"],
                "type": "DENY",
            }
        ],
        "tierConfig": {"tierName": "STANDARD"},
    },
    "contentPolicyConfig": {
        "filtersConfig": [
            {"type": "HATE", "inputStrength": "HIGH", "outputStrength": "MEDIUM", "inputModalities": ["TEXT"]},
            {"type": "PROMPT_ATTACK", "inputStrength": "HIGH", "outputStrength": "NONE"},
        ]
    },
    "wordPolicyConfig": {"wordsConfig": [{"text": "heron"}], "managedWordListsConfig": [{"type": "PROFANITY"}]},
    "sensitiveInformationPolicyConfig": {
        "piiEntitiesConfig": [{"type": "EMAIL", "action": "ANONYMIZE"}],
        "regexesConfig": [{"name": "account", "pattern": r"ACC-\d{8}", "action": "BLOCK", "description": "numbers"}],
    },
    "contextualGroundingPolicyConfig": {"filtersConfig": [{"type": "GROUNDING", "threshold": 0.7}]},
    "blockedInputMessaging": "No.",
    "blockedOutputsMessaging": "I cannot say that.",
    "tags": [{"key": "team", "value": "risk"}],
}
LIGHT = {k: REQUEST[k] for k in ("name", "blockedInputMessaging", "blockedOutputsMessaging", "wordPolicyConfig")}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[tuple[Any, Path, str]]:
    policies = folder(tmp_path)
    file, made = keys(tmp_path, author="scopes: [check, author]", chat="")
    with served(policies, keys=file) as base:
        yield client(base, "bedrock", key=made["author"]), policies, base


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_create_version_get_update_list_delete(service: tuple[Any, Path, str]) -> None:
    """The sequence of a deployment tool, through files."""
    control, policies, _ = service
    made = control.create_guardrail(**REQUEST)
    id_ = made["guardrailId"]
    assert (id_, made["version"]) == ("mybank", "DRAFT")
    assert made["guardrailArn"] == "arn:aws:bedrock:local:000000000000:guardrail/mybank"
    draft = policies / "mybank" / "DRAFT.yaml"
    assert [p for p in lint(draft) if p.severity == "error"] == []
    assert Guard.from_file(draft).check("a heron", "INPUT").text == "No."

    told = control.get_guardrail(guardrailIdentifier=id_)
    assert told["status"] == "READY"
    for member, name, lists in (
        ("topicPolicyConfig", "topicPolicy", {"topicsConfig": "topics", "tierConfig": "tier"}),
        ("contentPolicyConfig", "contentPolicy", {"filtersConfig": "filters"}),
        ("wordPolicyConfig", "wordPolicy", {"wordsConfig": "words", "managedWordListsConfig": "managedWordLists"}),
        (
            "sensitiveInformationPolicyConfig",
            "sensitiveInformationPolicy",
            {"piiEntitiesConfig": "piiEntities", "regexesConfig": "regexes"},
        ),
        ("contextualGroundingPolicyConfig", "contextualGroundingPolicy", {"filtersConfig": "filters"}),
    ):
        assert told[name] == {lists[k]: v for k, v in REQUEST[member].items()}, member

    assert control.create_guardrail_version(guardrailIdentifier=id_, description="first")["version"] == "1"
    changed = {
        **{k: v for k, v in REQUEST.items() if k != "tags"},
        "wordPolicyConfig": {"wordsConfig": [{"text": "owl"}]},
    }
    updated = control.update_guardrail(guardrailIdentifier=made["guardrailArn"], **changed)
    assert updated["version"] == "DRAFT"
    assert updated["updatedAt"] >= made["createdAt"]
    one = control.get_guardrail(guardrailIdentifier=id_, guardrailVersion="1")
    assert (one["wordPolicy"]["words"], one["description"]) == ([{"text": "heron"}], "first")
    assert control.get_guardrail(guardrailIdentifier=id_)["wordPolicy"]["words"] == [{"text": "owl"}]
    assert control.create_guardrail_version(guardrailIdentifier=id_)["version"] == "2"

    listed = control.list_guardrails()["guardrails"]
    assert [(g["id"], g["version"]) for g in listed] == [
        ("mybank", "DRAFT"),
        ("otherteam", "DRAFT"),
        ("small", "DRAFT"),
    ]
    versions = control.list_guardrails(guardrailIdentifier=id_)["guardrails"]
    assert [g["version"] for g in versions] == ["DRAFT", "1", "2"]

    control.delete_guardrail(guardrailIdentifier=id_, guardrailVersion="2")
    assert control.create_guardrail_version(guardrailIdentifier=id_)["version"] == "3", "a number is not given again"
    control.delete_guardrail(guardrailIdentifier=id_)
    assert not draft.parent.exists()
    with pytest.raises(ClientError) as caught:
        control.get_guardrail(guardrailIdentifier=id_)
    assert code(caught) == "ResourceNotFoundException"


def test_answers_fit_the_service_model(service: tuple[Any, Path, str], tmp_path: Path) -> None:
    control, _, base = service
    key = {"authorization": f"Bearer {control._request_signer._credentials.access_key}"}
    made = raw(base, "/guardrails", REQUEST, **key)
    assert made.status_code == 202
    fits(made.json(), "bedrock", "CreateGuardrail")
    import httpx

    said = httpx.get(base + "/guardrails/mybank?guardrailVersion=DRAFT", headers=key).json()
    fits(said, "bedrock", "GetGuardrail")
    fits(httpx.get(base + "/guardrails", headers=key).json(), "bedrock", "ListGuardrails")
    fits(raw(base, "/guardrails/mybank", {}, **key).json(), "bedrock", "CreateGuardrailVersion")
    fits(httpx.get(base + "/guardrails/mybank?guardrailVersion=1", headers=key).json(), "bedrock", "GetGuardrail")
    changed = {k: v for k, v in REQUEST.items() if k != "tags"}
    fits(httpx.put(base + "/guardrails/mybank", json=changed, headers=key).json(), "bedrock", "UpdateGuardrail")
    tags = httpx.post(base + "/listTagsForResource", json={"resourceARN": made.json()["guardrailArn"]}, headers=key)
    assert tags.json() == {"tags": REQUEST["tags"]}
    fits(tags.json(), "bedrock", "ListTagsForResource")
    fits(httpx.get(base + "/guardrails/small", headers=key).json(), "bedrock", "GetGuardrail")


def test_what_was_made_is_applied_at_once_and_versions_stay(service: tuple[Any, Path, str]) -> None:
    control, policies, base = service
    runtime = client(base, key=control._request_signer._credentials.access_key)

    def acts(text: str, version: str) -> bool:
        said = runtime.apply_guardrail(
            guardrailIdentifier="mybank", guardrailVersion=version, source="INPUT", content=[{"text": {"text": text}}]
        )
        return bool(said["action"] == "GUARDRAIL_INTERVENED")

    control.create_guardrail(**LIGHT)
    control.create_guardrail_version(guardrailIdentifier="mybank")
    control.update_guardrail(
        guardrailIdentifier="mybank", **{**LIGHT, "wordPolicyConfig": {"wordsConfig": [{"text": "owl"}]}}
    )
    assert [acts("heron", "DRAFT"), acts("owl", "DRAFT")] == [False, True]
    assert [acts("heron", "1"), acts("owl", "1")] == [True, False]
    one = policies / "mybank" / "1.yaml"
    assert not one.stat().st_mode & stat.S_IWUSR
    # A file that somebody edits is what the API shows, too.
    draft = policies / "mybank" / "DRAFT.yaml"
    draft.write_text(draft.read_text().replace("owl", "wren"))
    for _ in range(300):
        if acts("wren", "DRAFT"):
            break
        time.sleep(0.02)
    assert acts("wren", "DRAFT")
    shown = control.get_guardrail(guardrailIdentifier="mybank")["wordPolicy"]["words"]
    assert shown == [{"text": "wren"}]


def test_a_restart_finds_everything_in_the_files(tmp_path: Path) -> None:
    policies = folder(tmp_path)
    file, made = keys(tmp_path, author="scopes: [author]")
    with served(policies, keys=file) as base:
        control = client(base, "bedrock", key=made["author"])
        control.create_guardrail(**LIGHT, tags=[{"key": "a", "value": "b"}])
        control.create_guardrail_version(guardrailIdentifier="mybank", description="kept")
        before = control.get_guardrail(guardrailIdentifier="mybank", guardrailVersion="1")
    with served(policies, keys=file) as base:
        control = client(base, "bedrock", key=made["author"])
        after = control.get_guardrail(guardrailIdentifier="mybank", guardrailVersion="1")
        arn = after["guardrailArn"]
        assert control.list_tags_for_resource(resourceARN=arn)["tags"] == [{"key": "a", "value": "b"}]
    assert {k: v for k, v in after.items() if k != "ResponseMetadata"} == {
        k: v for k, v in before.items() if k != "ResponseMetadata"
    }


def test_tags_and_tokens(service: tuple[Any, Path, str]) -> None:
    control, _, _ = service
    arn = control.create_guardrail(**LIGHT, clientRequestToken="once", tags=[{"key": "a", "value": "1"}])[
        "guardrailArn"
    ]
    assert control.create_guardrail(**LIGHT, clientRequestToken="once")["guardrailArn"] == arn
    control.tag_resource(resourceARN=arn, tags=[{"key": "b", "value": "2"}, {"key": "a", "value": "3"}])
    control.untag_resource(resourceARN=arn, tagKeys=["b"])
    assert control.list_tags_for_resource(resourceARN=arn)["tags"] == [{"key": "a", "value": "3"}]


def test_pages(service: tuple[Any, Path, str]) -> None:
    control, _, _ = service
    control.create_guardrail(**LIGHT)
    pages = list(control.get_paginator("list_guardrails").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(p["guardrails"]) for p in pages] == [2, 1]


def test_a_file_that_breaks_says_so_and_the_last_good_policy_stays(service: tuple[Any, Path, str]) -> None:
    control, policies, _ = service
    control.create_guardrail(**LIGHT)
    draft = policies / "mybank" / "DRAFT.yaml"
    draft.write_text(draft.read_text().replace("action: block", "action: blok") + "limits: {deadline_ms: soon}\n")
    told: Any = {}
    for _ in range(300):
        told = control.get_guardrail(guardrailIdentifier="mybank")
        if told["status"] != "READY":
            break
        time.sleep(0.02)
    assert told["status"] == "FAILED"
    assert "mybank/DRAFT.yaml" in told["statusReasons"][0]
    assert [w["text"] for w in told["wordPolicy"]["words"]] == ["heron"], "what is in force"
    assert told["failureRecommendations"] == ["run guardrails lint mybank/DRAFT.yaml"]


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"name": "a b"}, "name: must match"),
    ({"name": "x" * 51}, "name: must have 1 to 50 characters"),
    ({"blockedInputMessaging": "x" * 501}, "blockedInputMessaging: must have 1 to 500"),
    ({"contentPolicyConfig": {"filtersConfig": [{"type": "HATES", "inputStrength": "HIGH", "outputStrength": "HIGH"}]}},
     "contentPolicyConfig.filtersConfig[0].type: 'HATES' is none of"),
    ({"contentPolicyConfig": {"filtersConfig": [{"type": "HATE", "inputStrength": "MAX", "outputStrength": "HIGH"}]}},
     "filtersConfig[0].inputStrength: 'MAX' is none of NONE, LOW, MEDIUM, HIGH"),
    ({"wordPolicyConfig": {"wordsConfig": [{"text": "x" * 101}]}}, "wordsConfig[0].text: must have 1 to 100"),
    ({"sensitiveInformationPolicyConfig": {"piiEntitiesConfig": [{"type": "EMAIL", "action": "MASK"}]}},
     "piiEntitiesConfig[0].action: 'MASK' is none of BLOCK, ANONYMIZE, NONE"),
    ({"sensitiveInformationPolicyConfig": {"regexesConfig": [{"name": "x", "pattern": "(?=x)", "action": "BLOCK"}]}},
     "look-ahead is not supported"),
    ({"contextualGroundingPolicyConfig": {"filtersConfig": [{"type": "GROUNDING", "threshold": 1.0}]}},
     "filtersConfig[0].threshold: must be from 0 to 0.99"),
    ({"topicPolicyConfig": {"topicsConfig": [{"name": "a", "definition": "b", "type": "ALLOW"}]}},
     "topicsConfig[0].type: 'ALLOW' is none of DENY"),
    ({"wordPolicyConfig": {}}, "no rule"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "told"), MISTAKES, ids=[m[1][:40] for m in MISTAKES])
def test_mistakes_name_the_member(service: tuple[Any, Path, str], change: dict[str, Any], told: str) -> None:
    control, policies, _ = service
    with pytest.raises(ClientError) as caught:
        control.create_guardrail(**{**LIGHT, **change})
    assert code(caught) == "ValidationException"
    assert told in str(caught.value)
    assert not (policies / "mybank").exists(), "nothing stays behind"


def test_names_files_versions_and_scopes_are_guarded(service: tuple[Any, Path, str], tmp_path: Path) -> None:
    control, policies, base = service
    control.create_guardrail(**LIGHT)
    with pytest.raises(ClientError) as caught:
        control.create_guardrail(**LIGHT)
    assert code(caught) == "ConflictException"
    before = (policies / "small.yaml").read_text()
    calls: tuple[Any, ...] = (
        lambda: control.update_guardrail(guardrailIdentifier="small", **LIGHT),
        lambda: control.create_guardrail_version(guardrailIdentifier="small"),
        lambda: control.delete_guardrail(guardrailIdentifier="small"),
    )
    for call in calls:
        with pytest.raises(ClientError, match="a file that somebody writes") as caught:
            call()
        assert code(caught) == "ConflictException"
    assert (policies / "small.yaml").read_text() == before
    with pytest.raises(ClientError) as caught:
        control.delete_guardrail(guardrailIdentifier="mybank", guardrailVersion="9")
    assert code(caught) == "ResourceNotFoundException"
    nobody = client(base, "bedrock", key="gr-nobody-nobody-nobody-nobody-nobody")
    with pytest.raises(ClientError) as caught:
        nobody.list_guardrails()
    assert code(caught) == "UnrecognizedClientException"


def test_a_key_that_only_checks_changes_nothing(tmp_path: Path) -> None:
    file, made = keys(tmp_path, chat="", some="scopes: [author], guardrails: [small]")
    with served(folder(tmp_path), keys=file) as base:
        with pytest.raises(ClientError, match="scope author") as caught:
            client(base, "bedrock", key=made["chat"]).create_guardrail(**LIGHT)
        assert code(caught) == "AccessDeniedException"
        with pytest.raises(ClientError, match="for some guardrails only"):
            client(base, "bedrock", key=made["some"]).create_guardrail(**LIGHT)
        listed = client(base, "bedrock", key=made["some"]).list_guardrails()["guardrails"]
        assert [g["id"] for g in listed] == ["small"]

"""GetGuardrail answered by a local stand-in, parsed by the real client, imported here."""

from __future__ import annotations

import copy
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import botocore.validate
import pytest
from botocore.config import Config

from guardrails.bedrock import export_file, export_guardrail, import_guardrail
from guardrails.bedrock.exporting import export_document
from guardrails.bedrock.names import LIMITS
from guardrails.policy import dump, loads
from tests.bedrock.shapes import model
from tests.bedrock.test_roundtrip import CREATE, REAL, through_yaml

BODY = {k: v for k, v in REAL.items() if k != "ResponseMetadata"} | {
    "createdAt": "2026-03-01T12:00:00.123456Z",
    "updatedAt": "2026-09-01T12:00:00Z",
    "kmsKeyArn": "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "statusReasons": [],
}


class _Service(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = json.dumps(BODY).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def response() -> Iterator[dict[str, Any]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Service)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    client = boto3.client(
        "bedrock",
        region_name="eu-central-1",
        endpoint_url=f"http://127.0.0.1:{server.server_port}",
        aws_access_key_id="none",
        aws_secret_access_key="none",
        config=Config(proxies={}, retries={"max_attempts": 0}),
    )
    try:
        yield client.get_guardrail(guardrailIdentifier="abc123def456")
    finally:
        client.close()
        server.shutdown()
        thread.join()
        server.server_close()


def test_what_the_client_returns_imports(response: dict[str, Any]) -> None:
    before = copy.deepcopy(response)
    assert not isinstance(response["createdAt"], str)
    imported = import_guardrail(response)
    assert response == before
    exported = export_document(through_yaml(imported.document))
    assert exported.losses == []
    assert botocore.validate.ParamValidator().validate(exported.request, CREATE).generate_report() == ""
    request = exported.request
    assert request["kmsKeyId"] == BODY["kmsKeyArn"]
    assert request["crossRegionConfig"] == {
        "guardrailProfileIdentifier": BODY["crossRegionDetails"]["guardrailProfileArn"]
    }
    assert request["topicPolicyConfig"] == {
        "topicsConfig": BODY["topicPolicy"]["topics"], "tierConfig": BODY["topicPolicy"]["tier"],
    }  # fmt: skip
    assert request["contentPolicyConfig"] == {
        "filtersConfig": BODY["contentPolicy"]["filters"], "tierConfig": BODY["contentPolicy"]["tier"],
    }  # fmt: skip
    assert request["wordPolicyConfig"] == {
        "wordsConfig": BODY["wordPolicy"]["words"], "managedWordListsConfig": BODY["wordPolicy"]["managedWordLists"],
    }  # fmt: skip
    assert request["contextualGroundingPolicyConfig"] == {"filtersConfig": BODY["contextualGroundingPolicy"]["filters"]}


def test_a_saved_file_imports_alike(response: dict[str, Any]) -> None:
    saved = json.loads(json.dumps(response, default=lambda moment: moment.isoformat()))
    assert import_guardrail(saved).document == import_guardrail(response).document


def test_empty_lists_of_a_response_are_no_settings() -> None:
    empty = {
        "name": "x", "guardrailId": "abc", "blockedInputMessaging": "No.", "blockedOutputsMessaging": "No.",
        "wordPolicy": {"words": [], "managedWordLists": [{"type": "PROFANITY"}]},
        "sensitiveInformationPolicy": {"piiEntities": [], "regexes": []}, "topicPolicy": {"topics": []},
    }  # fmt: skip
    request = export_document(import_guardrail(empty).document).request
    assert request["wordPolicyConfig"] == {"managedWordListsConfig": [{"type": "PROFANITY"}]}
    assert "sensitiveInformationPolicyConfig" not in request
    assert "topicPolicyConfig" not in request


def test_limits_are_those_of_the_service_model() -> None:
    for member, _, least, most, pattern in LIMITS:
        shape: Any = model().operation_model("CreateGuardrail").input_shape
        for step in member.split("."):
            shape = shape.members[step.removesuffix("[]")]
            shape = shape.member if step.endswith("[]") else shape
        found = shape.metadata
        assert (found.get("min", 0), found["max"], found.get("pattern")) == (least, most, pattern), member


def create(words: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": "x", "blockedInputMessaging": "No.", "blockedOutputsMessaging": "No.", "wordPolicyConfig": {"wordsConfig": words},
    }  # fmt: skip


@pytest.mark.parametrize("sides", [{}, {"inputAction": "NONE", "outputEnabled": True}], ids=["plain", "settings"])
def test_ten_thousand_words(sides: dict[str, Any]) -> None:
    request = create([{"text": f"word{i} thing", **sides} for i in range(10_000)])
    document = import_guardrail(request).document
    assert len(loads(dump(document)).rules) == 1
    exported = export_document(document)
    assert exported.request == request
    assert exported.losses == []
    request["wordPolicyConfig"]["wordsConfig"].append({"text": "one more"})
    assert [loss.key for loss in export_document(import_guardrail(request).document).losses] == ["words.terms"]


@pytest.mark.parametrize(
    "words", [["a", "a"], ["a*", "*a", "*", "a*b", "**"], ["\\", "\\a", "a\\", "\\*", "a\\*"], [" a "]]
)
def test_odd_words(words: list[str]) -> None:
    request = create([{"text": word} for word in words])
    document = import_guardrail(request).document
    assert export_guardrail(document).request == request
    loads(dump(document))


def test_names_that_look_like_our_ids() -> None:
    regexes = [{"name": name, "pattern": "a", "action": "BLOCK"} for name in ("2", "²", "2-1", "x y")]
    request = {**create([{"text": "a"}]), "sensitiveInformationPolicyConfig": {"regexesConfig": regexes}}
    document = import_guardrail(request).document
    assert len({rule.id for rule in loads(dump(document)).rules}) == 5
    assert export_document(document).losses == []
    assert export_document(document).request == request


def test_no_setting_of_an_effective_policy_is_lost_in_silence() -> None:
    policy = loads("""
version: 1
name: ours
limits: {deadline_ms: 500}
words: {terms: [a*b, "*tail"]}
pii: {entities: {PHONE: {action: mask, min_score: 0.0}, EMAIL: {action: block, required: false, except: []}}}
""")
    exported = export_guardrail(policy)
    assert sorted(re.sub(r"\d", "0", loss.key) for loss in exported.losses) == [
        "limits",
        "pii.entities.PHONE.min_score",
        "words.terms[0]",
    ]
    assert exported.request["wordPolicyConfig"]["wordsConfig"] == [
        {"text": "a*b", "inputAction": "BLOCK", "outputAction": "BLOCK"}
    ]


def test_all_means_the_types_of_the_policy_countries(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("version: 1\nname: p\npii: {countries: [US], entities: {ALL: mask, EMAIL: block}}\n")
    exported = export_file(file)
    made = {e["type"]: e["action"] for e in exported.request["sensitiveInformationPolicyConfig"]["piiEntitiesConfig"]}
    assert made["EMAIL"] == "BLOCK"
    assert made["US_SOCIAL_SECURITY_NUMBER"] == "ANONYMIZE"
    assert not [name for name in made if name.startswith(("UK_", "CA_"))]
    assert {"pii.entities.ALL", "pii.countries", "pii.entities.JWT"} <= {loss.key for loss in exported.losses}

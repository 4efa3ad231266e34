"""The Helm chart and the plain manifests: fresh, valid, locked down, and with settings that the service knows."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import typer
import yaml

from guardrails import __version__
from guardrails.cli.app import app
from guardrails.cli.service import settings
from guardrails.policy import loads
from guardrails.service.settings import read_settings
from tools import manifests

# Values as operators change them, beside the defaults.
CHANGES: list[dict[str, Any]] = [
    {},
    {"tlsSecret": "tls", "clientCertificates": True, "evidence": {"enabled": False}, "settings": {"burst": 9, "requests-per-second": 3}},
    {"networkPolicy": {"enabled": False}, "evidence": {"storageClass": "fast"}, "workers": 4, "replicas": 5},
]  # fmt: skip


def objects(changes: dict[str, Any] | None = None) -> dict[str, dict[str, Any]]:
    """Every object by its kind and name."""
    made = manifests.manifests(manifests.values(changes), "x")
    return {f"{m['kind']}/{m['metadata']['name']}": m for _, m in made}


def test_the_plain_manifests_are_those_of_the_chart() -> None:
    there = {p.name: p.read_text(encoding="utf-8") for p in manifests.PLAIN.glob("*.yaml")}
    assert there == manifests.plain(), "run: python -m tools.manifests --write"


def test_the_values_have_a_schema_that_they_fit() -> None:
    schema = json.loads((manifests.CHART / "values.schema.json").read_text(encoding="utf-8"))
    for changes in CHANGES:
        jsonschema.validate(manifests.values(changes), schema)
    for wrong in ({"keysSecret": ""}, {"image": {"tag": "latest"}}, {"evidence": {"mode": "slow"}}, {"replicas": 0}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(manifests.values(wrong), schema)
    chart = yaml.safe_load((manifests.CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert chart["appVersion"] == __version__


@pytest.mark.parametrize("changes", CHANGES)
def test_the_objects_fit_kubernetes_own_schemas(changes: dict[str, Any]) -> None:
    validate = pytest.importorskip("kubernetes_validate", reason="pip install kubernetes-validate").validate
    for found in objects(changes).values():
        validate(found, "1.33", strict=True)
    pods = objects()["StatefulSet/x"]
    pods["spec"]["tempalte"] = pods["spec"].pop("template")
    with pytest.raises(Exception, match="tempalte"):
        validate(pods, "1.33", strict=True)


@pytest.mark.parametrize("changes", CHANGES)
def test_helm_makes_the_same(changes: dict[str, Any], tmp_path: Path) -> None:
    helm = shutil.which("helm")
    if helm is None:
        pytest.skip("helm is not installed")
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump(changes))
    subprocess.run([helm, "lint", "--strict", manifests.CHART, "-f", file], check=True)
    made = subprocess.run(
        [helm, "template", "x", manifests.CHART, "-f", file], check=True, capture_output=True, text=True
    ).stdout
    theirs = {f"{m['kind']}/{m['metadata']['name']}": m for m in yaml.safe_load_all(made) if m}
    assert theirs == objects(changes)


def test_pods_are_locked_down() -> None:
    pod = objects()["StatefulSet/x"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001, "the image's own user"
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    writable = {m["name"] for m in container["volumeMounts"] if not m.get("readOnly")}
    assert writable == {"tmp", "evidence"}
    assert "limits" in container["resources"]
    mounted = {m["name"] for m in container["volumeMounts"]}
    claimed = {c["metadata"]["name"] for c in objects()["StatefulSet/x"]["spec"]["volumeClaimTemplates"]}
    assert mounted == {v["name"] for v in pod["volumes"]} | claimed


def test_selectors_ports_and_probes_meet() -> None:
    made = objects()
    labels = made["StatefulSet/x"]["spec"]["template"]["metadata"]["labels"]
    pod = made["StatefulSet/x"]["spec"]["template"]["spec"]
    ports = {p["name"]: p["containerPort"] for p in pod["containers"][0]["ports"]}
    for service in ("Service/x", "Service/x-pods"):
        assert made[service]["spec"]["selector"].items() <= labels.items()
        assert {p["targetPort"] for p in made[service]["spec"]["ports"]} <= set(ports)
    assert made["StatefulSet/x"]["spec"]["serviceName"] == "x-pods"
    assert made["PodDisruptionBudget/x"]["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert made["NetworkPolicy/x"]["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
    assert made["NetworkPolicy/x"]["spec"]["egress"] == [], "nothing is called"
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert pod["containers"][0][probe]["httpGet"]["port"] == "admin"
    given = yaml.safe_load(made["ConfigMap/x-settings"]["data"]["serve.yaml"])
    assert pod["terminationGracePeriodSeconds"] > given["grace"] + given["drain-delay"]
    assert ports == {"api": given["port"], "admin": given["admin-port"]}


@pytest.mark.parametrize("changes", CHANGES)
def test_the_service_knows_the_settings_and_can_use_the_policies(changes: dict[str, Any], tmp_path: Path) -> None:
    made = objects(changes)
    root: Any = typer.main.get_command(app)
    known = {name: option.multiple for name, option in settings(root.commands["serve"]).items()}
    file = tmp_path / "serve.yaml"
    file.write_text(made["ConfigMap/x-settings"]["data"]["serve.yaml"])
    found = read_settings(file, known)
    mounts = [
        m["mountPath"] for m in made["StatefulSet/x"]["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
    ]
    for name, value in found.items():
        if isinstance(value, str) and value.startswith("/"):
            assert any(value == m or value.startswith(f"{m}/") for m in mounts), name
    for name, text in made["ConfigMap/x-policies"]["data"].items():
        assert loads(text, name=name).name == name.removesuffix(".yaml")


def test_templates_that_are_not_understood_are_an_error() -> None:
    assert (
        manifests.render("a: {{ .Values.b }}\n{{- if .Values.c }}\nd: 1\n{{- end }}", {"b": 2, "c": False}) == "a: 2\n"
    )
    for wrong in ("{{ .Values.missing }}", "{{ .Values.b | upper }}", "{{- if .Values.b }}"):
        with pytest.raises(ValueError, match=r"there is no|not known|no `end`"):
            manifests.render(wrong, {"b": 1})

"""The compose file of the service, its alerts and its dashboard: they name figures that the service has, and files that are there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from guardrails.asgi.recording import EvidenceFigures
from guardrails.asgi.telemetry import Telemetry
from guardrails.cli.app import app
from guardrails.cli.service import ENVIRONMENT, settings
from guardrails.evidence import EvidenceLog
from tests.docker.dockerfile import DOCKER, ROOT

NAME = re.compile(r"\bguardrails_[a-z_]+[a-z]\b")
COMPOSE = DOCKER / "compose.service.yaml"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of all series that a service with a log can have."""
    telemetry = Telemetry()
    with EvidenceLog.open(tmp_path_factory.mktemp("log")) as log:
        telemetry.registry.register(EvidenceFigures(log))
        names = set()
        for family in telemetry.registry.collect():
            endings = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}.get(family.type, ("",))
            names |= {family.name + ending for ending in endings}
    return names


def expressions() -> Iterator[str]:
    alerts = yaml.safe_load((DOCKER / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))
    for group in alerts["groups"]:
        for rule in group["rules"]:
            yield rule["expr"]
    board = json.loads((DOCKER / "grafana" / "dashboards" / "guardrails.json").read_text(encoding="utf-8"))
    for panel in board["panels"]:
        for target in panel["targets"]:
            yield target["expr"]


def test_alerts_and_dashboard_name_figures_that_there_are(exported: set[str]) -> None:
    named = {name for expression in expressions() for name in NAME.findall(expression)}
    assert len(named) > 10
    assert named - exported == set()


def test_every_figure_is_documented(exported: set[str]) -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    documented = set(NAME.findall(page))
    families = {re.sub(r"_(bucket|count|sum)$", "", n) if "seconds" in n or "characters" in n else n for n in exported}
    assert {n for n in families if not n.startswith("process_")} - documented == set()


def test_braces_and_parentheses_of_expressions_close() -> None:
    for expression in expressions():
        open_: list[str] = []
        for mark in re.sub(r'"[^"]*"', "", expression):
            if mark in "({[":
                open_.append({"(": ")", "{": "}", "[": "]"}[mark])
            elif mark in ")}]":
                assert (open_.pop() if open_ else "") == mark, expression
        assert not open_, expression


def test_each_alert_has_a_severity_a_summary_and_a_paragraph() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    alerts = yaml.safe_load((DOCKER / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))
    rules = [rule for group in alerts["groups"] for rule in group["rules"]]
    for rule in rules:
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["summary"]
        assert f"`{rule['alert']}`" in page
    assert len({r["alert"] for r in rules}) == len(rules)


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return loaded


def test_services_are_locked_down_and_local() -> None:
    loaded = compose()
    for name, service in loaded["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        assert not service["image"].endswith("latest"), name
        for volume in service["volumes"]:
            source = volume.rsplit(":/", 1)[0]
            if source.startswith("./"):
                assert (DOCKER / source).exists(), source
                assert volume.endswith(":ro"), volume
            elif not source.startswith("$"):
                assert source in loaded["volumes"], source
    assert loaded["networks"]["inside"]["internal"] is True


def test_the_environment_is_settings_of_the_service() -> None:
    root: Any = typer.main.get_command(app)
    options = settings(root.commands["serve"]).values()
    known = {f"{ENVIRONMENT}_{option.name.upper()}" for option in options}
    known |= {
        name
        for option in options
        for name in ([option.envvar] if isinstance(option.envvar, str) else option.envvar or ())
    }
    service = compose()["services"]["service"]
    assert set(service["environment"]) <= known
    port = service["environment"]["GUARDRAILS_SERVE_ADMIN_PORT"]
    scraped = yaml.safe_load((DOCKER / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    assert scraped["scrape_configs"][0]["static_configs"][0]["targets"] == [f"service:{port}"]
    assert f":{port}/readyz" in service["healthcheck"]["test"][-1]
    for file in scraped["rule_files"]:
        assert (DOCKER / "prometheus" / file).is_file()


def test_grafana_finds_the_dashboard_and_its_source() -> None:
    provisioned = DOCKER / "grafana" / "provisioning"
    source = yaml.safe_load((provisioned / "datasources" / "prometheus.yaml").read_text())["datasources"][0]
    board = json.loads((DOCKER / "grafana" / "dashboards" / "guardrails.json").read_text())
    assert {panel["datasource"]["uid"] for panel in board["panels"]} == {source["uid"]}
    path = yaml.safe_load((provisioned / "dashboards" / "guardrails.yaml").read_text())["providers"][0]["options"][
        "path"
    ]
    assert f"./grafana/dashboards:{path}:ro" in compose()["services"]["grafana"]["volumes"]
    places = [tuple(panel["gridPos"][k] for k in "xy") for panel in board["panels"]]
    assert len(set(places)) == len(places), "no panel lies on another"
    assert Path(path).is_absolute()

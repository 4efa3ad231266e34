"""Settings by option, environment and file, and ``--check``."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from guardrails.cli.app import app
from guardrails.errors import GuardrailsError
from tests.service.authority import Authority
from tests.service.servers import folder, keys


def check(*args: str, env: dict[str, str] | None = None) -> tuple[int, str]:
    """The exit code of ``serve --check``, and all that it said. Raises what the command raises."""
    result = CliRunner().invoke(app, ["serve", "--check", *args], env=env or {})
    if isinstance(result.exception, GuardrailsError):
        raise result.exception
    return result.exit_code, result.output


def contracts(said: str) -> list[str]:
    return [line.split()[1].rstrip(":") for line in said.splitlines() if line.startswith("contract ")]


def test_an_option_counts_before_the_environment_and_that_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "serve.yaml"
    file.write_text(
        f"policies: {folder(tmp_path)}\ncontract: [check, openai]\nmax-body: 5000\nopen: true\nhost: '::'\n"
    )
    by_file = ["--config", str(file)]
    assert contracts(check(*by_file)[1]) == ["check", "openai"]
    variable = {"GUARDRAILS_SERVE_CONTRACT": "nemo azure"}
    assert contracts(check(*by_file, env=variable)[1]) == ["nemo", "azure"]
    assert contracts(check(*by_file, "--contract", "presidio", env=variable)[1]) == ["presidio"]
    assert contracts(check(env={"GUARDRAILS_SERVE_CONFIG": str(file)})[1]) == ["check", "openai"]
    code, said = check(*by_file, env={"GUARDRAILS_SERVE_OPEN": "false"})
    assert (code, "--keys" in said) == (1, True), "open came from the file"


def test_wrong_settings_are_all_named_with_their_line(tmp_path: Path) -> None:
    file = tmp_path / "serve.yaml"
    file.write_text("policies: small\nprot: 1\ngrace: [1, 2]\nkeys: {chat: x}\n")
    with pytest.raises(GuardrailsError) as caught:
        check("--config", str(file))
    told = str(caught.value).splitlines()
    assert [line.split(":")[1] for line in told] == ["2", "3", "4"]
    assert "did you mean port?" in told[0]
    file.write_text("policies: small\nport: many\n")
    code, said = check("--config", str(file))
    assert (code, "--port" in said) == (2, True), "click's own message and code"


def test_check_finds_what_would_not_work(tmp_path: Path) -> None:
    policies = folder(tmp_path)
    good = ["--policies", str(policies)]
    assert check(*good) == (0, check(*good)[1])
    assert "weights text: " in check(*good)[1]
    file, _ = keys(tmp_path, chat="guardrails: [smal]", ops="scopes: [admin]")
    code, said = check(*good, "--keys", str(file))
    assert (code, "keys.chat: there is no guardrail smal" in said) == (1, True)
    (tmp_path / "taken").write_text("")
    code, said = check(*good, "--evidence", str(tmp_path / "taken" / "log"))
    assert (code, "is a file" in said) == (1, True)
    assert check(*good, "--evidence", str(tmp_path / "new" / "log"))[0] == 0
    assert not (tmp_path / "new").exists(), "a look writes nothing"
    chain, key = Authority(tmp_path).issue("server")
    assert check(*good, "--tls-cert", chain, "--tls-key", key)[0] == 0
    code, said = check(*good, "--tls-cert", chain, "--tls-key", chain)
    assert (code, "certificate" in said) == (1, True)


def test_check_names_every_policy_that_cannot_be_used(tmp_path: Path) -> None:
    policies = folder(tmp_path, broken="version: 1\nname: broken\nwords: 3\n", other="version: 2\nname: x\n")
    code, said = check("--policies", str(policies))
    assert code == 1
    assert "broken.yaml" in said
    assert "other.yaml" in said
    assert "weights text: " in said, "the other looks are taken all the same"

"""TLS: who has no certificate of the clients' authority gets no answer; who has one is who its subject says."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from guardrails.errors import GuardrailsError
from guardrails.proxy.serving import Tls
from tests.proxy.command import running
from tests.service.authority import Authority
from tests.service.servers import folder, keys

BODY = {"text": "ACC-12345678", "source": "INPUT", "guardrail": "small"}


class Served:
    """The command with TLS, its authority, and the keys that it knows."""

    def __init__(self, base: str, authority: Authority, root: Path, made: dict[str, str]) -> None:
        self.base, self.authority, self.root, self.made = base, authority, root, made

    def ask(self, certificate: tuple[str, str] | None, **headers: str) -> httpx.Response:
        context = ssl.create_default_context(cafile=str(self.authority.certificate))
        if certificate is not None:
            context.load_cert_chain(*certificate)
        with httpx.Client(verify=context, trust_env=False) as client:
            return client.post(self.base + "/v1/check", json=BODY, headers=headers)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    root = tmp_path_factory.mktemp("tls")
    authority = Authority(root)
    file, made = keys(root, chat="")
    lines = file.read_text() + '  billing: {certificate: "CN=billing,O=Bank\\\\, Example", guardrails: [small]}\n'
    lines += '  other: {certificate: "CN=other,O=Tests", guardrails: [other-team]}\n'
    file.write_text(lines, encoding="utf-8")
    chain, key = authority.issue("server")
    args = ["serve", "--policies", str(folder(root)), "--port", "0", "--keys", str(file)]
    args += ["--tls-cert", chain, "--tls-key", key, "--tls-client-ca", str(authority.certificate)]
    with running(*args) as process:
        yield Served(process.address(r"guardrails serve: (\S+)"), authority, root, made)


def test_a_client_without_a_certificate_of_ours_gets_no_answer(service: Served) -> None:
    assert service.base.startswith("https://")
    for certificate in (None, Authority(service.root, "stranger").issue("billing", "Bank, Example")):
        with pytest.raises(httpx.TransportError):
            service.ask(certificate, **{"x-api-key": service.made["chat"]})


def test_the_subject_of_a_certificate_is_who_calls(service: Served) -> None:
    answer = service.ask(service.authority.issue("billing", "Bank, Example"))
    assert (answer.status_code, answer.json()["text"]) == (200, "{ACCOUNT}")
    assert service.ask(service.authority.issue("other")).status_code == 403, "it may not use that guardrail"
    assert service.ask(service.authority.issue("nobody")).status_code == 401
    assert service.ask(service.authority.issue("billing", "Bank")).status_code == 401, "another subject"


def test_a_key_counts_before_the_certificate(service: Served) -> None:
    other = service.authority.issue("other")
    assert service.ask(other, **{"x-api-key": service.made["chat"]}).status_code == 200
    assert service.ask(other, **{"x-api-key": "gr-" + "x" * 40}).status_code == 401


def test_files_that_cannot_be_used_are_named_before_anything_is_served(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    chain, key = authority.issue("server")
    Tls(chain, key, str(authority.certificate)).verify()
    _, another = authority.issue("another")
    for files in (Tls(chain, another), Tls(chain, key, another), Tls(chain, str(tmp_path / "missing"))):
        with pytest.raises(GuardrailsError, match="certificate"):
            files.verify()

"""Signatures of AWS's own signer, verified."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from guardrails.service.sigv4 import signed, verify

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


def scope_of(url: str, body: bytes, *, secret: str = SECRET) -> dict[str, object]:
    request = AWSRequest("POST", url, data=body, headers={"content-type": "application/json", "x-amz-test": "a  b"})
    SigV4Auth(Credentials("AKIATEST", secret), "bedrock", "us-east-1").add_auth(request)
    parts = urlsplit(url)
    headers = {"host": parts.netloc, **dict(request.headers.items())}
    return {
        "method": "POST",
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "headers": [(k.lower().encode(), str(v).encode()) for k, v in headers.items()],
    }


@given(
    st.sampled_from(["/guardrail/abc/version/1/apply", "/guardrail/arn%3Aaws%3Ax%2Fy/version/1/apply", "/", "/a%20b"]),
    st.sampled_from(["", "guardrailVersion=1", "b=2&a=1&a=0", "x=%2F&y="]),
    st.binary(max_size=60),
)
def test_what_botocore_signs_is_verified_and_any_change_is_not(path: str, query: str, body: bytes) -> None:
    scope = scope_of(f"http://127.0.0.1:8081{path}{'?' if query else ''}{query}", body)
    found = signed(scope["headers"])  # type: ignore[arg-type]
    assert found is not None
    assert found.access_key == "AKIATEST"
    assert verify(found, scope, body, SECRET)
    assert not verify(found, scope, body + b"x", SECRET)
    assert not verify(found, scope, body, SECRET + "x")
    assert not verify(found, {**scope, "raw_path": b"/other"}, body, SECRET)
    assert not verify(found, {**scope, "query_string": b"z=1"}, body, SECRET)
    late = datetime.now(UTC) + timedelta(minutes=6)
    assert not verify(found, scope, body, SECRET, now=late)


@pytest.mark.parametrize("value", [b"AWS4-HMAC-SHA256", b"AWS4-HMAC-SHA256 Credential=x", b"Bearer x", b""])
def test_what_is_no_signature_is_none(value: bytes) -> None:
    assert signed([(b"authorization", value)]) is None

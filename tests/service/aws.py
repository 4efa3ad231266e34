"""Real clients of AWS, and answers compared with the service model that they are made from."""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3
import botocore.loaders
import botocore.model
import httpx
from botocore.config import Config


def client(
    base: str, service: str = "bedrock-runtime", *, key: str = "any", secret: str | None = None, **more: Any
) -> Any:
    """boto3 as it is, pointed at ``base``."""
    return boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url=base,
        aws_access_key_id=key,
        aws_secret_access_key=secret or "any",
        config=Config(proxies={}, retries={"max_attempts": 0}),
        **more,
    )


@cache
def model(service: str) -> botocore.model.ServiceModel:
    return botocore.model.ServiceModel(botocore.loaders.Loader().load_service_model(service, "service-2"))


def wrong(value: Any, shape: Any, place: str = "") -> list[str]:
    """Everything in an answer that its shape does not have, or has otherwise: members, types, enums, sizes."""
    kind = shape.type_name
    if kind == "structure":
        if not isinstance(value, dict):
            return [f"{place}: no structure"]
        out = [f"{place}.{name}: missing" for name in shape.required_members if name not in value]
        for name, one in value.items():
            if name not in shape.members:
                out.append(f"{place}.{name}: unknown")
            else:
                out += wrong(one, shape.members[name], f"{place}.{name}")
        return out
    if kind == "list":
        if not isinstance(value, list):
            return [f"{place}: no list"]
        return [w for i, one in enumerate(value) for w in wrong(one, shape.member, f"{place}[{i}]")]
    kinds: dict[str, Any] = {
        "string": str, "boolean": bool, "integer": int, "long": int, "double": (int, float), "timestamp": str,
    }  # fmt: skip
    if not isinstance(value, kinds[kind]) or (kind != "boolean" and isinstance(value, bool)):
        return [f"{place}: {type(value).__name__} is no {kind}"]
    out = []
    if getattr(shape, "enum", None) and value not in shape.enum:
        out.append(f"{place}: {value!r} is none of {shape.enum}")
    bounds = shape.metadata
    size = len(value) if isinstance(value, str) else value
    if "min" in bounds and kind != "timestamp" and size < float(bounds["min"]):
        out.append(f"{place}: {size} is below {bounds['min']}")
    if "max" in bounds and kind != "timestamp" and size > float(bounds["max"]):
        out.append(f"{place}: {size} is above {bounds['max']}")
    return out


def fits(body: dict[str, Any], service: str, operation: str, *, besides: frozenset[str] = frozenset()) -> None:
    """Fails when a body is not what the operation answers; ``besides`` are members that we add on purpose."""
    shape: Any = model(service).operation_model(operation).output_shape
    assert wrong({k: v for k, v in body.items() if k not in besides}, shape) == []


def raw(base: str, path: str, body: Any, **headers: str) -> httpx.Response:
    """The same without a client, to see the bytes."""
    return httpx.post(base + path, json=body, headers=headers)

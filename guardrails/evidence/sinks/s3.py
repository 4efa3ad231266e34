"""``s3://bucket/prefix``: closed segments are uploaded, with the checkpoints over them and the public key.

What lies in the bucket is a log as well: copied into a directory, ``guardrails audit verify`` and tools/verify_evidence.py verify it.
Credentials are those that boto3 finds. ``?endpoint=https://…`` and ``?region=…`` say where, for stores that are not Amazon's.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from guardrails.errors import GuardrailsError
from guardrails.evidence.note import Checkpoint
from guardrails.evidence.segments import Place, frame, frames, names
from guardrails.evidence.sinks import SinkDown
from guardrails.evidence.tail import Cursor

__all__ = ["open_sink"]


class _S3:
    name = "s3"
    whole_segments = True

    def __init__(
        self, client: Any, failed: tuple[type[Exception], ...], place: Place, bucket: str, prefix: str
    ) -> None:
        self._client = client
        self._failed = failed
        self._place = place
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._cursor = Cursor(place, self.name, f"{client.meta.endpoint_url} {bucket} {self._prefix}")

    def open(self, begun: int, size: int) -> int:  # noqa: ARG002 - every closed segment is uploaded
        begin = names(self._place.segments)[0][0]
        return max(begin, min(self._cursor.load() or 0, size))

    def send(self, first: int, upto: int) -> int:  # noqa: ARG002 - the names of the segments say it
        """One segment."""
        behind = next(begin for begin, _ in names(self._place.segments) if begin > first)
        try:
            self._upload(first)
            self._checkpoints(behind)
            self._cursor.save(behind)
        except self._failed as error:
            raise self._down(error) from None
        return behind

    def close(self) -> None:
        """There is no connection that lasts."""

    def _upload(self, first: int) -> None:
        path = self._place.segment(first)
        data = path.read_bytes()
        key, digest = f"{self._prefix}segments/{path.name}", hashlib.sha256(data).hexdigest()
        there = self._there(key)
        if there is not None and there != digest:
            raise SinkDown(
                f"the bucket holds another segment under the name {key}: give each log a prefix of its own in evidence.sinks"
            )
        if there is None:
            self._put(key, data, digest)

    def _checkpoints(self, size: int) -> None:
        """The checkpoints over what is in the bucket, and not one over more: its log is whole."""
        notes = [note for _, note in frames(self._place.checkpoints.read_bytes())]
        covered = [note for note in notes if Checkpoint.parse(note.decode()).size <= size]
        self._put(f"{self._prefix}checkpoints.log", b"".join(map(frame, covered)))
        if covered:
            self._put(f"{self._prefix}checkpoint", covered[-1])
        self._put(f"{self._prefix}log.vkey", self._place.verifier.read_bytes())

    def _there(self, key: str) -> str | None:
        """The SHA-256 of what lies under a key, None where nothing does."""
        try:
            found = self._client.head_object(Bucket=self._bucket, Key=key)
        except self._failed as error:
            if _status(error) == 404:
                return None
            raise
        return str(found["Metadata"].get("sha256", "unknown"))

    def _put(self, key: str, data: bytes, digest: str = "") -> None:
        check = base64.b64encode(
            hashlib.md5(data, usedforsecurity=False).digest()
        ).decode()  # what every store compares
        self._client.put_object(
            Bucket=self._bucket,
            Key=key,
            Body=data,
            ContentMD5=check,
            Metadata={"sha256": digest or hashlib.sha256(data).hexdigest()},
        )

    def _down(self, error: Exception) -> SinkDown:
        answer = getattr(error, "response", None) or {}
        code = answer.get("Error", {}).get("Code") or type(error).__name__
        return SinkDown(
            f"S3 takes no segments ({code}): look at the bucket, the credentials that boto3 finds, and the endpoint in evidence.sinks"
        )


def _status(error: Exception) -> int:
    answer = getattr(error, "response", None) or {}
    return int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def open_sink(address: str, place: Place, log: str) -> _S3:  # noqa: ARG001 - what every sink is given
    """Raises GuardrailsError for an address that cannot be read, or without boto3."""
    try:
        import boto3  # noqa: PLC0415
        from botocore.config import Config  # noqa: PLC0415
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
    except ImportError:
        raise GuardrailsError("evidence.sinks: S3 needs boto3: pip install 'onepolicy-guardrails[s3]'") from None
    parts = urlsplit(address)
    told = dict(parse_qsl(parts.query, keep_blank_values=True))
    if not parts.hostname or parts.username or told.keys() - {"endpoint", "region"}:
        raise GuardrailsError(
            "evidence.sinks: write s3://bucket/prefix, with ?endpoint=https://… and &region=… where they are needed; credentials are"
            " those that boto3 finds (AWS_ACCESS_KEY_ID, a profile, a role)"
        )
    config = Config(
        connect_timeout=10, read_timeout=60, retries={"max_attempts": 2}, request_checksum_calculation="when_required"
    )
    try:
        client = boto3.client("s3", endpoint_url=told.get("endpoint"), region_name=told.get("region"), config=config)
    except (BotoCoreError, ValueError) as error:
        raise GuardrailsError(f"evidence.sinks: boto3 takes no such address ({type(error).__name__})") from None
    return _S3(client, (BotoCoreError, ClientError, OSError), place, parts.hostname, parts.path)

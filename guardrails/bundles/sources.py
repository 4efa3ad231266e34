"""Where a bundle comes from: a folder, a Git repository, or a prefix of an S3 bucket. What they give is not trusted yet."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from guardrails.errors import GuardrailsError

__all__ = ["Read", "opened"]

# The bytes of a file by its path in the bundle, of at most so many; GuardrailsError when it is not there or longer.
Read = Callable[[str, int], bytes]

_REF = re.compile(r"[A-Za-z0-9][\w./+-]{0,250}")
_GIT = ("git+https", "git+ssh", "git+file", "git+http")
# Seconds that Git may take.
_CLONE = 300


@contextmanager
def opened(address: str) -> Iterator[Read]:
    """How to read the files of a source: ``git+https://host/repository.git?ref=main&path=policies``, ``s3://bucket/prefix``, or a folder.

    Raises GuardrailsError for an address that cannot be read, a source that cannot be reached, or a package or program that is missing.
    """
    scheme = address.partition("://")[0] if "://" in address else ""
    if scheme in _GIT:
        with _cloned(address) as folder:
            yield _below(folder)
    elif scheme == "s3":
        yield _bucket(address)
    elif scheme:
        raise GuardrailsError(
            f"bundles come from a folder, {', '.join(f'{g}://' for g in _GIT)} or s3://, not from {scheme}://"
        )
    else:
        folder = Path(address)
        if not folder.is_dir():
            raise GuardrailsError(f"{folder}: there is no such folder")
        yield _below(folder)


def _below(folder: Path) -> Read:
    root = Path(os.path.realpath(folder))

    def read(name: str, at_most: int) -> bytes:
        path = Path(os.path.realpath(root / name))
        if not path.is_relative_to(root) or not path.is_file():
            raise GuardrailsError(f"{name}: the source has no such file")
        with path.open("rb") as file:
            return _bounded(name, file.read(at_most + 1), at_most)

    return read


def _bounded(name: str, data: bytes, at_most: int) -> bytes:
    if len(data) > at_most:
        raise GuardrailsError(f"{name}: it has over {at_most} bytes")
    return data


@contextmanager
def _cloned(address: str) -> Iterator[Path]:
    """A fresh copy of a repository at a branch or a tag, without its history. Git's own settings say who may read it."""
    parts = urlsplit(address)
    told = dict(parse_qsl(parts.query, keep_blank_values=True))
    ref, path = told.get("ref", ""), told.get("path", "").strip("/")
    if told.keys() - {"ref", "path"} or parts.password or (ref and not _REF.fullmatch(ref)) or ".." in path.split("/"):
        raise GuardrailsError(
            "a repository is written git+https://host/name.git?ref=BRANCH-OR-TAG&path=FOLDER; who may read it is for Git's credential"
            " helpers and SSH keys, and no part of the address"
        )
    program = shutil.which("git")
    if program is None:
        raise GuardrailsError("a bundle from a repository needs the program git")
    url = urlunsplit((parts.scheme.removeprefix("git+"), parts.netloc, parts.path, "", ""))
    with tempfile.TemporaryDirectory(prefix="guardrails-bundle-") as folder:
        # No hooks, no submodules, no links, no questions at a terminal; transports that run programs are off.
        command = [
            program, "-c", "core.hooksPath=/dev/null", "-c", "core.symlinks=false", "-c", "core.autocrlf=false", "clone", "--quiet",
            "--depth=1", "--single-branch", "--no-tags", "--template=", *(["--branch", ref] if ref else []), "--", url, "checkout",
        ]  # fmt: skip
        environment = {
            **os.environ,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": "https:http:ssh:file",
            "GIT_LFS_SKIP_SMUDGE": "1",
        }
        try:
            done = subprocess.run(  # noqa: S603 - the program that was found, and an address behind `--`
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_CLONE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise GuardrailsError(f"{parts.hostname or url}: git took over {_CLONE} seconds") from None
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise GuardrailsError(f"git cannot read the repository: {said[-1][:200] if said else done.returncode}")
        yield Path(folder) / "checkout" / path


def _bucket(address: str) -> Read:
    """The objects below a prefix. Credentials are those that boto3 finds."""
    client, failed, bucket, prefix = _client(address)

    def read(name: str, at_most: int) -> bytes:
        try:
            found = client.get_object(Bucket=bucket, Key=f"{prefix}{name}")
            return _bounded(name, found["Body"].read(at_most + 1), at_most)
        except failed as error:
            answer = getattr(error, "response", None) or {}
            code = answer.get("Error", {}).get("Code") or type(error).__name__
            raise GuardrailsError(
                f"{name}: S3 does not give it ({code}); look at the bucket, the prefix and the credentials"
            ) from None

    return read


def _client(address: str) -> tuple[Any, tuple[type[Exception], ...], str, str]:
    try:
        import boto3  # noqa: PLC0415
        from botocore.config import Config  # noqa: PLC0415
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
    except ImportError:
        raise GuardrailsError("a bundle from S3 needs boto3: pip install 'onepolicy-guardrails[s3]'") from None
    parts = urlsplit(address)
    told = dict(parse_qsl(parts.query, keep_blank_values=True))
    if not parts.hostname or parts.username or told.keys() - {"endpoint", "region"}:
        raise GuardrailsError(
            "a bucket is written s3://bucket/prefix, with ?endpoint=https://… and &region=… where they are needed; credentials are those that"
            " boto3 finds"
        )
    config = Config(connect_timeout=10, read_timeout=60, retries={"max_attempts": 2})
    try:
        client = boto3.client("s3", endpoint_url=told.get("endpoint"), region_name=told.get("region"), config=config)
    except (BotoCoreError, ValueError) as error:
        raise GuardrailsError(f"boto3 takes no such address ({type(error).__name__})") from None
    prefix = parts.path.strip("/")
    return client, (BotoCoreError, ClientError, OSError), parts.hostname, f"{prefix}/" if prefix else ""

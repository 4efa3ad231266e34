"""Bounded decompression: a body that grows out of proportion is refused before it is large."""

from __future__ import annotations

import importlib
import sys
import zlib
from typing import Any, Protocol

from guardrails.wire.limits import Malformed

__all__ = ["Inflater"]


class _Machine(Protocol):
    def step(self, data: bytes, room: int) -> bytes:
        """What ``data`` inflates to; ``room`` bytes or more mean that there is more to come than fits."""

    @property
    def ended(self) -> bool:
        """Whether the coding's own end was seen."""


class Inflater:
    """A compressed body, inflated in pieces as they arrive.

    ``coding`` is the value of its content-encoding header: ``gzip``, ``deflate``, ``zstd`` (RFC 9659: a window of at most
    8 MB), ``identity`` or nothing, and ``br`` where a ``brotli`` is installed that can bound its output (1.2 or later); one
    coding only. More than ``limit`` bytes in all is too much, and so is more than ``ratio`` bytes out for each byte in
    beyond the first ``free`` bytes: JSON and streams that repeat themselves get far above that ratio before it.
    """

    __slots__ = ("_free", "_in", "_limit", "_machine", "_out", "_ratio")

    def __init__(self, coding: str, limit: int, *, ratio: int = 100, free: int = 2_000_000) -> None:
        """Raises Malformed (415) for a coding, or a stack of codings, that is not read."""
        self._machine = _machine(coding.strip().lower())
        self._limit, self._ratio, self._free = limit, ratio, min(free, limit)
        self._in = self._out = 0

    def feed(self, data: bytes) -> bytes:
        """What these bytes inflate to. Raises Malformed: too much (413), corrupt or bytes after the end (400)."""
        self._in += len(data)
        if self._machine is None:
            if len(data) > self._limit - self._out:
                raise self._too_much()
            self._out += len(data)
            return data
        # One byte more than may come tells "just fits" from "too much"; less than that, and all input was used.
        room = min(self._limit, max(self._free, self._ratio * self._in)) - self._out + 1
        piece = self._machine.step(data, room)
        if len(piece) >= room:
            raise self._too_much()
        self._out += len(piece)
        return piece

    def finish(self) -> None:
        """Call after the last byte. Raises Malformed (400) for a compressed body that was cut short."""
        if self._machine is not None and self._in and not self._machine.ended:
            raise Malformed(400, "content-encoding: the compressed body ends too early; send all of it")

    def _too_much(self) -> Malformed:
        return Malformed(
            413,
            f"the body inflates to over {self._limit} bytes, or to over {self._free} bytes and {self._ratio} times its"
            " size; send it uncompressed, or raise the limit `bytes` (in the middleware: limits=BodyLimits(bytes=…); at the"
            " proxy: --max-body)",
        )


def _machine(coding: str) -> _Machine | None:
    if coding in {"", "identity"}:
        return None
    if coding in {"gzip", "x-gzip"}:
        return _Zlib(zlib.MAX_WBITS | 16)
    if coding == "deflate":
        return _Zlib(None)
    if coding == "br" and (brotli := _bounded_brotli()) is not None:
        return _Brotli(brotli)
    if coding == "zstd":
        return _Zstd()
    raise Malformed(415, "content-encoding: only one of gzip, deflate, zstd and identity is read; ask for identity")


def _corrupt() -> Malformed:
    return Malformed(400, "content-encoding: not what the header says, corrupt, or followed by more; send one member")


def _piece(inflate: Any, data: bytes, room: int, *errors: type[Exception]) -> bytes:
    """At most ``room`` bytes of what ``data`` unpacks to. Raises Malformed for what is corrupt, or followed by more."""
    try:
        piece: bytes = inflate.decompress(data, room)
    except errors:
        failed = True
    else:
        failed = bool(inflate.unused_data)
    if failed:
        # Raised here, so that no error of the library, which may quote the body, is its context.
        raise _corrupt()
    return piece


class _Zlib:
    __slots__ = ("_inflate", "_wbits")

    def __init__(self, wbits: int | None) -> None:
        self._wbits = wbits
        self._inflate: Any = None

    def step(self, data: bytes, room: int) -> bytes:
        if self._inflate is None:
            if not data:
                return b""
            wbits = self._wbits
            if wbits is None:
                # "deflate" means zlib's format, but some servers send the bare one; zlib's first byte ends in 8.
                wbits = zlib.MAX_WBITS if data[0] & 0x0F == 8 else -zlib.MAX_WBITS
            self._inflate = zlib.decompressobj(wbits)
        return _piece(self._inflate, data, room, zlib.error)

    @property
    def ended(self) -> bool:
        return self._inflate is not None and bool(self._inflate.eof)


class _Zstd:
    __slots__ = ("_error", "_inflate")

    def __init__(self) -> None:
        if sys.version_info >= (3, 14):  # pragma: no cover
            from compression import zstd  # noqa: PLC0415 - rarely asked for
        else:
            from backports import zstd  # noqa: PLC0415
        # 2 to the power of 23 bytes: a frame may otherwise ask for gigabytes.
        self._inflate = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: 23})
        self._error: type[Exception] = zstd.ZstdError

    def step(self, data: bytes, room: int) -> bytes:
        if not data and self._inflate.eof:
            return b""
        return _piece(self._inflate, data, room, self._error, EOFError)

    @property
    def ended(self) -> bool:
        return bool(self._inflate.eof)


def _bounded_brotli() -> Any:
    """The ``brotli`` module where it can stop at a length, otherwise None: 172 bytes may stand for 100 MiB."""
    try:
        module = importlib.import_module("brotli")
    except ImportError:
        return None
    return module if hasattr(getattr(module, "Decompressor", None), "can_accept_more_data") else None


class _Brotli:
    __slots__ = ("_error", "_inflate")

    def __init__(self, module: Any) -> None:
        self._inflate = module.Decompressor()
        self._error: type[Exception] = module.error

    def step(self, data: bytes, room: int) -> bytes:
        out: list[bytes] = []
        size = 0
        try:
            while True:
                piece: bytes = self._inflate.process(data, output_buffer_limit=room - size)
                out.append(piece)
                size += len(piece)
                if size >= room or self._inflate.can_accept_more_data():
                    return b"".join(out)
                data = b""
        except self._error:
            pass
        raise _corrupt()

    @property
    def ended(self) -> bool:
        return bool(self._inflate.is_finished())

"""Bounded decompression: every cut gives the same, and a bomb is refused while it is small."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from itertools import pairwise

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from guardrails.wire.strict import Inflater, Malformed

TEXT = bytes(range(256)) * 40 + b"the same again, and again " * 400


def raw(data: bytes) -> bytes:
    machine = zlib.compressobj(wbits=-15)
    return machine.compress(data) + machine.flush()


CODINGS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    " GZIP ": gzip.compress,
    "deflate": zlib.compress,
    "Deflate": raw,
    "zstd": zstd.compress,
    "identity": bytes,
    "": bytes,
}


def inflate(coding: str, pieces: list[bytes], limit: int = 1_000_000, free: int | None = None) -> bytes:
    inflater = Inflater(coding, limit) if free is None else Inflater(coding, limit, free=free)
    out = b"".join(inflater.feed(piece) for piece in pieces)
    inflater.finish()
    return out


@pytest.mark.parametrize("coding", CODINGS)
def test_whole_and_byte_by_byte(coding: str) -> None:
    body = CODINGS[coding](TEXT)
    assert inflate(coding, [body]) == TEXT
    assert inflate(coding, [b"", *(body[i : i + 1] for i in range(len(body))), b""]) == TEXT


@given(st.binary(max_size=2000), st.sampled_from(sorted(CODINGS)), st.lists(st.integers(0, 2000), max_size=6))
def test_any_body_any_cut(data: bytes, coding: str, cuts: list[int]) -> None:
    body = CODINGS[coding](data)
    places = [0, *sorted(min(c, len(body)) for c in cuts), len(body)]
    assert inflate(coding, [body[a:b] for a, b in pairwise(places)]) == data


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd", "identity"])
def test_limit_is_exact(coding: str) -> None:
    body = CODINGS[coding](TEXT)
    assert inflate(coding, [body], len(TEXT)) == TEXT
    with pytest.raises(Malformed) as caught:
        inflate(coding, [body], len(TEXT) - 1)
    assert caught.value.status == 413


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd"])
def test_bomb(coding: str) -> None:
    bomb = CODINGS[coding](bytes(50_000_000))
    pieces = [bomb[at : at + 1000] for at in range(0, len(bomb), 1000)]
    tracemalloc.start()
    with pytest.raises(Malformed) as caught:
        inflate(coding, pieces, 40_000_000, free=65_536)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.status == 413
    assert peak < 1_000_000
    with pytest.raises(Malformed):
        inflate(coding, pieces, 40_000_000)


def test_the_ratio_counts_only_beyond_the_free_bytes() -> None:
    assert len(inflate("gzip", [gzip.compress(bytes(65_536))], free=65_536)) == 65_536
    with pytest.raises(Malformed):
        inflate("gzip", [gzip.compress(bytes(65_537))], free=65_536)


def test_a_stream_that_repeats_itself_is_no_bomb() -> None:
    event = b'data: {"choices":[{"index":0,"delta":{"content":"word "},"finish_reason":null}]}\n\n' * 20_000
    assert len(gzip.compress(event)) * 100 < len(event)
    assert inflate("gzip", [gzip.compress(event)], 16_000_000) == event


@pytest.mark.parametrize(
    "coding", ["gzip, gzip", "gzip,deflate", "identity, gzip", "compress", "zstd, gzip", "br, br", "aws-chunked", "*"]
)
def test_unknown_and_stacked(coding: str) -> None:
    with pytest.raises(Malformed) as caught:
        Inflater(coding, 1000)
    assert caught.value.status == 415


def checked(data: bytes) -> bytes:
    return zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1})


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd"])
def test_cut_short_corrupt_and_more_behind(coding: str) -> None:
    body = {**CODINGS, "zstd": checked}[coding](TEXT)
    with pytest.raises(Malformed, match="too early"):
        inflate(coding, [body[:-1]])
    with pytest.raises(Malformed, match="corrupt"):
        inflate(coding, [body[:-1] + bytes([body[-1] ^ 1])])
    with pytest.raises(Malformed, match="followed by more"):
        inflate(coding, [body + body])
    with pytest.raises(Malformed, match="followed by more"):
        inflate(coding, [body, b"x"])
    with pytest.raises(Malformed):
        inflate(coding, [b"not compressed at all"])


def test_a_frame_that_asks_for_gigabytes_is_refused() -> None:
    machine = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 27})
    wide = machine.compress(TEXT) + machine.flush(zstd.ZstdCompressor.FLUSH_FRAME)
    with pytest.raises(Malformed, match="content-encoding"):
        inflate("zstd", [wide])


def test_errors_do_not_carry_the_librarys() -> None:
    with pytest.raises(Malformed) as caught:
        Inflater("gzip", 1000).feed(b"not compressed")
    assert caught.value.__context__ is None


def test_an_empty_body_needs_no_coding() -> None:
    assert inflate("gzip", []) == b""
    assert inflate("deflate", [b""]) == b""


def test_brotli_where_it_can_be_bounded() -> None:
    brotli = pytest.importorskip("brotli")
    if not hasattr(brotli.Decompressor, "can_accept_more_data"):
        pytest.skip("this brotli cannot bound its output")
    body = brotli.compress(TEXT)
    assert inflate("br", [body]) == TEXT
    assert inflate("br", [body[i : i + 1] for i in range(len(body))]) == TEXT
    with pytest.raises(Malformed, match="too early"):
        inflate("br", [body[:-1]])
    with pytest.raises(Malformed):
        inflate("br", [body, b"x"])
    bomb = brotli.compress(bytes(50_000_000))
    tracemalloc.start()
    with pytest.raises(Malformed) as caught:
        inflate("br", [bomb], 40_000_000, free=65_536)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.status == 413
    assert peak < 1_000_000


def test_without_brotli_it_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "brotli", None)
    with pytest.raises(Malformed):
        Inflater("br", 1000)

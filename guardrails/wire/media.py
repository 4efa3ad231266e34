"""Media at places that no shape names: images, sounds, videos and files, however a server calls them.

Nobody can inspect them, so they are reported, also in a part of a type that is new to us. What tells them: the type of an
object (``output_image``), its media type, the name of a field (``image_url``, ``b64_json``), and the value (a ``data:``
address, base64 that begins as files do). A name alone is not enough: the value has to be an address, an id or base64. In
data (schemas, settings, citations) a name means what its author wants, and nothing is media.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from guardrails.wire.kinds import Kind
from guardrails.wire.vectors import is_base64, is_numbers

__all__ = ["embedded", "field", "holder", "is_bytes", "names_media", "unknown_part"]


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_MEDIA = _set(
    "image images img imgs picture pictures photo photos audio audios sound sounds video videos movie movies media pdf"
    " thumbnail screenshot screenshots multimodal b64 base64 blob blobs binary"
)
# What may be text as well: such an object is media unless it says its text.
_FILES = _set("file files document documents attachment attachments resource resources upload uploads asset assets")
_HELD = _set("file files attachment attachments upload uploads")
# What tells of something or leads to its source, and what only the API can read.
_TOLD = _set(
    "citation citations annotation annotations search transcript transcription transcripts caption captions usage"
    " tokens error grounding encrypted redacted signature signed"
)
# Fields of data, whose names are no words of an API.
_DATA = _set(
    "properties parameters schema json_schema input_schema inputSchema output_schema outputSchema $defs definitions"
    " arguments args input metadata tool_calls function_call functionCall headers config options architecture pricing"
)
# Parts of an unknown type whose addresses are for people to follow.
_LINKS = _set("link links cite source sources web website page reference references tool call function result")
# Fields of media that describe it.
_TELLING = _set(
    "name filename title text alt description detail details format type mime mimetype quality size style model prompt"
    " status id role language lang voice hash sha sha1 sha256 md5 digest checksum etag key label labels object"
)
_ADDRESSES = _set("url urls uri uris href src link pointer")
_BYTES = _set("data bytes b64 base64 blob blobs binary body payload result")
_IDS = _set("id ids")
_SAID = ("text", "content", "snippet", "page_content", "pageContent", "excerpt", "quote", "cited_text", "summary")
# Fields that hold the parts of a message.
_CONTENT = _set("content contents parts")
_MIMES = ("mime_type", "mimeType", "media_type", "mediaType", "content_type", "contentType", "mimetype")
_MIME = re.compile(r"(?:image|audio|video|font|model)/|application/(?!json|xml|yaml|.*\+(?:json|xml)\b)", re.IGNORECASE)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_NUMBERED = ("b64", "base64", "sha256", "sha1", "md5")
_ADDRESS = re.compile(
    r"(?:[a-z][a-z0-9+.-]{1,20}:)?//\S+|(?:data|blob|cid|gs|s3|file|attachment|asset):\S+", re.IGNORECASE
)
_INLINE = re.compile(r"\s*data:[a-z0-9.+_;=\"/-]{0,200}?;base64,[A-Za-z0-9+/_=\s-]{8}", re.IGNORECASE)
# How base64 begins of PNG, JPEG, GIF, RIFF (WebP, WAV), PDF, zip, MP3, Ogg, FLAC, Matroska, MP4, gzip, TIFF.
_BEGINS = (
    "iVBORw0KGg", "/9j/", "R0lGODdh", "R0lGODlh", "UklGR", "JVBERi0", "UEsDB", "SUQzA", "//uQ", "//NE", "T2dnUw", "ZkxhQ",
    "GkXfo", "AAAAGGZ0eX", "AAAAHGZ0eX", "AAAAIGZ0eX", "AAAAFGZ0eX", "H4sIA", "SUkqA", "TU0AK",
)  # fmt: skip
# Base64 below this could be a word; a list of numbers below this, counts.
_SHORT = 64
_FEW = 16
_LARGEST_BYTE = 255
_LONGEST_NAME = 100
# Bytes that are looked at to tell text from other content.
_HEAD = 3_000
_STANDARD = str.maketrans("-_", "+/")


# An address of media in a text, as Markdown and HTML have them, and its content.
_EMBEDDED = re.compile(
    r"data:(?:image|audio|video|font|application)/[a-z0-9.+_-]{1,60}(?:;[a-z0-9.=_-]{1,60}){0,3};base64,", re.IGNORECASE
)
_CONTENT_OF = re.compile(r"[A-Za-z0-9+/_-]*={0,2}")
_SHOWN = 12  # characters of it that stay


def embedded(text: str) -> tuple[str, list[tuple[str, str]]]:
    """A text without the content of the media in it, and for each what is left of its address and what was cut off behind that.

    Only base64 that begins as a file does is content: an address that is called an image and holds a text is read."""
    cuts: list[tuple[str, str]] = []
    if ";base64," not in text:
        return text, cuts
    out: list[str] = []
    at = 0
    for head in _EMBEDDED.finditer(text):
        content = _CONTENT_OF.match(text, head.end())
        if content is None or head.start() < at or not text.startswith(_BEGINS, head.end()):
            continue
        first = head.end() + _SHOWN
        if content.end() - head.end() < _SHORT:
            continue
        out.append(text[at:first])
        cuts.append((text[head.start() : first], text[first : content.end()]))
        at = content.end()
    return "".join([*out, text[at:]]), cuts


@lru_cache(maxsize=2048)
def _words(name: str) -> frozenset[str]:
    """The words of a field's name or of a type, in small letters."""
    if len(name) > _LONGEST_NAME:
        return frozenset()
    small = name.lower()
    return frozenset(word.lower() for word in _WORD.findall(name)) | {word for word in _NUMBERED if word in small}


def names_media(kind: str) -> bool:
    """Whether a type (of an event, of a part) says that its content is media and no words about it."""
    words = _words(kind)
    return not words.isdisjoint(_MEDIA) and words.isdisjoint(_TOLD | _WORDY)


_WORDY = _set("text prompt code arguments summary refusal reasoning title description")


def unknown_part(kind: str) -> bool:
    """Whether a type nobody knows is one of a part that may hold anything, and no result or link."""
    return _words(kind).isdisjoint(_LINKS | _TOLD | {"output", "execution"})


def holder(value: Mapping[str, Any], kind: Kind) -> Kind:
    """How the fields of an object are read that no shape names, by what the object says it is; ``kind``: how it is itself."""
    said = value.get("type")
    words = _words(said) if isinstance(said, str) else frozenset()
    if not words.isdisjoint(_TOLD) or (said == "object" and "properties" in value):
        return Kind.TEXT
    if said == "text":
        return Kind.UNNAMED
    mime = next((m for m in map(value.get, _MIMES) if isinstance(m, str)), "")
    if kind is Kind.MEDIA or not words.isdisjoint(_MEDIA) or _MIME.match(mime):
        return Kind.MEDIA
    if not words.isdisjoint(_FILES):
        return Kind.UNNAMED if _says_text(value) else Kind.MEDIA
    if kind is Kind.PART and (not words.isdisjoint(_LINKS) or _says_text(value)):
        return Kind.UNNAMED
    return kind


def field(name: str, value: Any, kind: Kind, around: Mapping[str, Any]) -> Kind:
    """How the value of a field is read that no shape names, in an object ``around`` whose fields are of ``kind``."""
    if kind is Kind.TEXT or name in _DATA:
        return Kind.TEXT
    words = _words(name)
    if not words.isdisjoint(_TOLD):
        return Kind.TEXT
    if not words.isdisjoint(_MEDIA):
        kind = Kind.MEDIA
    if isinstance(value, str):
        return _string(words, value, kind, around)
    if kind is Kind.MEDIA or words.isdisjoint(_FILES):
        return Kind.PART if kind is Kind.UNNAMED and name in _CONTENT else kind
    inside = value if isinstance(value, list) else [value]
    return kind if all(isinstance(v, dict) and _says_text(v) for v in inside) else Kind.MEDIA


def _string(words: frozenset[str], value: str, kind: Kind, around: Mapping[str, Any]) -> Kind:
    if _INLINE.match(value):
        return Kind.REFERENCE
    if len(value) >= _SHORT and value.startswith(_BEGINS) and is_base64(value):
        return Kind.BINARY
    if not value or any(map(str.isspace, value[:_SHORT].strip())):
        return Kind.TEXT
    address, content = not words.isdisjoint(_ADDRESSES), not words.isdisjoint(_BYTES)
    named = len(words) > 1 and not words.isdisjoint(_IDS)
    if kind is Kind.MEDIA:
        if address or named:
            return Kind.REFERENCE
        if not content and not words.isdisjoint(_TELLING):
            return Kind.TEXT
        if _ADDRESS.match(value):
            return Kind.REFERENCE
        return Kind.BINARY if (content or len(value) >= _SHORT) and is_base64(value) else Kind.TEXT
    if not words.isdisjoint(_FILES) and not _says_text(around):
        if address or (named and not words.isdisjoint(_HELD)):
            return Kind.REFERENCE
        if content and is_base64(value):
            return Kind.BINARY
        if not words.isdisjoint(_HELD) and _ADDRESS.match(value):
            return Kind.REFERENCE
    if kind is Kind.PART and address and _ADDRESS.match(value):
        return Kind.REFERENCE
    return Kind.BINARY if content and len(value) >= _SHORT and _is_no_text(value) else Kind.TEXT


def is_bytes(value: list[Any]) -> bool:
    """Whether a list is content, byte by byte."""
    return len(value) >= _FEW and is_numbers(value, whole=True) and min(value) >= 0 and max(value) <= _LARGEST_BYTE


def _says_text(value: Mapping[str, Any]) -> bool:
    """Whether an object that may be a file or a source holds its text; what a message says is not that of its files."""
    return "role" not in value and any(isinstance(said := value.get(name), str) and said.strip() for name in _SAID)


def _is_no_text(value: str) -> bool:
    """Whether a string is base64 of what is no text."""
    if not is_base64(value):
        return False
    head = "".join(value[: 2 * _HEAD].split()).translate(_STANDARD).rstrip("=")
    try:
        data = base64.b64decode(head[: len(head) // 4 * 4])
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start < len(data) - 4  # a character may be cut at the end
    except (binascii.Error, ValueError):
        return False
    return False

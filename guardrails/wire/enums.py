"""The APIs' own words: enums are made of them, and no list of words is about them.

A policy that denies ``web search`` means what people write, and not ``"type": "web_search_call"``. A value that is made of
nothing else than these words, dates and joining signs is the API's; any other value in a field of ids is inspected.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

__all__ = ["ROLES", "is_enum", "unknown_role"]

# What the type definitions of the SDKs and the service models consist of (roles, types, events, reasons, media types).
_OWN = """
    a aac accepted access account action active adaptive added additional advisor agent ai all allowed any annotation answer
    api application approval approve approved approximate arguments as asc ascii assistant async at audio auto available avif
    base bash batch be beta binary bit block blocked blocklist bmp body boundary bot browser by bytes
    cache cached caching call called calls cancel cancelled candidate candidates char chat check choice chunk chunks citation
    citations clear click client code command commands compact compacted compaction compat complete completed completion completions
    computer config configuration connector container content context continue control count counts coordinates create created
    creation csv current cursor custom
    data datetime date day default deferred delete deleted delta deny deprecated description desc destructive detail detailed details developer
    disabled disconnected display doc document documents docx done double down download drag drop duration
    edit editor effort embedding embeddings empty enabled encrypted end ended ephemeral error event events exceeded exec execute execution
    exit expired external
    fail failed failure false fast fetch fetched field file files filter filtered finish finished flac flex float focus for format forward fp
    full function functions
    general generate generated generating generation get gif global go good
    header heic heif hidden high hit host hosted html http https human
    id image images in incomplete index inference info inline input insert int integer internal interpreter interpreting invalid is iso item items
    javascript jp jpeg jpg json jsonl
    key keypress keys
    language large last latest left length level limit limited line lines list listing local location log logprob logprobs logs long low
    m main markdown max maximum mcp md media medium message messages meta metadata mid middle min mini minimal minimum mode model
    models moderation mouse move mp mpeg mpga multi multimodal
    name namespace new next no none normal not null number
    object octet of off ogg on one online open opus or origin other out outcome output outputs overloaded
    page parallel parameters parsed part partial parts patch path pause pcm pdf pending permission plain plugin png policy position pptx preview
    previous priority private pro process processing progress prompt prompts property public python
    query queued
    rate raw ready reason reasoning recitation red redacted ref reference refusal refuse regular rejected remote removed replace request required
    requires resource response result results retry return right role root rtf
    safety scale schema score screenshot scroll search searched searching section self server service session set settings shell short signature
    single size skill skills small source sources span special speech sse stable standard start started state status step stop stopped
    store str stream streaming strict string strings structured sub submit success summary summarized suggested summarize svg swift switch system
    tab table tag task template text thinking thought thread tier time timeout title to token tokens too tool toolset tools top total trace
    transcript transcription translation true truncated truncation ttl turn two txt type
    uint ultra unavailable undefined union unknown unlimited up update updated upload uri url usage use used user utf
    v value values variant vector verbosity verified version vertical video view vision vnd
    wait wav web webm webp weight whole window with word words workspace
    x xhigh xls xlsx xml yaml yes zero zip
"""
_WORDS = frozenset(_OWN.split())
_TOKEN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^A-Za-z0-9]+")
_DATE = len("20250305")  # more digits are somebody's number
# Who wrote a message, in the formats that are built in and in the templates of open models behind them.
_OF_TEMPLATES = """
    system developer user assistant tool function model platform root critic discriminator ipython human ai bot gpt chatbot agent
    observation environment tool_call tool_calls tool_result tool_results tool_response tool_output tool_use function_call
    function_response function_output context document documents knowledge control available_tools latest_reminder data reasoning
    thinking think analysis final developer_message system_message unknown code interpreter code_interpreter user_context
"""
ROLES = frozenset(_OF_TEMPLATES.split())
# A role of a template that we do not know: a word or two, and perhaps a number (Granite's `document 1`).
_ROLE = re.compile(r"[A-Za-z][A-Za-z0-9]{0,23}(?:[ _-][A-Za-z0-9]{1,23})?")
_LISTS = ("messages", "contents", "input")


@lru_cache(maxsize=4_096)
def is_enum(value: str) -> bool:
    """Whether a value is made of the APIs' own words alone, such as ``tool_use``, ``web_search_20250305`` or ``image/png``."""
    if len(value) > 80 or sum(map(str.isdigit, value)) > _DATE:
        return False
    tokens = [t for t in _TOKEN.findall(value) if t[0].isalnum()]
    return all(t.isdigit() or t.lower() in _WORDS for t in tokens) and any(not t.isdigit() for t in tokens)


def unknown_role(body: Any) -> str | None:
    """The place of a role in a request that no API and no template has, None when there is none."""
    for path, role in _roles(body):
        if role.lower() not in ROLES and _ROLE.fullmatch(role) is None:
            return path
    return None


def _roles(body: Any) -> Iterator[tuple[str, str]]:
    for name in _LISTS if isinstance(body, dict) else ():
        items = body.get(name)
        for i, item in enumerate(items if isinstance(items, list) else [items]):
            role = item.get("role") if isinstance(item, dict) else None
            if isinstance(role, str):
                yield f"{name}[{i}].role", role

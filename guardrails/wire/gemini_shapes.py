"""Where text sits in Gemini's requests and answers. The API reads every field in camelCase and in snake_case."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from guardrails.types import Role
from guardrails.wire.shape import By, Delta, Each, Kind, Part, Shape, Switch, Whole

__all__ = ["CONTENT", "COUNT", "ERROR", "EVENT", "REQUEST", "RESPONSE", "USAGE", "both", "field_of", "ids", "snake"]

# Events of ours repeat the path of an argument, so it must be one and no text.
_PATH = re.compile(r"\$[A-Za-z0-9_.\[\]'\"*-]{0,128}")
_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")


def snake(name: str) -> str:
    """The snake_case spelling of a camelCase name."""
    return _HUMP.sub(r"_\1", name).lower()


def field_of(value: Mapping[str, Any], name: str) -> Any:
    """A field under either of its spellings; ``name`` is the camelCase one. None where it is missing."""
    found = value.get(name)
    return found if found is not None else value.get(snake(name))


def both(fields: Mapping[str, Part], role: Any = None, rest: Part = Kind.UNNAMED) -> Shape:
    """A shape whose fields may be spelt either way."""
    return Shape({**{snake(name): part for name, part in fields.items()}, **fields}, role=role, rest=rest)


def ids(names: str) -> dict[str, Part]:
    """Fields that hold ids, enums or numbers."""
    return dict.fromkeys(names.split(), Kind.OPAQUE)


def _texts(names: str) -> dict[str, Part]:
    return dict.fromkeys(names.split(), Kind.TEXT)


_ROLES = {"user": Role.USER, "model": Role.ASSISTANT, "function": Role.TOOL, "tool": Role.TOOL}


def _role_of(content: Mapping[str, Any]) -> Role | None:
    role = content.get("role")
    return _ROLES.get(role, Role.USER) if isinstance(role, str) else None


_BLOB = both({"mimeType": Kind.OPAQUE, "data": Kind.BINARY, "displayName": Kind.TEXT}, rest=Kind.MEDIA)
_FILE = both({"mimeType": Kind.OPAQUE, "fileUri": Kind.REFERENCE, "displayName": Kind.TEXT}, rest=Kind.MEDIA)
_MEDIA: dict[str, Part] = {
    "inlineData": _BLOB,
    "fileData": _FILE,
    "mediaResolution": both(ids("level numTokens")),
    "videoMetadata": both(ids("startOffset endOffset fps contentLayers")),
}
_PART: dict[str, Part] = {
    **_MEDIA,
    "text": Kind.TEXT,
    "thought": Kind.UNNAMED,  # true, or a text of somebody else's making
    "thoughtSignature": Kind.SEAL,
    "functionCall": both({**ids("id willContinue"), "name": Kind.TEXT, "args": Kind.TOOL, "partialArgs": Kind.TOOL}),
    "functionResponse": both(
        {**ids("id willContinue scheduling"), **_texts("name response"), "parts": Each(both(_MEDIA))}, Role.TOOL
    ),
    "executableCode": both({**ids("id language"), "code": Kind.TOOL}),
    "codeExecutionResult": both({**ids("id outcome"), "output": Kind.TEXT}, Role.TOOL),
    "toolCall": both({**ids("id toolType"), "args": Kind.TOOL}),
    "toolResponse": both({**ids("id toolType"), "response": Kind.TEXT}, Role.TOOL),
    "audioTranscription": both({**ids("finished languageCode startOffset endOffset"), "text": Kind.TEXT}),
}

_WHOLE = frozenset(
    {"functionCall", "functionResponse", "executableCode", "codeExecutionResult", "toolCall", "toolResponse"}
)


# -- requests -----------------------------------------------------------------------------------------------------------

CONTENT = both({"role": Kind.OPAQUE, "parts": Each(both(_PART, rest=Kind.PART), joined=True)}, _role_of)
# Whatever role an instruction claims to have, it is the system's.
_INSTRUCTION = By(Role.SYSTEM, both({"role": Kind.OPAQUE, "parts": Each(both(_PART, rest=Kind.PART), joined=True)}))
_TOOL = both(
    {
        "functionDeclarations": Each(
            both(
                {
                    **ids("behavior"),
                    **_texts("name description parameters parametersJsonSchema response responseJsonSchema"),
                },
                rest=Kind.TEXT,
            )
        ),
        "googleSearch": Kind.TEXT,
        "codeExecution": Kind.TEXT,
        "urlContext": Kind.TEXT,
        "googleSearchRetrieval": Kind.TEXT,
    },
    rest=Kind.TEXT,
)
_CONFIG = both(
    {
        **ids(
            "candidateCount maxOutputTokens temperature topP topK seed presencePenalty frequencyPenalty responseLogprobs"
            " logprobs responseMimeType responseModalities mediaResolution audioTimestamp enableEnhancedCivicAnswers"
            " enableAffectiveDialog"
        ),
        "stopSequences": Kind.TEXT,
        "responseSchema": By(Role.SYSTEM),
        "responseJsonSchema": By(Role.SYSTEM),
        "thinkingConfig": both(ids("includeThoughts thinkingBudget thinkingLevel")),
        "speechConfig": both(
            {
                **ids("languageCode"),
                "voiceConfig": both({"prebuiltVoiceConfig": both(ids("voiceName"))}),
            }
        ),
    }
)
_GENERATE: dict[str, Part] = {
    "model": Kind.OPAQUE,
    "contents": Each(CONTENT, turns=True),
    "systemInstruction": _INSTRUCTION,
    "tools": By(Role.SYSTEM, Each(_TOOL)),
    "toolConfig": both({"functionCallingConfig": both({**ids("mode"), "allowedFunctionNames": Kind.TEXT})}),
    "safetySettings": Each(both(ids("category threshold method"))),
    "generationConfig": _CONFIG,
    "cachedContent": Kind.REFERENCE,
    "labels": Kind.TEXT,
    "continuationToken": Kind.REFERENCE,
}
REQUEST = both({**_GENERATE, "generateContentRequest": both(_GENERATE)})


# -- answers ------------------------------------------------------------------------------------------------------------

_RATINGS = Each(both(ids("category probability probabilityScore severity severityScore blocked overwrittenThreshold")))
_COUNTS = Each(both(ids("modality tokenCount")))
USAGE = both(
    {
        **ids(
            "promptTokenCount candidatesTokenCount totalTokenCount thoughtsTokenCount cachedContentTokenCount"
            " toolUsePromptTokenCount trafficType serviceTier"
        ),
        **dict.fromkeys(
            (
                "promptTokensDetails",
                "candidatesTokensDetails",
                "cacheTokensDetails",
                "toolUsePromptTokensDetails",
            ),
            _COUNTS,
        ),
    }
)
_GROUNDING = both(
    {
        **_texts("webSearchQueries imageSearchQueries retrievalQueries"),
        "groundingChunks": By(
            Role.TOOL,
            Each(
                both(
                    {
                        "web": both(_texts("uri title domain")),
                        "retrievedContext": both(_texts("uri title text documentName fileSearchStore")),
                        "maps": both({**_texts("uri title text"), "placeId": Kind.OPAQUE}),
                    }
                )
            ),
        ),
        "groundingSupports": Each(
            both(
                {
                    **ids("groundingChunkIndices confidenceScores renderedParts"),
                    "segment": both({**ids("partIndex startIndex endIndex"), "text": Kind.TEXT}),
                }
            )
        ),
        "searchEntryPoint": both({"renderedContent": Kind.TEXT, "sdkBlob": Kind.BINARY}),
        "retrievalMetadata": both(ids("googleSearchDynamicRetrievalScore")),
    }
)
_CITATIONS = Each(
    both(
        {
            **ids("startIndex endIndex"),
            "publicationDate": both(ids("year month day")),
            **_texts("uri title license"),
        }
    )
)


def _answer(part: Part) -> Shape:
    candidate = both(
        {
            **ids("index finishReason tokenCount avgLogprobs"),
            "content": both({"role": Kind.OPAQUE, "parts": Each(part, joined=True)}),
            "finishMessage": Kind.TEXT,
            "continuationToken": Kind.SEAL,
            "safetyRatings": _RATINGS,
            "citationMetadata": both({"citations": _CITATIONS, "citationSources": _CITATIONS}),
            "groundingMetadata": _GROUNDING,
            "urlContextMetadata": both(
                {"urlMetadata": Each(both({"retrievedUrl": Kind.TEXT, "urlRetrievalStatus": Kind.OPAQUE}))}
            ),
            "logprobsResult": Kind.DROP,
        }
    )
    return both(
        {
            **ids("modelVersion responseId createTime"),
            "candidates": Each(candidate),
            "promptFeedback": both(
                {"blockReason": Kind.OPAQUE, "blockReasonMessage": Kind.TEXT, "safetyRatings": _RATINGS}
            ),
            "usageMetadata": USAGE,
        }
    )


def _once(part: Part) -> Part:
    """What comes whole, but for fields that nobody knows."""
    if not isinstance(part, Shape):
        return Whole(part)
    return Shape({name: Whole(inner) for name, inner in part.fields.items()}, part.role, part.rest)


# Calls, code and results come whole.
_COMING: dict[str, Part] = {name: _once(part) if name in _WHOLE else part for name, part in _PART.items()}
_SAID = both({**_COMING, "text": Delta("text")}, rest=Kind.PART)
_THOUGHT = both({**_COMING, "text": Delta("thought")}, rest=Kind.PART)


def _arguments(value: Any) -> Part:
    path = field_of(value, "jsonPath") if isinstance(value, dict) else None
    if not isinstance(path, str) or not _PATH.fullmatch(path):
        return Kind.TOOL
    return both({**ids("willContinue boolValue nullValue"), "numberValue": Kind.TOOL, "jsonPath": Kind.TEXT,
                  "stringValue": Delta(f"args:{path}", Kind.TOOL)})  # fmt: skip


_CALLING = both(
    {
        **_COMING,
        "functionCall": both(
            {**ids("id willContinue"), "name": Kind.TEXT, "args": Kind.TOOL, "partialArgs": Each(Switch(_arguments))}
        ),
    }
)


def _event_part(part: Any) -> Part:
    if not isinstance(part, dict):
        return Kind.TEXT
    call = field_of(part, "functionCall")
    if isinstance(call, dict) and field_of(call, "partialArgs") is not None:
        return _CALLING
    return _THOUGHT if part.get("thought") is True else _SAID


RESPONSE = _answer(both(_PART, rest=Kind.PART))
EVENT = _answer(Switch(_event_part))
COUNT = both({**ids("totalTokens totalBillableCharacters cachedContentTokenCount"), "promptTokensDetails": _COUNTS,
               "cacheTokensDetails": _COUNTS})  # fmt: skip
ERROR = Each(Shape({"error": Shape({"code": Kind.OPAQUE, "status": Kind.OPAQUE, "message": Kind.TEXT})}))

"""Where text sits in the messages of A2A, in revisions 1.0 (``{"text": …}``) and 0.3 (``{"kind": "text", "text": …}``).

One shape reads every message in both directions: what a field means does not depend on the method. Texts of parts, names,
descriptions, metadata and data may be rewritten. Ids, states, media types and addresses are fixed, since programs go by their
spelling, and so is all of an agent's card, which may be signed.
"""

from __future__ import annotations

from typing import Any

from guardrails.wire.gemini_shapes import both
from guardrails.wire.shape import Delta, Each, Fixed, Kind, Part, Shape, Switch, Whole

__all__ = ["ANSWER", "CARD", "ERROR", "EVENT", "REQUEST", "RESULT", "RESULT_EVENT", "SAID", "TEXTS"]

# The channel of an artifact's texts in a stream; the session counts artifacts and parts.
TEXTS = "text"


def _ids(names: str) -> dict[str, Part]:
    return dict.fromkeys(names.split(), Kind.OPAQUE)


def _fixed(names: str) -> dict[str, Part]:
    return dict.fromkeys(names.split(), Fixed(Kind.OPAQUE))


# -- parts of messages and artifacts ---------------------------------------------------------------------------------
_NAMES = Whole(Each(Fixed(Kind.OPAQUE)))
_FILE_FIELDS: dict[str, Part] = {
    **_fixed("mimeType"),
    **dict.fromkeys(("bytes", "fileWithBytes"), Kind.BINARY),
    **dict.fromkeys(("uri", "fileWithUri"), Kind.REFERENCE),
    "name": Kind.TEXT,
}
_PART_FIELDS: dict[str, Part] = {
    **_fixed("kind mediaType"),
    "text": Kind.TEXT,
    "data": Kind.TEXT,
    "raw": Kind.BINARY,
    "url": Kind.REFERENCE,
    "file": both(_FILE_FIELDS),
    "filename": Kind.TEXT,
    "metadata": Kind.TEXT,
}
_PARTS = Each(both(_PART_FIELDS), joined=True)
SAID = both(
    {
        **_ids("kind messageId contextId taskId"),
        "role": Fixed(Kind.OPAQUE),
        # 0.3 calls them `content` where its REST binding writes protocol buffers as JSON.
        **dict.fromkeys(("parts", "content"), _PARTS),
        "metadata": Kind.TEXT,
        "extensions": _NAMES,
        "referenceTaskIds": Each(Kind.OPAQUE),
    }
)


def _artifact(parts: Part, said: Part) -> Shape:
    """``said``: a text that stands beside the parts."""
    return both(
        {
            **_ids("artifactId"),
            **dict.fromkeys(("name", "description", "metadata"), said),
            "parts": parts,
            "extensions": _NAMES,
        }
    )


_ARTIFACT = _artifact(_PARTS, Kind.TEXT)
_STATUS = both({**_fixed("state timestamp"), "message": SAID})
_TASK_FIELDS: dict[str, Part] = {
    **_ids("kind id contextId"),
    "status": _STATUS,
    "artifacts": Each(_ARTIFACT),
    "history": Each(SAID),
    "metadata": Kind.TEXT,
}
_TASK = both(_TASK_FIELDS)

# -- what is sent ----------------------------------------------------------------------------------------------------
# A token authenticates the agent to the one it notifies: it is meant for nobody else, as the credentials in a header are.
_NOTIFIED = both(
    {
        **_fixed("tenant id taskId url"),
        "token": Kind.SEAL,
        "authentication": both({**_fixed("scheme"), "schemes": _NAMES, "credentials": Kind.SEAL}),
    }
)
_PUSH_FIELDS: dict[str, Part] = {**_NOTIFIED.fields, "pushNotificationConfig": _NOTIFIED}
_CONFIGURATION = both(
    {
        **_ids("historyLength returnImmediately blocking"),
        "acceptedOutputModes": _NAMES,
        "taskPushNotificationConfig": _NOTIFIED,
        "pushNotificationConfig": _NOTIFIED,
    }
)
_PARAMS = both(
    {
        **_PUSH_FIELDS,
        **_ids(
            "id contextId historyLength pageSize includeArtifacts status statusTimestampAfter pushNotificationConfigId"
        ),
        "pageToken": Fixed(Kind.STATE),
        # REST of 0.3 calls it `request` where it keeps the names of its protocol buffers.
        **dict.fromkeys(("message", "request"), SAID),
        "configuration": _CONFIGURATION,
        "metadata": Kind.TEXT,
    }
)
_ENVELOPE: dict[str, Part] = {"jsonrpc": Kind.OPAQUE, "id": Fixed(Kind.OPAQUE), "method": Fixed(Kind.OPAQUE)}
# With and without JSON-RPC around it: the REST binding sends the parameters alone.
REQUEST = both({**_PARAMS.fields, **_ENVELOPE, "params": _PARAMS})

# -- agent cards -----------------------------------------------------------------------------------------------------
_FLOW_FIELDS = _fixed("authorizationUrl tokenUrl refreshUrl deviceAuthorizationUrl pkceRequired")
_FLOW = both(_FLOW_FIELDS)
_SCHEME = both(
    {
        **_fixed("type location in name scheme bearerFormat oauth2MetadataUrl openIdConnectUrl"),
        "flows": both({}, rest=_FLOW),
    }
)
_CARD_FIELDS: dict[str, Part] = {
    **_ids("version protocolVersion preferredTransport supportsAuthenticatedExtendedCard url documentationUrl iconUrl"),
    "supportedInterfaces": Each(both(_ids("url protocolBinding tenant protocolVersion"))),
    "additionalInterfaces": Each(both(_ids("url transport"))),
    "provider": both({"url": Kind.OPAQUE, "organization": Kind.TEXT}),
    "capabilities": both(
        {
            **_ids("streaming pushNotifications stateTransitionHistory extendedAgentCard"),
            "extensions": Each(both({**_ids("uri required"), "description": Kind.TEXT})),
        }
    ),
    "securitySchemes": both({}, rest=both({**_SCHEME.fields}, rest=_SCHEME)),
    "defaultInputModes": Each(Kind.OPAQUE),
    "defaultOutputModes": Each(Kind.OPAQUE),
    "skills": Each(
        both({"id": Kind.OPAQUE, "inputModes": Each(Kind.OPAQUE), "outputModes": Each(Kind.OPAQUE)}, rest=Kind.TEXT)
    ),
    # What the card's publisher signed it with (RFC 7515): base64, and no words.
    "signatures": Each(both(dict.fromkeys(("protected", "signature"), Kind.SEAL))),
}
CARD: Part = Fixed(both(_CARD_FIELDS, rest=Kind.TEXT))

# -- what comes back -------------------------------------------------------------------------------------------------
ERROR = both({"code": Kind.OPAQUE, "status": Kind.OPAQUE, "message": Kind.TEXT})


def _artifact_update(artifact: Part, said: Part) -> Shape:
    return both({**_ids("kind taskId contextId append lastChunk"), "artifact": artifact, "metadata": said})


_STATUS_UPDATE = both({**_ids("kind taskId contextId final"), "status": _STATUS, "metadata": Kind.TEXT})
_ARTIFACT_UPDATE = _artifact_update(_ARTIFACT, Kind.TEXT)
_BY_KIND: dict[str, Part] = {
    "task": _TASK,
    "message": SAID,
    "status-update": _STATUS_UPDATE,
    "artifact-update": _ARTIFACT_UPDATE,
}
_RESULT_FIELDS: dict[str, Part] = {
    **_TASK_FIELDS,
    **_PUSH_FIELDS,
    "task": _TASK,
    "message": SAID,
    "statusUpdate": _STATUS_UPDATE,
    "artifactUpdate": _ARTIFACT_UPDATE,
    **_ids("pageSize totalSize"),
    "tasks": Each(_TASK),
    "configs": Each(both(_PUSH_FIELDS)),
    "nextPageToken": Fixed(Kind.STATE),
}


def _result(value: Any) -> Part:
    """What a result is says its ``kind`` (0.3), or the fields that it has; a list is one of configurations (0.3)."""
    if not isinstance(value, dict):
        return Each(both(_PUSH_FIELDS))
    kind = value.get("kind")
    if isinstance(kind, str) and kind in _BY_KIND:
        return _BY_KIND[kind]
    return CARD if "skills" in value else both(_RESULT_FIELDS)


# What an agent answers, tells in a stream, and tells whoever asked to be notified.
RESULT: Part = Switch(_result)
_BACK: dict[str, Part] = {"jsonrpc": Kind.OPAQUE, "id": Whole(Fixed(Kind.OPAQUE)), "error": ERROR}
ANSWER = both({**_BACK, "result": RESULT})

# -- in a stream -----------------------------------------------------------------------------------------------------
# A text of an artifact goes on in the artifact's next update. What else an event says stands in it as a whole.
_PIECE = both({**{k: Whole(v) for k, v in _PART_FIELDS.items()}, "text": Delta(TEXTS)})
_CHUNK = _artifact_update(_artifact(Each(_PIECE), Whole(Kind.TEXT)), Whole(Kind.TEXT))
_EVENT_FIELDS: dict[str, Part] = {**{k: Whole(v) for k, v in _RESULT_FIELDS.items()}, "artifactUpdate": _CHUNK}


def _event(value: Any) -> Part:
    kind = value.get("kind") if isinstance(value, dict) else None
    if kind == "artifact-update":
        return _CHUNK
    return Whole(_BY_KIND[kind]) if isinstance(kind, str) and kind in _BY_KIND else both(_EVENT_FIELDS)


RESULT_EVENT: Part = Switch(_event)
EVENT = both({**_BACK, "result": RESULT_EVENT, "error": Whole(ERROR)})

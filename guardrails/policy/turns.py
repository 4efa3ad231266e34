"""What a policy says about conversations and streams: which messages may block a turn, and when text may be sent.

conversation: user                                  # short for {scope: user}
conversation: {scope: {window: 6}, window: 4}
stream: {bounded: 200}
"""

from __future__ import annotations

from typing import Any

from guardrails.policy.drafts import Document, Value
from guardrails.policy.reader import Reader
from guardrails.policy.source import Node
from guardrails.rules import Conversation, Scope, Streaming, StreamMode

__all__ = [
    "AHEAD",
    "CONVERSATION",
    "MODES",
    "SCOPES",
    "SCOPE_MESSAGES",
    "WINDOW",
    "conversation",
    "read_turns",
    "scope_value",
    "stream_value",
]

CONVERSATION = ("scope", "window")
SCOPES = tuple(s.value for s in Scope)
MODES = tuple(m.value for m in StreamMode)
SCOPE_MESSAGES = (1, 1_000)  # messages that may block the turn
WINDOW = (0, 50)  # messages over which split attacks are looked for
AHEAD = (1, 100_000)  # characters


def read_turns(reader: Reader, top: dict[str, Node], out: Document) -> None:
    """``conversation`` and ``stream`` into the document. Problems go to the reader."""
    if "conversation" in top:
        node = top["conversation"]
        if isinstance(node.value, str):
            node = Node({"scope": node}, node.at, keys={"scope": node.at})
        entries = reader.mapping(node, "conversation", CONVERSATION)
        if "scope" in entries:
            scope = _counted(
                reader, entries["scope"], "conversation.scope", SCOPES, Scope.WINDOW.value, SCOPE_MESSAGES, "messages"
            )
            if scope is not None:
                out.conversation["scope"] = Value((Scope(scope[0]), scope[1]), entries["scope"].at)
        if "window" in entries:
            window = reader.number(entries["window"], "conversation.window", *WINDOW, whole=True)
            if window is not None:
                out.conversation["window"] = Value(int(window), entries["window"].at)
    if "stream" in top:
        mode = _counted(reader, top["stream"], "stream", MODES, StreamMode.BOUNDED.value, AHEAD, "characters")
        if mode is not None:
            out.stream = Value(Streaming(StreamMode(mode[0]), mode[1] or 0), top["stream"].at)


def _counted(  # noqa: PLR0917 - the names, the one of them that counts, and what it counts
    reader: Reader, node: Node, key: str, names: tuple[str, ...], counted: str, bounds: tuple[int, int], unit: str
) -> tuple[str, int | None] | None:
    """One of ``names``, of which ``counted`` is written with a number: ``{bounded: 200}``."""
    if isinstance(node.value, dict):
        entries = reader.mapping(node, key, (counted,))
        if counted not in entries:
            if not entries and not node.value:
                reader.report(
                    "missing-key", f"{key}.{counted} is missing", node.at, key, remedy=f"write {key}: {names[0]}"
                )
            return None
        number = reader.number(entries[counted], f"{key}.{counted}", *bounds, whole=True)
        return None if number is None else (counted, int(number))
    name = reader.choice(node, key, names)
    if name == counted:
        low, high = bounds
        reader.report(
            "missing-key", f"{key}: {counted} needs a number of {unit}", node.at, key, written=counted,
            allowed=f"{low:,} to {high:,} {unit}", remedy=f"write {key.rpartition('.')[2]}: {{{counted}: {min(200, high // 10)}}}",
        )  # fmt: skip
        return None
    return None if name is None else (name, None)


def conversation(written: dict[str, Value]) -> Conversation:
    """The effective setting, defaults filled in."""
    default = Conversation()
    scope, messages = written["scope"].value if "scope" in written else (default.scope, default.messages)
    return Conversation(scope, messages, written["window"].value if "window" in written else default.window)


def stream_value(stream: Streaming) -> Any:
    """A stream setting as a policy writes it."""
    return {stream.mode.value: stream.ahead} if stream.mode is StreamMode.BOUNDED else stream.mode.value


def scope_value(conversation: Conversation) -> Any:
    """A scope as a policy writes it."""
    scope = conversation.scope
    return {scope.value: conversation.messages} if scope is Scope.WINDOW else scope.value

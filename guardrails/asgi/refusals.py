"""What a client reads instead of an answer, in the shape of the API it speaks."""

from __future__ import annotations

import logging
from typing import Any

from starlette.types import Send

from guardrails.asgi.headers import FINAL, json_headers, ours
from guardrails.asgi.settings import Blocked, Settings
from guardrails.asgi.telemetry import Telemetry
from guardrails.decision import Decision, uninspected_note
from guardrails.exchange import Exchange
from guardrails.rules import Policy
from guardrails.types import Action, Uninspected
from guardrails.wire import strict
from guardrails.wire.format import Format
from guardrails.wire.openai_chat import Chat

__all__ = ["Refusals"]

_log = logging.getLogger("guardrails")


class Refusals:
    """The refusals of one application, as its settings want them."""

    __slots__ = ("_settings", "_telemetry")

    def __init__(self, settings: Settings, telemetry: Telemetry) -> None:
        self._settings = settings
        self._telemetry = telemetry

    @property
    def own(self) -> bool:
        """Whether the operator wants another body than the API's own refusal."""
        return self._settings.refusal is not None or self._settings.blocked is Blocked.ERROR

    def body(self, exchange: Exchange, decision: Decision) -> Any:
        """The body of a blocked request or answer that is not streamed."""
        if self._settings.refusal is not None:
            body = self._settings.refusal(decision, exchange.form)
            if body is not None:
                return body
        message = _spoken(exchange.guard.policy, decision)
        if self._settings.blocked is Blocked.ERROR:
            return exchange.form.error(400, message, "guardrails_blocked")
        return exchange.refusal(message)

    async def blocked(self, send: Send, exchange: Exchange, decision: Decision) -> None:
        """A blocked request, answered in the API's own shape, as a stream where one was asked for."""
        form = exchange.form
        if form.unanswered:
            await _send(send, 202, [(b"content-length", b"0"), *ours(decision, explain=self._settings.explain)], b"")
            return
        if form.streaming and form.format.speaks and not form.format.messages and not self.own:
            framing = form.framing()
            message = _spoken(exchange.guard.policy, decision)
            frames = [*form.opening(), *form.ending(message)]
            data = framing.head() + b"".join(framing.encode(f) for f in frames) + framing.tail()
            headers = json_headers(len(data), decision, explain=self._settings.explain)
            headers[0] = (b"content-type", framing.content_type.encode())
            status = 200
        else:
            body = self.body(exchange, decision)
            own = self._settings.refusal is None and self._settings.blocked is Blocked.ERROR
            status = 400 if own or not form.format.speaks else 200
            data = strict.dump(body)
            headers = json_headers(len(data), decision, explain=self._settings.explain)
        await _send(send, status, headers, data)

    async def unchecked(
        self,
        send: Send,
        status: int,
        message: str,
        code: str,
        *extra: tuple[bytes, bytes],
        format_: type[Format] = Chat,
    ) -> None:
        """A request that was never checked. Nothing was forwarded. ``message`` names the setting that would change it."""
        self._telemetry.refused(status)
        _log.info("refused with %d %s: %s", status, code, message)
        data = strict.dump(format_.open().error(status, message, code))
        # The same request again is refused again; an overload passes.
        final = () if status in {408, 503} else (FINAL,)
        await _send(send, status, json_headers(len(data), None, *final, *extra), data)


def _spoken(policy: Policy, decision: Decision) -> str:
    """What users read: the policy's message, and where nothing was found, what it was that nobody could inspect."""
    message = policy.blocked(decision.direction, decision.blocking)
    found = any(x.finding.action is not Action.NONE for x in decision.findings)
    uninspected = (
        decision.uninspected and policy.uninspected is Uninspected.BLOCK and not found and not decision.failures
    )
    return message + uninspected_note(why for why, _ in decision.uninspected) if uninspected else message


async def _send(send: Send, status: int, headers: list[tuple[bytes, bytes]], data: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": data, "more_body": False})

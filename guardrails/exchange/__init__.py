"""One request and its answer under one tenant's guard, whatever the entry point and the wire format.

:class:`Exchange` is synchronous and computes where it is called; entry points decide on which thread that is.
"""

from guardrails.exchange.again import again, direction
from guardrails.exchange.catalogue import Catalogue
from guardrails.exchange.context import Tenancy
from guardrails.exchange.exchange import Exchange
from guardrails.exchange.kept import Kept
from guardrails.exchange.message import Messages
from guardrails.exchange.messages import MessageExchange
from guardrails.exchange.streamed import StreamedAnswer

__all__ = [
    "Catalogue",
    "Exchange",
    "Kept",
    "MessageExchange",
    "Messages",
    "StreamedAnswer",
    "Tenancy",
    "again",
    "direction",
]

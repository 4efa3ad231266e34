"""State on a Redis or Valkey server, for as many processes as reach it. Each step is one script, which the server runs alone."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from guardrails.errors import GuardrailsError
from guardrails.stores.calls import TIMEOUT_S, Calls, Trouble
from guardrails.stores.store import BUCKET, WINDOW, Ask, Held, Refused

__all__ = ["Redis"]

_PREFIX = "guardrails:"
_NOBODY = (ConnectionRefusedError, FileNotFoundError)
_KINDS = {BUCKET: "b", WINDOW: "w"}

# The arithmetic of guardrails.stores.memory, in microseconds and millionths of a token. Numbers are written as whole numbers: Lua
# would shorten them.
_TAKE = """
local wall = tonumber(ARGV[1])
if wall < 0 then local t = redis.call('TIME'); wall = t[1] * 1000000 + t[2] end
local at, whole = wall, function(n) return string.format('%.0f', n) end
local writes = {}
for i, key in ipairs(KEYS) do
  local n = 2 + (i - 1) * 5
  local kind, most, rate = ARGV[n], tonumber(ARGV[n + 1]), tonumber(ARGV[n + 2])
  local span, amount = tonumber(ARGV[n + 3]), tonumber(ARGV[n + 4])
  if kind == 'b' then
    local full, kept = most * 1000000, redis.call('HMGET', key, 't', 'a')
    local tokens, before = tonumber(kept[1]) or full, tonumber(kept[2]) or at
    if before > at then -- the server's clock was set back: what flows in flows from now on
      before = at
      redis.call('HSET', key, 'a', whole(at))
    end
    tokens = math.min(full, tokens + math.floor((at - before) * rate))
    if tokens < 1000000 - rate - 1 then return {i, math.max(1, math.ceil((1000000 - tokens) / rate / 1000000))} end
    writes[i] = function()
      redis.call('HSET', key, 't', whole(tokens - 1000000), 'a', whole(at))
      redis.call('PEXPIRE', key, whole(math.ceil(most / rate * 1000) + 1000))
    end
  elseif kind == 'w' then
    redis.call('ZREMRANGEBYSCORE', key, '-inf', whole(at - span))
    local count = redis.call('ZCARD', key)
    if count + amount > most then
      local rank = count + amount - most - 1
      local first = redis.call('ZRANGE', key, rank, rank, 'WITHSCORES')
      return {i, math.max(1, math.ceil((tonumber(first[2]) + span - at) / 1000000))}
    end
    writes[i] = function()
      for more = 1, amount do redis.call('ZADD', key, whole(at), whole(at) .. ':' .. (count + more)) end
      redis.call('PEXPIRE', key, whole(math.ceil(span / 1000) + 1000))
    end
  else
    local kept, today = redis.call('HMGET', key, 'd', 'u'), math.floor(wall / 86400000000)
    local counted, used = tonumber(kept[1]) or today, tonumber(kept[2]) or 0
    if today > counted then counted, used = today, 0 end
    if most > 0 and used >= most then
      return {i, math.max(1, (counted + 1 - today) * 86400 - math.floor(wall / 1000000) % 86400)}
    end
    writes[i] = function()
      if amount > 0 then
        redis.call('HSET', key, 'd', whole(counted), 'u', whole(used + amount))
        redis.call('PEXPIRE', key, 172800000)
      end
    end
  end
end
for _, write in ipairs(writes) do write() end
return false
"""
_LOAD = """
local version = tonumber(redis.call('HGET', KEYS[1], 'v'))
if not version then return false end
local out = {version}
for n = tonumber(ARGV[1]) + 1, version do
  local chunk = redis.call('HGET', KEYS[1], string.format('%d', n))
  if chunk then out[#out + 1] = chunk end
end
return out
"""
_KEEP = """
local version, group = tonumber(redis.call('HGET', KEYS[1], 'v') or '0'), KEYS[2]
if version ~= tonumber(ARGV[1]) then return 0 end
local now, ttl, most = tonumber(ARGV[5]), tonumber(ARGV[3]), tonumber(ARGV[6])
if now < 0 then local t = redis.call('TIME'); now = t[1] * 1000000 + t[2] end
if ARGV[4] == '0' then redis.call('DEL', KEYS[1]) end
local next = string.format('%d', version + 1)
redis.call('HSET', KEYS[1], 'v', next, next, ARGV[2])
redis.call('PEXPIRE', KEYS[1], ttl)
redis.call('ZADD', group, string.format('%.0f', now), ARGV[7])
redis.call('PEXPIRE', group, ttl)
redis.call('ZREMRANGEBYSCORE', group, '-inf', string.format('%.0f', now - ttl * 1000))
local over = redis.call('ZCARD', group) - most
if most > 0 and over > 0 then
  for _, name in ipairs(redis.call('ZRANGE', group, 0, over - 1)) do redis.call('DEL', ARGV[8] .. name) end
  redis.call('ZREMRANGEBYRANK', group, 0, over - 1)
end
return 1
"""
_DROP = """
local version = redis.call('HGET', KEYS[1], 'v')
if ARGV[1] ~= '' and version ~= ARGV[1] then return 0 end
redis.call('ZREM', KEYS[2], ARGV[2])
return redis.call('DEL', KEYS[1])
"""
_IDLE = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - tonumber(ARGV[1])))
"""
_COUNT = """
local found, prefix = 0, ARGV[1]
if prefix == '' then return redis.call('ZCARD', KEYS[1]) end
for _, name in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if string.sub(name, 1, #prefix) == prefix then found = found + 1 end
end
return found
"""


class Redis:
    """A :class:`~guardrails.stores.store.Store` on one server (with replicas, its primary; no Redis Cluster). Times are the server's.

    No call takes longer than half a second; after five that failed in a row, only one a second is tried, later one in five. A value
    that the server was told to keep is as durable as the server is set up to be.
    """

    waits = True

    def __init__(self, url: str, *, clock: Callable[[], float] | None = None, timeout_s: float = TIMEOUT_S) -> None:
        """``url``: ``redis://``, ``rediss://`` (TLS), ``valkey://``, ``valkeys://`` or ``unix://``, with a password where there is one.
        ``clock``: seconds since 1970 in place of the server's. Calls nobody yet. Raises GuardrailsError for another URL, and where
        the package ``redis`` is not installed."""
        self._place, url = _checked(url)
        try:
            redis = importlib.import_module("redis")
            backoff, retry = importlib.import_module("redis.backoff"), importlib.import_module("redis.retry")
        except ImportError:
            raise GuardrailsError("shared state needs redis: pip install 'onepolicy-guardrails[redis]'") from None
        self._clock = clock
        self._error: type[Exception] = redis.RedisError
        self._auth: tuple[type[Exception], ...] = (redis.AuthenticationError, redis.exceptions.NoPermissionError)
        self._kinds = _kinds(redis)
        self.calls = Calls("redis", self._place)
        try:
            self._client = redis.Redis.from_url(
                url,
                socket_timeout=timeout_s,
                socket_connect_timeout=timeout_s,
                retry=retry.Retry(backoff.NoBackoff(), 0),  # what was sent may have been counted
            )
        except (ValueError, TypeError):
            raise GuardrailsError(f"{self._place}: this is no address of a Redis server") from None
        self._scripts = {
            source: self._client.register_script(source) for source in (_TAKE, _LOAD, _KEEP, _DROP, _IDLE, _COUNT)
        }

    def check(self) -> None:
        """Ask the server whether it is there. Raises GuardrailsError for one that does not let us in, Unreachable for none."""
        try:
            self._client.ping()
        except self._auth:
            raise GuardrailsError(f"{self._place}: the server refuses the user or the password of the URL") from None
        except (self._error, OSError) as error:
            raise self.calls.unreachable(self._trouble(error)) from None

    def look(self) -> None:
        """Ask the server whether it is there. Raises Trouble."""
        try:
            self._client.ping()
        except (self._error, OSError) as error:
            raise self._trouble(error) from None

    def take(self, asks: Sequence[Ask]) -> Refused | None:
        """See :meth:`Store.take`."""
        now = -1 if self._clock is None else round(self._clock() * 1e6)
        arguments: list[Any] = [now]
        for ask in asks:
            arguments += [_KINDS.get(ask.kind, "d"), ask.most, repr(ask.rate), round(ask.seconds * 1e6), ask.amount]
        told = self._run("take", _TAKE, [f"{_PREFIX}count:{ask.kind}:{ask.name}" for ask in asks], arguments)
        return Refused(int(told[0]) - 1, int(told[1])) if told else None

    def load(self, group: str, name: str, after: int = 0) -> Held | None:
        """See :meth:`Store.load`."""
        told = self._run("load", _LOAD, [_value(group, name)], [after])
        return Held(int(told[0]), tuple(told[1:])) if told else None

    def keep(
        self, group: str, name: str, chunk: bytes, *, version: int, ttl_s: float, append: bool = False, most: int = 0
    ) -> bool:
        """See :meth:`Store.keep`."""
        now = -1 if self._clock is None else round(self._clock() * 1e6)
        arguments = [version, chunk, max(1, round(ttl_s * 1e3)), int(append), now, most, name, _value(group, "")]
        return bool(self._run("keep", _KEEP, [_value(group, name), _group(group)], arguments))

    def drop(self, group: str, name: str, version: int | None = None) -> bool:
        """See :meth:`Store.drop`."""
        only = "" if version is None else str(version)
        return bool(self._run("drop", _DROP, [_value(group, name), _group(group)], [only, name]))

    def idle(self, group: str, seconds: float) -> list[str]:
        """See :meth:`Store.idle`."""
        return [name.decode() for name in self._run("idle", _IDLE, [_group(group)], [round(seconds * 1e6)])]

    def count(self, group: str, prefix: str = "") -> int:
        """See :meth:`Store.count`."""
        return int(self._run("count", _COUNT, [_group(group)], [prefix]))

    def _run(self, what: str, source: str, keys: list[str], arguments: list[Any]) -> Any:
        return self.calls.make(what, lambda: self._asked(source, keys, arguments))

    def _asked(self, source: str, keys: list[str], arguments: list[Any]) -> Any:
        try:
            return self._scripts[source](keys=keys, args=arguments)
        except (self._error, OSError) as error:
            raise self._trouble(error) from None

    def _trouble(self, error: Exception) -> Trouble:
        # The message of an error may hold what was sent.
        kind = next((kind for types, kind in self._kinds if isinstance(error, types)), "error")
        if kind == "broken" and isinstance(error.__context__, _NOBODY):
            kind = "refused"
        return Trouble(kind, type(error).__name__)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __repr__(self) -> str:
        return f"Redis({self._place!r})"


def _kinds(redis: Any) -> tuple[tuple[tuple[type[Exception], ...], str], ...]:
    """Errors of the client, the narrow ones first, and the kinds of failure that they are; what else it raises the server says."""
    return (
        ((redis.TimeoutError, TimeoutError), "timeout"),
        ((redis.AuthenticationError,), "refused"),
        ((redis.exceptions.BusyLoadingError,), "error"),
        ((redis.ConnectionError, redis.exceptions.InvalidResponse, OSError), "broken"),
    )


def _value(group: str, name: str) -> str:
    return f"{_PREFIX}value:{group}:{name}"


def _group(group: str) -> str:
    return f"{_PREFIX}group:{group}"


def _checked(url: str) -> tuple[str, str]:
    """What may be shown of an address, and the address as the client takes it. Raises GuardrailsError."""
    example = "write one such as redis://state.internal:6379/0"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise GuardrailsError(f"shared state: this is no URL: {example}") from None
    scheme = {"valkey": "redis", "valkeys": "rediss"}.get(parts.scheme, parts.scheme)
    if scheme not in ("redis", "rediss", "unix") or not (parts.hostname or scheme == "unix"):
        raise GuardrailsError(f"shared state: this is no address of a Redis, Valkey or PostgreSQL server: {example}")
    place = f"unix://{parts.path}" if scheme == "unix" else f"{scheme}://{parts.hostname}:{port or 6379}{parts.path}"
    return place, scheme + url[len(parts.scheme) :]

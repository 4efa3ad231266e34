"""How many requests and bytes may be in work at once, and whose turn it is when more want in.

The share of a tenant is what it would get if the room were divided among the tenants that are here now and one more. A
tenant may use more than its share while there is room to spare; then it stands behind those below theirs. A part of the
room is never lent out like that, so a tenant that comes new finds a place even when others hold theirs for minutes (a
stream is not interrupted). One event loop only; nothing here awaits anything but its own turn.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from types import TracebackType

from guardrails.errors import Overloaded

__all__ = ["Admission", "Arrival", "Lease", "Overloaded503"]

# A body that has been on its way for this many seconds, at fewer bytes a second, may have to give way to others.
_YOUNG, _SLOW = 5.0, 250_000


class Overloaded503(Overloaded):
    """There is no room for this request now; ``retry_after`` is the number of seconds to put in ``Retry-After``."""

    def __init__(self, retry_after: int, reason: str) -> None:
        self.retry_after = retry_after
        self.reason = reason
        super().__init__(f"{reason}; try again in {retry_after} s")


class _Tenant:
    """What one tenant has in work and waiting; forgotten when that is nothing."""

    __slots__ = ("bytes", "in_flight", "waiting")

    def __init__(self) -> None:
        self.in_flight = 0
        self.bytes = 0
        self.waiting: deque[Lease] = deque()


class Lease:
    """A place in work: ``async with admission.admit(tenant, size) as lease``. Leaving the block gives it back."""

    __slots__ = ("_admission", "_held", "_turn", "size", "tenant")

    def __init__(self, admission: Admission, tenant: str, size: int) -> None:
        self._admission = admission
        self.tenant = tenant
        self.size = size
        self._held = False
        # Set while waiting: True when admitted, False when refused.
        self._turn: asyncio.Future[bool] | None = None

    def __repr__(self) -> str:
        return f"<Lease of {self.size} bytes, {'held' if self._held else 'not held'}>"

    async def __aenter__(self) -> Lease:
        await self._admission._enter(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._admission._release(self)


class Arrival:
    """The bytes of one body, from its first part until its request is over: ``with admission.arriving(tenant) as held``.

    A request whose body is still on its way holds no place in work, only the bytes that have come.
    """

    __slots__ = ("_admission", "evicted", "size", "started", "tenant", "timeout")

    def __init__(self, admission: Admission, tenant: str) -> None:
        self._admission = admission
        self.tenant = tenant
        self.size = 0
        self.started = 0.0
        # What ends the reading when others need the room.
        self.timeout: asyncio.Timeout | None = None
        self.evicted = False

    def __repr__(self) -> str:
        return f"<Arrival of {self.size} bytes>"

    def __enter__(self) -> Arrival:
        self.started = asyncio.get_running_loop().time()
        self._admission._arrivals[self] = None
        return self

    def __exit__(self, *_: object) -> None:
        self._admission._arrivals.pop(self, None)
        self._admission._free(self)

    def grow(self, more: int) -> None:
        """Count more bytes (or fewer). Raises Overloaded503 when there is no room for them, even without the slowest."""
        if self.evicted:
            raise Overloaded503(1, "the body had to give way")
        self._admission._grow(self, more)

    def evict(self) -> None:
        """Give up the room: the body came slower than others that want it."""
        self.evicted = True
        if self.timeout is not None:
            self.timeout.reschedule(asyncio.get_running_loop().time())
        self._admission._free(self)


class Admission:
    """Bounded admission with fair shares between tenants.

    At most ``max_requests`` requests with ``max_bytes`` bytes of bodies are in work; at most ``queue`` wait, each for at
    most ``queue_ms`` milliseconds. A tenant's requests wait in order; once it has more than its share of the queue, the
    newest goes first, since the old ones will not be waited for. When the queue is full, a tenant with fewer waiting
    takes the place of the oldest request of the one with most.

    ``reserve`` is the part of requests and of bytes (rounded down) that is kept for tenants below their share. So a
    tenant that is alone has 7/8 of the room; use 0 where there is only one, or where no request takes long.
    """

    def __init__(
        self, max_requests: int, max_bytes: int, queue: int, queue_ms: float, *, reserve: float = 0.125
    ) -> None:
        """Raises ValueError for bounds that admit nothing."""
        if max_requests < 1 or max_bytes < 1 or queue < 0 or queue_ms < 0:
            raise ValueError("max_requests and max_bytes must be at least 1, queue and queue_ms at least 0")
        if not 0 <= reserve <= 0.5:
            raise ValueError("reserve must be between 0 and 0.5")
        self._lendable = max_requests - int(max_requests * reserve)
        self._lendable_bytes = max_bytes - int(max_bytes * reserve)
        self._max_requests = max_requests
        self._max_bytes = max_bytes
        self._queue = queue
        self._seconds = queue_ms / 1000
        # A client that comes back sooner than requests wait would only wait again.
        self._retry_after = max(1, math.ceil(self._seconds))
        # In turn: a tenant that was served goes to the end.
        self._tenants: dict[str, _Tenant] = {}
        self._in_flight = self._bytes = self._queued = 0
        # Bodies that are on their way, or whose requests are in work.
        self._arrivals: dict[Arrival, None] = {}

    @property
    def in_flight(self) -> int:
        """Requests in work."""
        return self._in_flight

    @property
    def queued(self) -> int:
        """Requests that wait."""
        return self._queued

    @property
    def bytes(self) -> int:
        """Bytes of the requests in work."""
        return self._bytes

    @property
    def tenants(self) -> int:
        """Tenants with something in work or waiting."""
        return len(self._tenants)

    def admit(self, tenant: str, size: int) -> Lease:
        """A place for a request of ``size`` bytes (0 when not known yet; see :meth:`resize`), to be entered once.

        Entering raises Overloaded503: at once when the queue is full or the bytes can never fit, else when its time in
        the queue is over or another tenant has more right to the place.
        """
        if size < 0:
            raise ValueError("size must be at least 0")
        return Lease(self, tenant, size)

    def arriving(self, tenant: str) -> Arrival:
        """Room for a body as it comes. The place in work is asked for when it is complete, with :meth:`admit`."""
        return Arrival(self, tenant)

    def _grow(self, arrival: Arrival, more: int) -> None:
        tenant = self._tenants.setdefault(arrival.tenant, _Tenant())
        while more > 0:
            below = tenant.bytes + more <= self._max_bytes // (len(self._tenants) + 1)
            if self._bytes + more <= (self._max_bytes if below else self._lendable_bytes):
                break
            slowest = self._slowest(arrival)
            if slowest is None:
                self._forget(arrival.tenant)
                raise self._refusal("the bytes of all requests together are too many")
            slowest.evict()
        # Whoever had to give way may have been the last of this tenant.
        tenant = self._tenants.setdefault(arrival.tenant, _Tenant())
        arrival.size += more
        tenant.bytes += more
        self._bytes += more

    def _slowest(self, wanting: Arrival) -> Arrival | None:
        """The body whose bytes come slowest, of those that are still on their way and not new."""
        now = asyncio.get_running_loop().time()
        rates = [
            (one.size / (now - one.started), one)
            for one in self._arrivals
            if one is not wanting and one.timeout is not None and not one.evicted and now - one.started > _YOUNG
        ]
        rate, found = min(rates, key=lambda r: r[0], default=(_SLOW, None))
        return found if rate < _SLOW else None

    def _free(self, arrival: Arrival) -> None:
        tenant = self._tenants.get(arrival.tenant)
        if tenant is None:
            return
        tenant.bytes -= arrival.size
        self._bytes -= arrival.size
        arrival.size = 0
        self._forget(arrival.tenant)
        self._dispatch()

    def resize(self, lease: Lease, new_size: int) -> None:
        """Change the bytes of a lease that is held, as its body is read or let go. Does not wait.

        Raises Overloaded503 when the bytes do not fit now; the lease keeps its old size.
        """
        if not lease._held or new_size < 0:
            raise ValueError("only a lease that is held can be resized, to 0 bytes or more")
        more = new_size - lease.size
        tenant = self._tenants[lease.tenant]
        if more > 0 and not self._fits(0, more, self._below_share(tenant, 0, more)):
            raise self._refusal("the bytes of all requests together are too many")
        lease.size = new_size
        tenant.bytes += more
        self._bytes += more
        if more < 0:
            self._dispatch()

    async def _enter(self, lease: Lease) -> None:
        if lease._held or lease._turn is not None:
            raise RuntimeError("a lease is entered once; ask for another one")
        if lease.size > self._max_bytes:
            raise self._refusal("the request is larger than all requests together may be")
        tenant = self._tenants.setdefault(lease.tenant, _Tenant())
        below = self._below_share(tenant, 1, lease.size)
        # Whoever waits below its share does not fit, or it would not wait any more; so nobody is passed over.
        if (below or self._queued == 0) and self._fits(1, lease.size, below):
            self._grant(lease, tenant)
            return
        if not self._make_room(tenant):
            self._forget(lease.tenant)
            raise self._refusal("as many requests as may wait are waiting")
        await self._wait(lease, tenant)

    async def _wait(self, lease: Lease, tenant: _Tenant) -> None:
        loop = asyncio.get_running_loop()
        turn = lease._turn = loop.create_future()
        tenant.waiting.append(lease)
        self._queued += 1
        # Others may be waiting for bytes that this request does not need.
        self._dispatch()
        timer = loop.call_later(self._seconds, self._refuse, lease)
        try:
            admitted = await turn
        except asyncio.CancelledError:
            # Cancelled while waiting, or after the place was given and before this task ran again.
            if lease._held:
                self._release(lease)
            else:
                self._leave(lease)
            raise
        finally:
            timer.cancel()
        if not admitted:
            raise self._refusal(
                "the request waited for as long as it may, or another tenant had more right to its place"
            )

    def _below_share(self, tenant: _Tenant, requests: int, size: int) -> bool:
        """Whether the tenant stays within its share. A tenant with one request always does."""
        if tenant.in_flight + requests <= 1:
            return True
        parts = len(self._tenants) + 1
        return (
            tenant.in_flight + requests <= self._max_requests // parts
            and tenant.bytes + size <= self._max_bytes // parts
        )

    def _fits(self, requests: int, size: int, below_share: bool) -> bool:
        most = self._max_requests if below_share else self._lendable
        most_bytes = self._max_bytes if below_share else self._lendable_bytes
        # Who asks for no more requests, or no more bytes, is not held up by those.
        return (not requests or self._in_flight + requests <= most) and (not size or self._bytes + size <= most_bytes)

    def _grant(self, lease: Lease, tenant: _Tenant) -> None:
        lease._held = True
        tenant.in_flight += 1
        tenant.bytes += lease.size
        self._in_flight += 1
        self._bytes += lease.size
        # To the end of the turn.
        del self._tenants[lease.tenant]
        self._tenants[lease.tenant] = tenant

    def _release(self, lease: Lease) -> None:
        if not lease._held:
            return
        lease._held = False
        tenant = self._tenants[lease.tenant]
        tenant.in_flight -= 1
        tenant.bytes -= lease.size
        self._in_flight -= 1
        self._bytes -= lease.size
        self._forget(lease.tenant)
        self._dispatch()

    def _make_room(self, tenant: _Tenant) -> bool:
        """Room in the queue for one more of ``tenant``; the oldest of the longest row gives way to a shorter row."""
        if self._queued < self._queue:
            return True
        if self._queue == 0:
            return False
        longest = max(self._tenants.values(), key=lambda t: len(t.waiting))
        if len(longest.waiting) <= len(tenant.waiting) + 1:
            return False
        self._refuse(longest.waiting[0])
        return True

    def _refusal(self, reason: str) -> Overloaded503:
        return Overloaded503(self._retry_after, reason)

    def _refuse(self, lease: Lease) -> None:
        """End the wait of a request that was not admitted."""
        if not lease._held and lease._turn is not None:
            if not lease._turn.done():
                lease._turn.set_result(False)
            self._leave(lease)

    def _leave(self, lease: Lease) -> None:
        """Out of the queue, if still in it."""
        tenant = self._tenants.get(lease.tenant)
        if tenant is not None and lease in tenant.waiting:
            tenant.waiting.remove(lease)
            self._queued -= 1
            self._forget(lease.tenant)
            # It may have been in the way of others.
            self._dispatch()

    def _forget(self, name: str) -> None:
        tenant = self._tenants[name]
        if not tenant.in_flight and not tenant.waiting and not tenant.bytes:
            del self._tenants[name]

    def _dispatch(self) -> None:
        """Admit who may be admitted: first tenants below their share, in turn; then, if none of them is kept out, others."""
        while self._queued and self._in_flight < self._max_requests:
            lease = self._next()
            if lease is None:
                return
            tenant = self._tenants[lease.tenant]
            tenant.waiting.remove(lease)
            self._queued -= 1
            # A task that was cancelled meanwhile finds its lease out of the queue and has nothing to give back.
            if lease._turn is not None and not lease._turn.done():
                self._grant(lease, tenant)
                lease._turn.set_result(True)
            else:
                self._forget(lease.tenant)

    def _next(self) -> Lease | None:
        lent: Lease | None = None
        entitled = False
        newest_first = self._queue // (len(self._tenants) + 1)
        for tenant in self._tenants.values():
            if not tenant.waiting:
                continue
            lease = tenant.waiting[-1 if len(tenant.waiting) > newest_first else 0]
            below = self._below_share(tenant, 1, lease.size)
            if self._fits(1, lease.size, below):
                if below:
                    return lease
                lent = lent or lease
            elif below:
                entitled = True
        return None if entitled else lent

"""One network on one device: callers' windows are put into common batches, and no caller waits for a thread of its own.

A caller that finds the network idle becomes the leader and runs batches, its own and those of callers that arrived
meanwhile, until its own windows are done; then another waiting caller leads. A lone caller pays no hand-over, and many
callers share batches without a background thread that could die unseen.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from guardrails.errors import DeadlineExceeded, GuardrailsError, Overloaded
from guardrails.inference.windows import Window

__all__ = ["Runner", "choose"]

_log = logging.getLogger("guardrails")

# Waiting windows, and their tokens in bytes; beyond that a check fails as overloaded instead of growing the queue.
MAX_WAITING = 20_000
MAX_WAITING_BYTES = 128 * 1024 * 1024
# Tokens of one batch, padding included: what keeps both cores busy and stays in the cache, and what fills a large GPU.
BATCH_TOKENS = {"cpu": 4096, "cuda": 131_072}
# Windows of one batch differ in length by this factor at most, so that little is computed on padding.
ALIKE = 0.75


def choose() -> tuple[torch.device, torch.dtype]:
    """(device, dtype): CUDA in bf16 when there, else the CPU, in bf16 where the processor multiplies it, else fp32.

    The environment variable ``GUARDRAILS_DEVICE`` (``auto``, ``cpu``, ``cuda``, ``cuda:1`` …) decides otherwise, and
    ``GUARDRAILS_DTYPE`` (``auto``, ``bf16``, ``fp32``). Raises GuardrailsError for a device that is not there.
    """
    wanted = os.environ.get("GUARDRAILS_DEVICE", "auto")
    kind = os.environ.get("GUARDRAILS_DTYPE", "auto")
    if kind not in ("auto", "bf16", "fp32"):
        raise GuardrailsError(f"GUARDRAILS_DTYPE={kind!r} is unknown; it may be auto, bf16 or fp32")
    if wanted == "auto":
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    else:
        try:
            device = torch.device(wanted)
        except RuntimeError:
            raise GuardrailsError(
                f"GUARDRAILS_DEVICE={wanted!r} is unknown; it may be auto, cpu, cuda or cuda:N"
            ) from None
        if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
            raise GuardrailsError(
                f"GUARDRAILS_DEVICE={wanted!r}, but this process sees {torch.cuda.device_count()} CUDA devices"
            )
        if device.type not in ("cpu", "cuda"):
            raise GuardrailsError(f"GUARDRAILS_DEVICE={wanted!r} is not supported; it may be auto, cpu, cuda or cuda:N")
    if kind != "auto":
        return device, torch.bfloat16 if kind == "bf16" else torch.float32
    if device.type == "cuda":
        return device, torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    fast = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return device, torch.bfloat16 if fast else torch.float32


def _backend() -> str:
    """The environment variable ``GUARDRAILS_BACKEND`` for a network in this process: ``torch`` (the default), or ``openvino`` for CPUs."""
    wanted = os.environ.get("GUARDRAILS_BACKEND", "torch")
    if wanted not in ("torch", "openvino", "ray"):
        raise GuardrailsError(f"GUARDRAILS_BACKEND={wanted!r} is unknown; it may be torch, openvino or ray")
    return "torch" if wanted == "ray" else wanted  # a network that stays here, or is loaded here in case


class _Job:
    __slots__ = ("done", "error", "left", "results", "windows")

    def __init__(self, windows: Sequence[Window]) -> None:
        self.windows = windows
        self.results: list[Any] = [None] * len(windows)
        self.left = len(windows)
        self.error: BaseException | None = None
        self.done = False


class Runner:
    """Runs a network. Thread-safe. ``pack`` turns its output and the windows into one result a window.

    ``tokens`` are those of one batch, by kind of device. ``read`` counts the windows since the start.
    """

    def __init__(
        self, model: torch.nn.Module, padding: int, pack: Any, name: str, tokens: Mapping[str, int] = BATCH_TOKENS
    ) -> None:
        self._exact_model = model.float().eval().requires_grad_(False)
        self._padding, self._pack, self._name = padding, pack, name
        self.device, self.dtype = choose()
        self.backend = "openvino" if self.device.type == "cpu" and _backend() == "openvino" else "torch"
        self._model: Callable[..., Any] = self._placed(self.device, self.dtype)
        self._condition = threading.Condition()
        self._waiting: deque[tuple[_Job, int]] = deque()
        self._bytes = 0
        self._busy = False
        self._tokens = tokens
        self._budget = tokens[self.device.type]
        self.read = 0
        _log.info(
            "model %s runs on %s in %s with %s", name, self.device, str(self.dtype).removeprefix("torch."), self.backend
        )

    @property
    def place(self) -> str:
        """The device, and the backend where it is not torch."""
        return str(self.device) if self.backend == "torch" else f"{self.device} ({self.backend})"

    @property
    def precision(self) -> str:
        """The floating type in which batches run."""
        return str(self.dtype).removeprefix("torch.")

    def _placed(self, device: torch.device, dtype: torch.dtype) -> Callable[..., Any]:
        if self.backend == "openvino":
            from guardrails.inference.openvino import compiled  # noqa: PLC0415

            return compiled(self._exact_model, dtype)
        if device.type == "cpu" and dtype is torch.float32:
            return self._exact_model
        import copy  # noqa: PLC0415

        return copy.deepcopy(self._exact_model).to(device=device, dtype=dtype)

    def run(self, windows: Sequence[Window], seconds: float) -> list[Any]:
        """One result a window, in order. Raises DeadlineExceeded, Overloaded, or what the network raised."""
        if not windows:
            return []
        job = _Job(windows)
        size = sum(len(w) for w in windows) * 12
        until = time.monotonic() + seconds
        with self._condition:
            if self._waiting and (
                len(self._waiting) + len(windows) > MAX_WAITING or self._bytes + size > MAX_WAITING_BYTES
            ):
                raise Overloaded(f"{len(self._waiting)} windows are waiting for model {self._name}")
            self._waiting.extend((job, i) for i in range(len(windows)))
            self._bytes += size
            while not job.done and self._busy:
                left = until - time.monotonic()
                if left <= 0 or not self._condition.wait(left):
                    self._forget(job, size)
                    raise DeadlineExceeded(f"the deadline passed while waiting for model {self._name}")
            if not job.done:
                self._busy = True
        if not job.done:
            try:
                while not job.done:
                    if time.monotonic() > until:
                        with self._condition:
                            self._forget(job, 0)
                        raise DeadlineExceeded(f"the deadline passed in model {self._name}")
                    self._turn()
            finally:
                with self._condition:
                    self._busy = False
                    self._condition.notify_all()
        with self._condition:
            self._bytes -= size
        if job.error is not None:
            raise job.error
        return job.results

    def _forget(self, job: _Job, size: int) -> None:
        self._waiting = deque(x for x in self._waiting if x[0] is not job)
        self._bytes -= size

    def _turn(self) -> None:
        """Take what fits in a few batches from the front of the queue, sort it by length, and run it."""
        taken: list[tuple[_Job, int]] = []
        tokens = 0
        with self._condition:
            while self._waiting and (not taken or tokens < 4 * self._budget):
                taken.append(self._waiting.popleft())
                tokens += len(taken[-1][0].windows[taken[-1][1]])
            self.read += len(taken)
        taken.sort(key=lambda x: -len(x[0].windows[x[1]]))
        for batch in _split(taken, self._budget):
            windows = [job.windows[i] for job, i in batch]
            error: BaseException | None = None
            results: list[Any] = []
            try:
                results = self._forward(windows)
            except Exception as e:  # the callers raise it
                error = e
            with self._condition:
                for n, (job, i) in enumerate(batch):
                    if error is not None:
                        job.error = error
                    else:
                        job.results[i] = results[n]
                    job.left -= 1
                    if job.left == 0:
                        job.done = True
                self._condition.notify_all()

    def _forward(self, windows: Sequence[Window]) -> list[Any]:
        """A batch; when memory runs out, half of it at a time, and at last on the CPU."""
        try:
            return self._once(self._model, self.device, windows)
        except (MemoryError, torch.OutOfMemoryError, RuntimeError) as error:
            if not isinstance(error, MemoryError | torch.OutOfMemoryError) and "memory" not in str(error).lower():
                raise
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        if len(windows) > 1:
            self._budget = max(512, self._budget // 2)
            _log.warning(
                "model %s: out of memory on %s, batches halved to %d tokens", self._name, self.device, self._budget
            )
            middle = len(windows) // 2
            return [*self._forward(windows[:middle]), *self._forward(windows[middle:])]
        if self.device.type == "cpu":
            raise MemoryError(f"model {self._name}: one window of {len(windows[0])} tokens does not fit in memory")
        _log.error(
            "model %s: out of memory on %s for a single window; it runs on the CPU from now on", self._name, self.device
        )
        self.device, self.dtype = torch.device("cpu"), torch.float32
        self._model, self._budget = self._exact_model, self._tokens["cpu"]
        return self._once(self._model, self.device, windows)

    def exact(self, window: Window) -> Any:
        """The result of one window alone in fp32 on the CPU: the same bits whatever else is running."""
        return self._once(self._exact_model, torch.device("cpu"), [window])[0]

    def _once(self, model: Callable[..., Any], device: torch.device, windows: Sequence[Window]) -> list[Any]:
        width = max(len(w) for w in windows)
        shape = (len(windows), width)
        ids = np.full(shape, self._padding, dtype=np.int32)
        types, cases = np.zeros(shape, dtype=np.int32), np.zeros(shape, dtype=np.int32)
        mask, own = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
        for i, w in enumerate(windows):
            n = len(w)
            ids[i, :n], types[i, :n], cases[i, :n] = w.ids, w.types, w.cases
            mask[i, :n] = True
            own[i, w.own_from : w.own_to] = True
        whole = bool(mask.all())

        def there(array: np.ndarray[Any, Any]) -> Tensor:
            tensor = torch.from_numpy(array)
            return tensor if device.type == "cpu" else tensor.to(device, non_blocking=True)

        with torch.inference_mode():
            out = model(there(ids), there(types), there(cases), None if whole else there(mask), there(own))
            results: list[Any] = self._pack(out, windows)
        return results


def _split(taken: list[tuple[_Job, int]], budget: int) -> list[list[tuple[_Job, int]]]:
    """Batches of alike lengths, longest first; ``taken`` is sorted that way."""
    out: list[list[tuple[_Job, int]]] = []
    batch: list[tuple[_Job, int]] = []
    longest = 0
    for job, i in taken:
        n = len(job.windows[i])
        if batch and ((len(batch) + 1) * longest > budget or n < ALIKE * longest - 8):
            out.append(batch)
            batch = []
        if not batch:
            longest = n
        batch.append((job, i))
    if batch:
        out.append(batch)
    return out

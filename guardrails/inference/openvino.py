"""A second way to run the networks on a CPU: OpenVINO (``pip install -c constraints.txt -e ".[openvino]"`` in a clone).

Chosen with ``GUARDRAILS_BACKEND=openvino``. OpenVINO's own converter reports its use to a server; it is neither called nor loaded with
its telemetry here. Scores near a cut point are computed again by the plain torch network in fp32 whichever
backend runs, so verdicts do not depend on it.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from guardrails.errors import GuardrailsError

__all__ = ["compiled"]


class _Flat(nn.Module):
    """The network with a tuple for an output."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, *inputs: Tensor) -> Any:
        out = self.model(*inputs)
        return tuple(getattr(out, f.name) for f in dataclasses.fields(out)) if dataclasses.is_dataclass(out) else out


def _silent() -> tuple[Any, Any, Any]:
    """(openvino, its front ends, its reader of torch graphs), imported without its telemetry."""
    name = "openvino_telemetry"
    there = sys.modules.get(name)
    if there is None:
        sys.modules[name] = None  # type: ignore[assignment] # an import of it fails, and OpenVINO takes its stub
    try:
        import openvino  # noqa: PLC0415
        from openvino import frontend  # noqa: PLC0415
        from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder  # noqa: PLC0415
    finally:
        if there is None:
            del sys.modules[name]
    return openvino, frontend, TorchScriptPythonDecoder


def compiled(model: nn.Module, dtype: torch.dtype) -> Callable[..., Any]:
    """``model`` (fp32, on the CPU) as a function of the same tensors that returns what it returns.

    ``dtype`` is what it computes in: bf16 or fp32. One caller at a time. Raises GuardrailsError when OpenVINO is not installed.
    """
    try:
        openvino, frontend, decoder = _silent()
    except ImportError:
        raise GuardrailsError(
            "GUARDRAILS_BACKEND=openvino, but OpenVINO is not installed: pip install 'openvino>=2025.1', or unset the"
            " variable"
        ) from None
    ids = torch.arange(22, dtype=torch.int32).reshape(2, 11)
    zeros, true = torch.zeros_like(ids), torch.ones(2, 11, dtype=torch.bool)
    example = (ids, zeros, zeros, true, true)
    with torch.inference_mode():
        shape = model(*example)
    made: Callable[..., Any] | None = type(shape) if dataclasses.is_dataclass(shape) else None
    # torch.jit.trace warns about sizes it meets; the graph keeps them dynamic (tests/inference/test_openvino.py).
    import warnings  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reader = frontend.FrontEndManager().load_by_framework("pytorch")
        graph = decoder(_Flat(model).eval(), example_input=example)  # the reader does not keep it alive
        converted = reader.convert(reader.load(graph))
    precision = "bf16" if dtype is torch.bfloat16 else "f32"
    options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision}
    request = openvino.Core().compile_model(converted, "CPU", options).create_infer_request()

    def run(ids: Tensor, types: Tensor, cases: Tensor, mask: Tensor | None, own: Tensor) -> Any:
        seen = mask if mask is not None else torch.ones_like(own)
        found = request.infer([x.numpy() for x in (ids, types, cases, seen, own)], share_inputs=True)
        tensors = [torch.from_numpy(found[i]) for i in range(len(found))]
        return made(*tensors) if made else tensors[0]

    return run

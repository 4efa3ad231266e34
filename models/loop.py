"""The training loop both models share: a work copy in the fastest type of the processor, fp32 master weights, checkpoints, a progress bar."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors.torch import save_file
from torch import Tensor, nn

from guardrails.inference.runner import choose

Step = tuple[str, Any]


def fit(
    model: nn.Module,
    plan: Sequence[Step],
    loss_of: Callable[[nn.Module, str, Any], Tensor],
    out: Path,
    *,
    rate: float,
    minutes_between_saves: float = 5,
) -> None:
    """Train ``model`` in place over ``plan`` and write `model.safetensors` (fp32) into ``out``.

    ``loss_of(work, kind, batch)`` gives the loss of one step on the work copy: bf16 where the processor multiplies it
    (elsewhere that is emulated, forty times slower than fp32), else fp32. The learning rate rises over the first
    twenty-fifth of the plan and falls along a cosine; heads learn three times as fast as the trunk. Goes on from
    `checkpoint.pt` when there is one. Parameters that need no gradient stay as they are.
    """
    learning = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    heads = [p for n, p in learning if not n.startswith("encoder.")]
    trunk = [p for n, p in learning if n.startswith("encoder.")]
    optimiser = torch.optim.AdamW(
        [{"params": trunk, "lr": rate}, {"params": heads, "lr": rate * 3}],
        weight_decay=0.01,
        fused=True,
        betas=(0.9, 0.98),
    )
    peaks = [g["lr"] for g in optimiser.param_groups]
    model.train()
    step, saved = 0, out / "checkpoint.pt"
    if saved.exists():
        state = torch.load(saved, weights_only=True)
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        step = state["step"]
        print(f"going on from step {step}", flush=True)
    work = copy.deepcopy(model).to(choose()[1]).train()
    masters = [p for p in model.parameters() if p.requires_grad]
    workers = [p for p in work.parameters() if p.requires_grad]
    for p in masters:
        p.grad = torch.zeros_like(p)
    losses: dict[str, float] = {}
    started = last_save = time.time()
    last_print = 0.0
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        bar = progress.add_task("train", total=len(plan), completed=step)
        while step < len(plan):
            kind, batch = plan[step]
            warm = min(1.0, (step + 1) / (0.04 * len(plan)))
            factor = warm * (0.5 + 0.5 * math.cos(math.pi * step / len(plan))) + 0.01
            for group, peak in zip(optimiser.param_groups, peaks, strict=True):
                group["lr"] = peak * factor
            loss = loss_of(work, kind, batch)
            loss.backward()
            for p, q in zip(masters, workers, strict=True):
                if q.grad is None:  # a head that this step did not use
                    p.grad.zero_()
                else:
                    p.grad.copy_(q.grad)
                    q.grad = None
            torch.nn.utils.clip_grad_norm_(masters, 1.0)
            optimiser.step()
            with torch.no_grad():
                torch._foreach_copy_(workers, masters)
            step += 1
            losses[kind] = 0.98 * losses.get(kind, loss.item()) + 0.02 * loss.item()
            shown = " ".join(f"{k} {v:.4f}" for k, v in sorted(losses.items()))
            progress.update(bar, completed=step, description=shown)
            if time.time() - last_print > 60:
                last_print = time.time()
                print(f"step {step}/{len(plan)} {shown} {time.time() - started:.0f} s", flush=True)
            if time.time() - last_save > 60 * minutes_between_saves:
                last_save = time.time()
                state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "step": step}
                torch.save(state, saved.with_suffix(".new"))
                saved.with_suffix(".new").replace(saved)
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, out / "model.safetensors")
    print(f"trained in {time.time() - started:.0f} s", flush=True)

"""Weights in int8: no number moves by more than half a step, and nothing else is taken for weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from guardrails.inference import store, text_engine
from guardrails.inference.packing import LEAST_ROWS, SCALE, pack, shards, unpack
from guardrails.inference.runner import Runner
from models.export import read_weights

MATRICES = st.integers(1, 6).flatmap(
    lambda columns: arrays(
        np.float32, (LEAST_ROWS + columns, columns), elements=st.floats(-1e4, 1e4, width=32, allow_subnormal=True)
    )
)


@given(MATRICES)
@settings(deadline=None, max_examples=40)
def test_no_weight_moves_by_more_than_half_a_step(values: np.ndarray) -> None:
    packed = pack({"w": torch.from_numpy(values)})
    assert packed["w"].dtype is torch.int8
    assert packed["w" + SCALE].shape == (len(values),)
    back = unpack(packed)["w"]
    assert (back.dtype, back.shape) == (torch.float32, values.shape)
    steps = packed["w" + SCALE].double()[:, None]
    assert ((back.double() - torch.from_numpy(values).double()).abs() <= steps * (0.5 + 1e-5)).all()
    most = np.abs(values).max(axis=1)
    assert (packed["w" + SCALE].numpy()[most > 1e-30] <= most[most > 1e-30] / 127 * (1 + 1e-6)).all()


def test_what_is_small_or_no_matrix_stays_as_it_is() -> None:
    state = {"few": torch.randn(LEAST_ROWS - 1, 3), "bias": torch.randn(300), "half": torch.randn(5).bfloat16()}
    packed = pack(state)
    assert packed.keys() == state.keys()
    back = unpack(packed)
    assert all(torch.equal(back[k], v.float()) for k, v in state.items())


def test_packing_twice_changes_nothing() -> None:
    once = unpack(pack({"w": torch.randn(LEAST_ROWS, 16)}))
    assert torch.allclose(unpack(pack(once))["w"], once["w"], rtol=1e-6, atol=0)


@pytest.mark.parametrize(
    "tensor",
    [torch.zeros(2, dtype=torch.int64), torch.zeros(2, dtype=torch.bool), torch.tensor([1.0, float("nan")])],
)
def test_only_finite_floating_point_numbers_are_packed(tensor: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="w"):
        pack({"w": tensor})


def test_a_name_like_that_of_scales_is_refused() -> None:
    with pytest.raises(ValueError, match=r"w\.scale"):
        pack({"w.scale": torch.zeros(2)})


@pytest.mark.parametrize(
    "packed",
    [
        {"w": torch.zeros(64, 4, dtype=torch.int8)},
        {"w": torch.zeros(64, 4, dtype=torch.int8), "w.scale": torch.ones(63)},
        {"w": torch.zeros(64, 4, dtype=torch.int8), "w.scale": torch.ones(64, dtype=torch.float16)},
        {"w": torch.zeros(64, dtype=torch.int8), "w.scale": torch.ones(64)},
        {"w": torch.zeros(64, 4), "w.scale": torch.ones(64)},
        {"w": torch.zeros(4, dtype=torch.float16)},
        {"w": torch.zeros(4, dtype=torch.int64)},
        {"w.scale": torch.ones(64)},
    ],
)
def test_nothing_else_is_unpacked(packed: dict[str, torch.Tensor]) -> None:
    with pytest.raises(ValueError, match="no packed weight"):
        unpack(packed)


@given(st.lists(st.integers(1, 200), min_size=1, max_size=12), st.integers(5_000, 20_000))
@settings(deadline=None, max_examples=40)
def test_shards(rows: list[int], limit: int) -> None:
    packed = pack({f"w{i}": torch.randn(n, 8) for i, n in enumerate(rows)})
    files = shards(packed, limit)
    assert [n for f in files for n in f] == [n for name in packed if not name.endswith(SCALE) for n in (name, name + SCALE) if n in packed]  # fmt: skip
    total = sum(t.numel() * t.element_size() for t in packed.values())
    assert len(files) == 1 or total > limit
    for one in files:
        assert 0 < sum(t.numel() * t.element_size() for t in one.values()) <= limit
        unpack(one)


def test_as_few_files_as_there_need_be() -> None:
    packed = pack({f"w{i}": torch.randn(64 + i, 30) for i in range(40)})
    total = sum(t.numel() * t.element_size() for t in packed.values())
    sizes = [sum(t.numel() * t.element_size() for t in f.values()) for f in shards(packed, int(total / 1.2))]
    assert len(sizes) == 2
    assert max(sizes) < 0.55 * total


def test_a_tensor_larger_than_a_file() -> None:
    with pytest.raises(ValueError, match="w alone has"):
        shards({"w": torch.zeros(100)}, 399)


def test_a_recipe_goes_on_from_the_weights_that_ship() -> None:
    folder = store.manifest("text").folder
    found, file = read_weights(folder), read_weights(folder / store.WEIGHTS)
    runner = text_engine().runner
    assert isinstance(runner, Runner)
    assert found.keys() == file.keys() == runner._exact_model.state_dict().keys()
    assert all(v.dtype is torch.float32 for v in found.values())

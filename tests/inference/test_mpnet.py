"""The encoder with relative positions is MPNet: the same numbers as the reference implementation, from the same weights."""

from __future__ import annotations

import pytest
import torch

from guardrails.inference.modules import Encoder, Shape, buckets, load_mpnet

transformers = pytest.importorskip("transformers")

WORDS, HIDDEN = 200, 24


@pytest.fixture(scope="module")
def reference() -> torch.nn.Module:
    torch.manual_seed(1)
    config = transformers.MPNetConfig(
        vocab_size=WORDS + 5,
        hidden_size=HIDDEN,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=202,
        attn_implementation="eager",
    )
    model: torch.nn.Module = transformers.MPNetModel(config, add_pooling_layer=False).eval()
    torch.nn.init.normal_(model.encoder.relative_attention_bias.weight)
    return model


def ours(reference: torch.nn.Module, relative: int = 32) -> Encoder:
    shape = Shape(WORDS, HIDDEN, 2, 4, 48, positions=200, epsilon=1e-12, relative=relative)
    encoder = Encoder(shape)
    load_mpnet(encoder, dict(reference.state_dict()))
    return encoder


@pytest.mark.parametrize("training", [False, True])
def test_same_vectors_as_the_reference(reference: torch.nn.Module, training: bool) -> None:
    encoder = ours(reference).train(training)
    for layer in encoder.layers:
        layer.norm1.eps = layer.norm2.eps = encoder.norm.eps = reference.config.layer_norm_eps
    ids = torch.randint(104, WORDS, (2, 190))
    ids[:, 0] = 101
    mask = torch.ones_like(ids, dtype=torch.bool)
    mask[1, 150:] = False
    ids[~mask] = 0
    theirs = torch.where(ids == 101, 0, torch.where(ids == 0, 1, ids + 4))
    with torch.inference_mode():
        wanted = reference(input_ids=theirs, attention_mask=mask.long()).last_hidden_state
        zeros = torch.zeros_like(ids)
        got = encoder(ids, zeros, zeros, mask)
        alone = encoder(ids[1:, :150], zeros[1:, :150], zeros[1:, :150], None)
    torch.testing.assert_close(got[mask], wanted[mask], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(alone[0], wanted[1, :150], atol=1e-5, rtol=1e-5)


def test_buckets_tell_sides_apart_and_grow_coarser() -> None:
    found = buckets(300, 32)
    assert int(found.min()) == 0
    assert int(found.max()) == 31
    row = found[150]
    assert row[150] == 0
    assert len(set(row[143:150].tolist())) == 7  # near by, every distance has its own
    assert row[0] == row[20] == 15  # far away, none has
    assert set(row[:151].tolist()).isdisjoint(row[151:].tolist())


def test_an_encoder_without_relative_positions_is_refused(reference: torch.nn.Module) -> None:
    with pytest.raises(KeyError, match="relative=32"):
        ours(reference, relative=0)

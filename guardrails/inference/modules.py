"""The networks, in plain torch: a BERT encoder with case embeddings (or an MPNet one), and the heads that read it.

Training and serving run this very code, so what was measured is what ships. Importing it imports torch and nothing else;
transformers is not needed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

__all__ = ["Encoder", "LabelModel", "PairModel", "Shape", "TextModel", "TextOutput", "load_bert", "load_mpnet"]

# How a token is written in the original: the vocabulary is uncased, names are not (see `tokens.cases`).
CASES = 6
# Whether a token of a pair stands in the other text too: no, yes, or yes with the same neighbour (see `windows.shared`).
MATCHES = 3
# From this distance on all tokens are equally far, in MPNet's relative positions.
FARTHEST = 128


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of an encoder, as in a BERT `config.json`.

    ``relative`` is the number of buckets of relative positions, 0 for none: MPNet (Song et al. 2020) has 32.
    """

    vocabulary: int = 30522
    hidden: int = 384
    layers: int = 6
    heads: int = 12
    feed_forward: int = 1536
    positions: int = 512
    types: int = 2
    epsilon: float = 1e-12
    cases: int = CASES
    relative: int = 0


# What is added to the score of a token that may not be read.
_NEVER = -1e4


class Layer(nn.Module):
    """One post-norm transformer layer (Devlin et al. 2019); queries, keys and values in one product."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.qkv = nn.Linear(shape.hidden, 3 * shape.hidden)
        self.out = nn.Linear(shape.hidden, shape.hidden)
        self.norm1 = nn.LayerNorm(shape.hidden, eps=shape.epsilon)
        self.up = nn.Linear(shape.hidden, shape.feed_forward)
        self.down = nn.Linear(shape.feed_forward, shape.hidden)
        self.norm2 = nn.LayerNorm(shape.hidden, eps=shape.epsilon)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """``x`` [batch, tokens, hidden]; ``mask`` broadcasts to [batch, heads, tokens, tokens].

        A boolean mask is True where a token may be read; one of floats is added to the scores.
        """
        batch, tokens, hidden = x.shape
        q, k, v = self.qkv(x).view(batch, tokens, 3, self.heads, hidden // self.heads).permute(2, 0, 3, 1, 4)
        seen = _attend(q, k, v, mask) if self.training else F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        seen = self.out(seen.transpose(1, 2).reshape(batch, tokens, hidden))
        x = self.norm1(x + seen)
        more = self.down(F.gelu(self.up(x)))
        normed: Tensor = self.norm2(x + more)
        return normed


def _attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    """Attention written out: on a CPU the fused kernel's backward pass takes half of a training step."""
    scores = torch.matmul(q * (q.shape[-1] ** -0.5), k.transpose(-1, -2))
    if mask is not None:
        if mask.dtype is torch.bool:
            mask = torch.zeros_like(mask, dtype=scores.dtype).masked_fill_(~mask, _NEVER)
        scores = scores + mask
    seen: Tensor = torch.matmul(scores.softmax(dim=-1), v)
    return seen


class Encoder(nn.Module):
    """Token ids to contextual vectors."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.words = nn.Embedding(shape.vocabulary, shape.hidden)
        self.positions = nn.Embedding(shape.positions, shape.hidden)
        self.types = nn.Embedding(shape.types, shape.hidden)
        self.cases = nn.Embedding(shape.cases, shape.hidden)
        nn.init.zeros_(self.cases.weight)
        self.norm = nn.LayerNorm(shape.hidden, eps=shape.epsilon)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.relative = nn.Embedding(shape.relative, shape.heads) if shape.relative else None

    def forward(self, ids: Tensor, types: Tensor, cases: Tensor, mask: Tensor | None) -> Tensor:
        """``ids``, ``types``, ``cases`` [batch, tokens] and ``mask`` (True: a token) to [batch, tokens, hidden]."""
        x = self.embedded(ids, types, cases)
        reach = self.reach(ids.shape[1], mask)
        for layer in self.layers:
            x = layer(x, reach)
        return x

    def embedded(self, ids: Tensor, types: Tensor, cases: Tensor) -> Tensor:
        """What the first layer reads: [batch, tokens, hidden]."""
        x: Tensor = self.words(ids) + self.positions.weight[: ids.shape[1]] + self.types(types) + self.cases(cases)
        normed: Tensor = self.norm(x)
        return normed

    def reach(self, tokens: int, mask: Tensor | None) -> Tensor | None:
        """The mask that every layer gets, with relative positions in it where the encoder has them."""
        seen = mask[:, None, None, :] if mask is not None else None
        if self.relative is None:
            return seen
        near: Tensor = self.relative(buckets(tokens, self.shape.relative, self.relative.weight.device))
        bias = near.permute(2, 0, 1)[None]
        if seen is None:
            return bias
        return bias + torch.zeros_like(seen, dtype=bias.dtype).masked_fill_(~seen, _NEVER)


def buckets(tokens: int, count: int, device: torch.device | None = None) -> Tensor:
    """The bucket of every pair of places [tokens, tokens]: half of them for either side, exact near by, then by logarithm (T5, MPNet)."""
    place = torch.arange(tokens, device=device)
    distance = place[None, :] - place[:, None]
    half = count // 2
    exact = half // 2
    apart = distance.abs()
    far = torch.log(apart.float().clamp(min=1) / exact) / math.log(FARTHEST / exact) * (half - exact)
    steps = torch.where(apart < exact, apart, (exact + far.long()).clamp(max=half - 1))
    return steps + half * (distance > 0)


class Pool(nn.Module):
    """One logit a label: each label attends to the tokens that matter to it, and to the first token."""

    def __init__(self, hidden: int, labels: int) -> None:
        super().__init__()
        self.mix = nn.Linear(hidden, hidden)
        self.attend = nn.Linear(hidden, labels)
        self.value = nn.Linear(hidden, labels)
        self.first = nn.Linear(hidden, labels)
        nn.init.normal_(self.attend.weight, std=0.02)
        nn.init.zeros_(self.attend.bias)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """``x`` [batch, tokens, hidden], ``mask`` [batch, tokens] to fp32 logits [batch, labels]."""
        mixed = F.gelu(self.mix(x))
        weights = self.attend(mixed).float().masked_fill(~mask[:, :, None], -1e4).softmax(dim=1)
        seen = (weights * self.value(mixed).float()).sum(dim=1)
        logits: Tensor = seen + self.first(F.gelu(self.mix(x[:, 0]))).float()
        return logits


@dataclass(slots=True)
class TextOutput:
    """What one pass over a batch of texts gives: fp32 tensors on the model's device."""

    logits: Tensor  # [batch, labels]
    embedding: Tensor  # [batch, hidden], of length one
    tags: Tensor  # [batch, tokens, tags], logits


class TextModel(nn.Module):
    """One trunk, three heads: labels (content and attacks), an embedding for topics, and tags for names and addresses."""

    def __init__(self, shape: Shape, labels: int, tags: int) -> None:
        super().__init__()
        self.encoder = Encoder(shape)
        self.labels = Pool(shape.hidden, labels)
        self.topic = nn.Linear(shape.hidden, shape.hidden, bias=False)
        nn.init.eye_(self.topic.weight)
        self.tag_mix = nn.Linear(shape.hidden, shape.hidden)
        self.tags = nn.Linear(shape.hidden, tags)

    def forward(self, ids: Tensor, types: Tensor, cases: Tensor, mask: Tensor, own: Tensor) -> TextOutput:
        """``own`` [batch, tokens] is True on the tokens of the text that is judged (not on its query or the frame)."""
        x = self.encoder(ids, types, cases, mask)
        weights = own.to(x.dtype)[:, :, None]
        mean = (x * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)
        embedding = F.normalize(self.topic(mean).float(), dim=-1)
        tags = self.tags(F.gelu(self.tag_mix(x))).float()
        return TextOutput(self.labels(x, own), embedding, tags)


class LabelModel(nn.Module):
    """A trunk and a head for labels; ``pairs`` is the number of outputs of a second head, for windows of two texts (0: none)."""

    def __init__(self, shape: Shape, labels: int, pairs: int = 0) -> None:
        super().__init__()
        self.encoder = Encoder(shape)
        self.labels = Pool(shape.hidden, labels)
        self.pairs = Pool(shape.hidden, pairs) if pairs else None

    def forward(self, ids: Tensor, types: Tensor, cases: Tensor, mask: Tensor, own: Tensor) -> Tensor:
        """fp32 logits [batch, labels + pairs]: both heads read every window, and who asks knows which of them counts."""
        x = self.encoder(ids, types, cases, mask)
        logits: Tensor = self.labels(x, own)
        return logits if self.pairs is None else torch.cat((logits, self.pairs(x, own)), dim=1)


class PairModel(LabelModel):
    """Two texts read together: is the second supported by (or an answer to) the first?"""


def load_mpnet(encoder: Encoder, weights: dict[str, Any]) -> None:
    """Copy the weights of an MPNet checkpoint (Hugging Face names) into ``encoder``, in the order of BERT's vocabulary.

    MPNet's vocabulary is BERT's, four places on, with its own frame in front: so one tokeniser serves both. Positions of MPNet begin at
    2. It knows no types and no cases: those stay 0. Raises KeyError when the checkpoint lacks a tensor.
    """
    given = {k.removeprefix("mpnet."): v.float() for k, v in weights.items()}
    words = given["embeddings.word_embeddings.weight"]
    frame = {0: 1, 101: 0, 102: 2, 103: len(words) - 1}  # [PAD] <pad>, [CLS] <s>, [SEP] </s>, [MASK] <mask>
    with torch.no_grad():
        encoder.words.weight.copy_(words[4 : 4 + encoder.shape.vocabulary])
        for ours, theirs in frame.items():
            encoder.words.weight[ours] = words[theirs]
        encoder.positions.weight.copy_(given["embeddings.position_embeddings.weight"][2 : 2 + encoder.shape.positions])
        encoder.types.weight.zero_()
        encoder.norm.weight.copy_(given["embeddings.LayerNorm.weight"])
        encoder.norm.bias.copy_(given["embeddings.LayerNorm.bias"])
        if encoder.relative is None:
            raise KeyError("relative: the encoder has no relative positions; its shape needs relative=32")
        encoder.relative.weight.copy_(given["encoder.relative_attention_bias.weight"])
        _copy_layers(encoder, given, "attention.attn.{}", "qkv", _MPNET)


def load_bert(encoder: Encoder, weights: dict[str, Any]) -> None:
    """Copy the weights of a BERT checkpoint (Hugging Face names, with or without the prefix ``bert.``) into ``encoder``.

    Raises KeyError when the checkpoint lacks one.
    """
    given = {k.removeprefix("bert."): v.float() for k, v in weights.items()}
    with torch.no_grad():
        encoder.words.weight.copy_(given["embeddings.word_embeddings.weight"])
        encoder.positions.weight.copy_(given["embeddings.position_embeddings.weight"])
        encoder.types.weight.copy_(given["embeddings.token_type_embeddings.weight"])
        encoder.norm.weight.copy_(given["embeddings.LayerNorm.weight"])
        encoder.norm.bias.copy_(given["embeddings.LayerNorm.bias"])
        _copy_layers(encoder, given, "attention.self.{}", ("query", "key", "value"), _BERT)


# What checkpoints call the parts of a layer besides queries, keys and values.
_REST = {"up": "intermediate.dense", "down": "output.dense", "norm2": "output.LayerNorm"}
_BERT = {"out": "attention.output.dense", "norm1": "attention.output.LayerNorm", **_REST}
_MPNET = {"out": "attention.attn.o", "norm1": "attention.LayerNorm", **_REST}


def _copy_layers(
    encoder: Encoder, given: Mapping[str, Tensor], attention: str, qkv: Sequence[str], names: Mapping[str, str]
) -> None:
    """Copy every layer of a checkpoint; ``attention`` is where queries, keys and values (``qkv``) stand, ``names`` what the rest is called."""
    for index, layer in enumerate(encoder.layers):
        place = f"encoder.layer.{index}."
        for kind in ("weight", "bias"):
            parts = [given[f"{place}{attention.format(n)}.{kind}"] for n in qkv]
            getattr(layer.qkv, kind).copy_(torch.cat(parts))
            for ours, theirs in names.items():
                getattr(getattr(layer, ours), kind).copy_(given[f"{place}{theirs}.{kind}"])

"""The networks, in plain torch: a BERT encoder with case embeddings, and the heads that read it.

Training and serving run this very code, so what was measured is what ships. Importing it imports torch and nothing else;
transformers is not needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

__all__ = ["Encoder", "PairModel", "Shape", "TextModel", "TextOutput"]

# How a token is written in the original: the vocabulary is uncased, names are not (see `tokens.cases`).
CASES = 6
# Whether a token of a pair stands in the other text too: no, yes, or yes with the same neighbour (see `windows.shared`).
MATCHES = 3


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of an encoder, as in a BERT `config.json`."""

    vocabulary: int = 30522
    hidden: int = 384
    layers: int = 6
    heads: int = 12
    feed_forward: int = 1536
    positions: int = 512
    types: int = 2
    epsilon: float = 1e-12
    cases: int = CASES


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
        """``x`` [batch, tokens, hidden]; ``mask`` [batch, 1, 1, tokens], True where a token may be read."""
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
        scores += torch.zeros_like(mask, dtype=scores.dtype).masked_fill_(~mask, -1e4)
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

    def forward(self, ids: Tensor, types: Tensor, cases: Tensor, mask: Tensor | None) -> Tensor:
        """``ids``, ``types``, ``cases`` [batch, tokens] and ``mask`` (True: a token) to [batch, tokens, hidden]."""
        x: Tensor = self.words(ids) + self.positions.weight[: ids.shape[1]] + self.types(types) + self.cases(cases)
        x = self.norm(x)
        reach = mask[:, None, None, :] if mask is not None else None
        for layer in self.layers:
            x = layer(x, reach)
        return x


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


class PairModel(nn.Module):
    """Two texts read together: is the second supported by (or an answer to) the first?"""

    def __init__(self, shape: Shape, labels: int) -> None:
        super().__init__()
        self.encoder = Encoder(shape)
        self.labels = Pool(shape.hidden, labels)

    def forward(self, ids: Tensor, types: Tensor, cases: Tensor, mask: Tensor, own: Tensor) -> Tensor:
        """fp32 logits [batch, labels]."""
        logits: Tensor = self.labels(self.encoder(ids, types, cases, mask), own)
        return logits


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
        for index, layer in enumerate(encoder.layers):
            place = f"encoder.layer.{index}."
            for kind in ("weight", "bias"):
                parts = [given[f"{place}attention.self.{n}.{kind}"] for n in ("query", "key", "value")]
                getattr(layer.qkv, kind).copy_(torch.cat(parts))
                for ours, theirs in (
                    ("out", "attention.output.dense"),
                    ("norm1", "attention.output.LayerNorm"),
                    ("up", "intermediate.dense"),
                    ("down", "output.dense"),
                    ("norm2", "output.LayerNorm"),
                ):
                    getattr(getattr(layer, ours), kind).copy_(given[f"{place}{theirs}.{kind}"])

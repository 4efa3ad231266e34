"""A policy rule that names a Hugging Face directory: with a tiny model made here."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from guardrails import Guard
from guardrails.errors import GuardrailsError, WeightsMissing

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "good", "evil", "the", "cat", "is", "a"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier that says EVIL when the word is there: one layer, and a head set by hand."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
        from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    path = tmp_path_factory.mktemp("tiny")
    inner = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="[UNK]"))
    inner.normalizer = normalizers.Lowercase()
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    inner.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=inner,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=32,
    ).save_pretrained(path)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8,
        max_position_embeddings=32, id2label={0: "FINE", 1: "EVIL"}, label2id={"FINE": 0, "EVIL": 1},
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    model = BertForSequenceClassification(config)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.05)
    ids = torch.tensor(
        [
            [2, 6, 7, 8, 4, 3],
            [2, 6, 7, 8, 5, 3],
            [2, 5, 7, 6, 7, 3],
            [2, 4, 7, 6, 7, 3],
            [2, 7, 6, 8, 9, 3],
            [2, 9, 5, 6, 6, 3],
        ]
    )
    labels = torch.tensor([0, 1, 1, 0, 0, 1])
    for _ in range(60):
        loss = model(input_ids=ids, labels=labels).loss
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    model.save_pretrained(path, safe_serialization=True)
    return path


def policy(tmp_path: Path, model: Path, labels: str = "[EVIL]") -> Path:
    file = tmp_path / "p.yaml"
    file.write_text(
        f"version: 1\nname: p\nrules:\n  - id: evil\n    detector: classifier\n    action: block\n"
        f"    settings: {{path: {model}, labels: {labels}, threshold: 0.5}}\n"
    )
    return file


def test_its_label_blocks(tiny: Path, tmp_path: Path) -> None:
    guard = Guard.from_file(policy(tmp_path, tiny))
    assert guard.check("the cat is good", "INPUT").action == "NONE"
    report = guard.check("the cat is evil", "INPUT")
    assert report.action == "BLOCKED"
    assert report.scores["evil"] > 0.5
    assert len(report.models[str(tiny)]) == 64


def test_nothing_is_truncated(tiny: Path, tmp_path: Path) -> None:
    guard = Guard.from_file(policy(tmp_path, tiny))
    text = "the cat is good " * 40 + "the cat is evil"
    report = guard.check(text, "INPUT")
    assert report.action == "BLOCKED"
    assert report.findings[0].end == len(text)


def test_a_label_it_does_not_have(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(GuardrailsError, match=r"no label 'BAD'; it has FINE, EVIL"):
        Guard.from_file(policy(tmp_path, tiny, "[BAD]"))


def test_pickled_weights_are_refused(tiny: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text((tiny / "config.json").read_text())
    (broken / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(WeightsMissing, match=r"model\.safetensors is missing"):
        Guard.from_file(policy(tmp_path, broken))

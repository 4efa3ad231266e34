"""Presidio's recognisers beside our own: what they are called with."""

from __future__ import annotations

from functools import cache
from typing import Any

__all__ = ["LANGUAGE", "no_artifacts", "no_op_engine"]

LANGUAGE = "en"  # Presidio wants one; our patterns ask for none


@cache
def no_op_engine() -> Any:
    """Presidio's NLP engine that does nothing."""
    from presidio_analyzer.nlp_engine.no_op_nlp_engine import NoOpNlpEngine  # noqa: PLC0415 - a second of imports

    engine = NoOpNlpEngine([{"lang_code": LANGUAGE, "model_name": "none"}])
    engine.load()
    return engine


def no_artifacts() -> Any:
    """What a recogniser gets instead of an NLP engine's tokens: the no-op engine's empty artifacts."""
    return no_op_engine().process_text("", LANGUAGE)

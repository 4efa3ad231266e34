"""Texts that arrive in pieces: buffers (:mod:`~guardrails.streaming.window`), how far a text is final
(:mod:`~guardrails.streaming.lookahead`), and the stream that checks it (:mod:`~guardrails.streaming.stream`)."""

"""Tests of guardrails.evaluation and of the commands eval and models."""

"""Recognisers as data, one module a kind of identifier."""

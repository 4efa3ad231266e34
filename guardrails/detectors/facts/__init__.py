"""Comparing what an answer states with what its sources state, by code. English only."""

"""Sensitive information (to be filled)."""

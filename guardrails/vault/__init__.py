"""Reversible masks: a value leaves as ``{NAME_1}`` and comes back in the answer, to nobody but the one who sent it.

A :class:`Vault` takes the place of :class:`guardrails.actions.Numbers` and remembers what stands behind the numbers it
gives; a :class:`Restorer` puts the values back into an answer, whole or in pieces; :class:`Vaults` keeps vaults for as
long as a conversation lives, encrypted. Presidio calls the way back *deanonymize*.
"""

from __future__ import annotations

from guardrails.vault.conversations import Vaults
from guardrails.vault.exchange import Original, Vault
from guardrails.vault.restorer import Restorer, restore

__all__ = ["Original", "Restorer", "Vault", "Vaults", "restore"]

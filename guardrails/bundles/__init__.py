"""Policies that come from elsewhere, signed: a folder, a Git repository, or a prefix of an S3 bucket.

A bundle is a folder of policies with ``bundle.note`` in it: the names, sizes and sha256 of its files, a serial number, and a signature
(Ed25519, a C2SP signed note). :func:`sign` writes the note; :func:`pull` fetches what a source has, and puts it live only when somebody who is
trusted signed every byte of it. What is live lies in a folder as a ConfigMap of Kubernetes does, so servers that read it notice.
"""

from __future__ import annotations

from guardrails.bundles.note import NOTE, Bundle, File
from guardrails.bundles.pulling import Pulled, pull
from guardrails.bundles.signing import sign

__all__ = ["NOTE", "Bundle", "File", "Pulled", "pull", "sign"]

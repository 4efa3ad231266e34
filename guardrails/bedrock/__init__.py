"""Amazon Bedrock guardrails, in and out.

``import_guardrail`` turns a CreateGuardrail or UpdateGuardrail request, or a GetGuardrail response, into a policy document;
``export_guardrail`` turns a document back into a CreateGuardrail request. Bedrock → ours → Bedrock loses nothing: what text does not
need (tiers, keys, modalities, tags …) travels in the policy's ``bedrock:`` block. What Bedrock cannot say is named.
"""

from __future__ import annotations

from guardrails.bedrock.exporting import Exported, Loss, export_file, export_guardrail
from guardrails.bedrock.importing import Imported, import_guardrail

__all__ = ["Exported", "Imported", "Loss", "export_file", "export_guardrail", "import_guardrail"]

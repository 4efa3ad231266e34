"""The formats of providers' API keys and tokens, as their own documentation publishes them.

A prefix that only one provider uses is proof enough; formats without one (hexadecimal digits, say) are left to the words
around them, see ``secrets.py``. Patterns have no boundary at their end where the alphabet ends in ``-`` or ``_``.
"""

from __future__ import annotations

__all__ = ["CHECKED", "FORMATS"]

# GitHub and npm: 30 random characters and six of CRC-32.
CHECKED = (
    (r"\bgh[pousr]_[A-Za-z0-9]{36,251}\b", 0.9),
    (r"\bnpm_[A-Za-z0-9]{36}\b", 0.9),
)

FORMATS = (
    # Code and packages.
    (r"\bgithub_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{40,80}\b", 0.95),
    (r"\bgl(?:pat|dt|rt|rtr|cbt|ptt|ft|soat|agent|imt|ffct|oas)-[A-Za-z0-9_\-]{20,}", 0.9),
    (r"\bATBB[A-Za-z0-9]{32}\b", 0.9),
    (r"\bAT[AC]TT3[A-Za-z0-9_\-=]{60,}", 0.95),
    (r"\bpypi-AgE[A-Za-z0-9_\-]{50,}", 0.95),
    (r"\brubygems_[0-9a-f]{48}\b", 0.95),
    (r"\bcio[A-Za-z0-9]{32}\b", 0.6),
    (r"\boy2[a-z0-9]{43}\b", 0.85),
    (r"\bdckr_(?:pat|oat)_[A-Za-z0-9_\-]{27,}", 0.95),
    (r"\bsq[pua]_[0-9a-f]{40}\b", 0.9),
    (r"\bsgp_(?:[0-9a-f]{16}_)?[0-9a-f]{40}\b", 0.9),
    # Language models.
    (r"\bsk-(?:proj|svcacct|service|admin|None)-[A-Za-z0-9_\-]{20,}", 0.95),
    (r"\bsk-ant-[a-z0-9]{2,12}-[A-Za-z0-9_\-]{20,}", 0.95),
    (r"\bsk-or-v1-[0-9a-f]{64}\b", 0.95),
    (r"\bsk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}\b", 0.95),
    (r"\bhf_[A-Za-z0-9]{30,40}\b", 0.9),
    (r"\bapi_org_[A-Za-z0-9]{34}\b", 0.9),
    (r"\bgsk_[A-Za-z0-9]{48,56}\b", 0.95),
    (r"\bxai-[A-Za-z0-9]{70,90}\b", 0.95),
    (r"\bpplx-[A-Za-z0-9]{40,64}\b", 0.95),
    (r"\br8_[A-Za-z0-9]{37}\b", 0.9),
    (r"\bnvapi-[A-Za-z0-9_\-]{60,}", 0.95),
    (r"\bpcsk_[A-Za-z0-9_]{40,80}\b", 0.95),
    (r"\blsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}\b", 0.95),
    # Clouds and hosting.
    (r"\bAIza[A-Za-z0-9_\-]{35,40}", 0.9),
    (r"\bGOCSPX-[A-Za-z0-9_\-]{28}", 0.95),
    (r"\bya29\.[A-Za-z0-9_\-]{20,}", 0.9),
    (r"\b1//0[A-Za-z0-9_\-]{40,}", 0.8),
    (r"\bABSK[A-Za-z0-9+/]{109,269}={0,2}", 0.95),
    (r"\bamzn\.mws\.[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", 0.95),
    (r"(?i)\b(?:AccountKey|SharedAccessKey)=(?P<value>[A-Za-z0-9+/]{40,100}={0,2})", 0.95),
    (r"\b[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.\-]{31,34}", 0.85),
    (r"\bdo[opr]_v1_[0-9a-f]{64}\b", 0.95),
    (r"\bdapi[0-9a-f]{32}(?:-\d)?\b", 0.9),
    (r"\bHRKU-[A-Za-z0-9_\-]{36,}", 0.95),
    (r"\bnf[pcoub]_[A-Za-z0-9]{36}\b", 0.9),
    (r"\bfo1_[A-Za-z0-9_\-]{43}", 0.9),
    (r"\bv1\.0-[0-9a-f]{24}-[0-9a-f]{146}\b", 0.95),
    (r"\bpscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.\-=]{32,64}", 0.95),
    (r"\bsbp_[0-9a-f]{40}\b", 0.95),
    (r"\bsb_secret_[A-Za-z0-9_\-]{20,}", 0.95),
    (r"\bLTAI[A-Za-z0-9]{12,20}\b", 0.8),
    (r"\bAKID[A-Za-z0-9]{32,36}\b", 0.85),
    (r"\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_\-=]{60,}", 0.95),
    (r"\bhv[sbr]\.[A-Za-z0-9_\-]{24,}", 0.9),
    (r"\bdp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_\-]{2,35}\.)?[A-Za-z0-9]{40,44}\b", 0.95),
    (r"\bpul-[0-9a-f]{40}\b", 0.95),
    (r"\btskey-[a-z]{2,12}-[A-Za-z0-9]{8,}(?:-[A-Za-z0-9]{8,})?\b", 0.9),
    # Messages.
    (r"\bxox[abeoprs]-[A-Za-z0-9\-]{10,}\b", 0.9),
    (r"\bxoxe\.xox[bp]-\d-[A-Za-z0-9]{20,}\b", 0.95),
    (r"\bxapp-\d-[A-Z0-9]{8,}-\d{8,}-[0-9a-f]{32,}\b", 0.95),
    (r"\bhttps://hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/_\-]{20,}", 0.95),
    (r"\bhttps://(?:\w{1,12}\.)?discord(?:app)?\.com/api/webhooks/\d{16,20}/[A-Za-z0-9_\-]{40,}", 0.95),
    (r"\bhttps://[a-z0-9\-]{1,63}\.webhook\.office\.com/webhookb2/[A-Za-z0-9@\-]{36,}/IncomingWebhook/[A-Za-z0-9/\-]{32,}", 0.95),
    (r"\b\d{8,10}:AA[A-Za-z0-9_\-]{32,34}", 0.85),
    (r"\bSG\.[A-Za-z0-9_\-]{16,32}\.[A-Za-z0-9_\-]{32,64}", 0.95),
    (r"\bkey-[0-9a-f]{32}\b", 0.8),
    (r"\b(?:(?:AC|SK)[0-9a-f]{32}|[0-9a-f]{32}-(?:[0-9a-f]{8}-[0-9a-f]{8}|us\d{1,2}))\b", 0.75),  # one scan for three
    (r"\bxkeysib-[0-9a-f]{64}-[A-Za-z0-9]{16}\b", 0.95),
    # Money and shops.
    (r"\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}\b", 0.9),
    (r"\bwhsec_[A-Za-z0-9+/]{24,64}={0,2}", 0.85),
    (r"\bsq0(?:atp|csp|idp)-[A-Za-z0-9_\-]{22,43}", 0.95),
    (r"\bEAAA[A-Za-z0-9_\-]{60}", 0.85),
    (r"\bshp(?:at|ca|pa|ss|ua)_[0-9a-fA-F]{32}\b", 0.95),
    (r"\baccess_token\$(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32}\b", 0.95),
    (r"\bEZ[AT]K[A-Za-z0-9]{54}\b", 0.95),
    (r"\bFLW(?:SECK|PUBK)(?:_TEST)?-[0-9a-zA-Z]{32}(?:-X)?\b", 0.95),
    # Tools.
    (r"\bEAACEdEose0cBA[A-Za-z0-9]{10,}\b", 0.95),
    (r"\bAAAAAAAAAAAAAAAAAAAAA[A-Za-z0-9%]{30,}", 0.85),
    (r"\bgl(?:sa_[A-Za-z0-9]{32}_[0-9a-fA-F]{8}|c_eyJ[A-Za-z0-9+/=]{40,})", 0.95),
    (r"\bNRAK-[A-Z0-9]{27}\b", 0.95),
    (r"\bsntry[su]_[A-Za-z0-9_=+/\-]{40,}", 0.95),
    (r"\blin_(?:api|oauth)_[A-Za-z0-9]{32,64}\b", 0.95),
    (r"\b(?:ntn_|secret_)[A-Za-z0-9]{43,50}\b", 0.85),
    (r"\bpat[A-Za-z0-9]{14}\.[0-9a-f]{64}\b", 0.95),
    (r"\bfig[dou]_[A-Za-z0-9_\-]{40,}", 0.9),
    (r"\bsl\.(?:u\.)?[A-Za-z0-9_\-]{130,}", 0.9),
    (r"\bPMAK-[0-9a-f]{24}-[0-9a-f]{34}\b", 0.95),
    (r"\bops_eyJ[A-Za-z0-9+/=_\-]{100,}", 0.95),
    (r"\bpnu_[A-Za-z0-9]{36}\b", 0.9),
    (r"\brdme_[a-z0-9]{70}\b", 0.95),
    (r"\bNRII-[A-Za-z0-9_\-]{32}", 0.9),
)  # fmt: skip

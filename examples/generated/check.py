"""A client that openapi-python-client generated from /openapi.json: python check.py ADDRESS [KEY]."""

from __future__ import annotations

import sys

from onepolicy_guardrails_client import AuthenticatedClient
from onepolicy_guardrails_client.api.default import check, check_stream
from onepolicy_guardrails_client.models import Error, Report, StreamPiece, TextCheck, TextCheckSource


def main(address: str, key: str = "any") -> None:
    """One text, and one that comes in pieces."""
    with AuthenticatedClient(address, token=key) as client:
        asked = TextCheck(source=TextCheckSource.INPUT, text="Call +1 415 555 0134")
        report = check.sync(client=client, body=asked)
        if not isinstance(report, Report):
            sys.exit(f"refused: {report.error.message}" if isinstance(report, Error) else "no answer")
        print(report.action.value, report.text)
        for number, text in enumerate(["Write to bob@exa", "mple.com today."]):
            piece = StreamPiece(call="example", piece=number, text=text, final=number == 1)
            answer = check_stream.sync(client=client, body=piece)
            if answer is None or isinstance(answer, Error):
                sys.exit("refused")
            print(repr(answer.text))


main(*sys.argv[1:])

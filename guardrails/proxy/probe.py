"""``python -m guardrails.proxy.probe [URL]``: exit code 0 when the address answers with 200, else 1. For containers without curl."""

from __future__ import annotations

import sys
import urllib.error
import urllib.parse
import urllib.request

__all__ = ["main"]

READY = "http://127.0.0.1:8080/readyz"


def main(url: str = READY) -> int:
    """0 or 1; what was answered goes to standard output."""
    where = urllib.parse.urlsplit(url)
    if where.scheme != "http" or where.hostname not in ("127.0.0.1", "localhost", "::1"):
        sys.stderr.write("the probe asks its own machine only\n")
        return 1
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=3) as answer:  # not a file: see above
            sys.stdout.write(answer.read(4_000).decode("utf-8", "replace") + "\n")
            return 0 if answer.status == 200 else 1
    except urllib.error.HTTPError as error:
        sys.stdout.write(error.read(4_000).decode("utf-8", "replace") + "\n")
        error.close()
        return 1
    except (OSError, ValueError) as error:
        sys.stderr.write(f"no answer: {type(error).__name__}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))

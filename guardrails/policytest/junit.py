"""Outcomes as JUnit XML, which every CI server reads."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from guardrails.policytest.runner import FileOutcome, Status

__all__ = ["junit"]


def _clean(text: str) -> str:
    """XML 1.0 has no way to write control characters; they are shown as escapes."""
    return "".join(c if c in "\t\n" or c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def junit(outcomes: Sequence[FileOutcome]) -> str:
    """The report as text."""
    root = ET.Element("testsuites", name="guardrails test")
    for file in outcomes:
        suite = ET.SubElement(
            root,
            "testsuite",
            name=str(file.path),
            tests=str(max(len(file.outcomes), 1)),
            failures=str(file.count(Status.FAIL) + (not file.outcomes and file.error is None)),
            errors=str(file.count(Status.ERROR) + (file.error is not None)),
            time=f"{sum(o.seconds for o in file.outcomes):.4f}",
        )
        if file.error is not None or not file.outcomes:
            case = ET.SubElement(suite, "testcase", name="load", classname=str(file.path))
            kind = "error" if file.error is not None else "failure"
            ET.SubElement(case, kind, message="could not run" if file.error else "no cases found").text = _clean(
                file.error or ""
            )
        for o in file.outcomes:
            case = ET.SubElement(
                suite,
                "testcase",
                name=_clean(f"{o.case.name} ({o.source})"),
                classname=str(file.path),
                time=f"{o.seconds:.4f}",
            )
            case.set("line", str(o.case.line))
            if o.status is Status.FAIL:
                text = "\n".join(f"{w}\n  expected: {e}\n  got:      {g}" for w, e, g in o.differences)
                ET.SubElement(case, "failure", message=o.differences[0][0]).text = _clean(text)
            elif o.status is Status.ERROR:
                ET.SubElement(case, "error", message=_clean(o.message))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"

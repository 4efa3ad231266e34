"""A fitted head in a policy: the line that names its file by sha256, and the file beside the policy."""

from __future__ import annotations

import contextlib
import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from guardrails.calibration.writing import percent
from guardrails.errors import GuardrailsError
from guardrails.policy.editing import drop_field, edit, save, set_field
from guardrails.review.heads import Fitted
from guardrails.whole_files import write_whole

if TYPE_CHECKING:
    from ruamel.yaml.comments import CommentedMap

__all__ = ["head_file", "new_head", "with_head", "write_head"]

_PLAIN = re.compile(r"[^a-z0-9]+")


def head_file(fitted: Fitted) -> str:
    """A name for the head's file, relative to the policy: of its topic and the first digits of its sha256, so that no two heads share one."""
    topic = _PLAIN.sub("-", fitted.rule.settings.name.lower()).strip("-") or "topic"
    return f"heads/{topic[:60]}-{fitted.sha256[:12]}.json"


def new_head(policy: Path, file: Path) -> str:
    """How a policy names a head that is to be written to that file. Raises GuardrailsError for a file that is neither in the policy's folder nor
    below, or that is there already."""
    folder = policy.resolve().parent
    if not file.resolve().is_relative_to(folder):
        raise GuardrailsError(f"{file}: a head lies in the folder of the policy that names it, or below")
    if file.exists():
        raise _taken(file)
    return file.resolve().relative_to(folder).as_posix()


def with_head(path: Path, text: str, fitted: Fitted, file: str, day: date) -> str:
    """``text``, the policy in ``path``, with a head for the topic, what it rests on in a comment, and no cut point that was chosen without it.

    ``file``: the head's, relative to the policy. Raises GuardrailsError where the file cannot say it: the topic stands in another file, or the
    file is JSON.
    """
    from ruamel.yaml.comments import CommentedMap  # noqa: PLC0415 - only who writes a policy needs it

    named = CommentedMap(file=file, sha256=fitted.sha256)
    named.fa.set_flow_style()

    def change(document: CommentedMap) -> None:
        set_field(document, fitted.rule, "head", named, _rests_on(fitted, day))
        drop_field(document, fitted.rule, "threshold")

    return edit(text, change, name=str(path))


def write_head(path: Path, text: str, fitted: Fitted, file: str, before: str) -> None:
    """Write the head's file, and ``text``, which names it, into the policy ``path``. ``before``: the sha256 of the bytes that were changed.

    Raises PolicyError for a text that does not load, and GuardrailsError when the policy is no longer what was read or another file stands there;
    then nothing is written.
    """
    target = path.resolve().parent / file
    new = not target.exists()
    if not new and target.read_bytes() != fitted.data:
        raise _taken(file)
    if new:
        new_head(path, target)
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, fitted.data, 0o644)
    try:
        save(path, text, before=before)
    except BaseException:
        if new:
            target.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # others may lie there
                target.parent.rmdir()
        raise


def _taken(file: Path | str) -> GuardrailsError:
    return GuardrailsError(f"{file}: there is a file already, and a policy may name it by its sha256; name a new one")


def _rests_on(fitted: Fitted, day: date) -> str:
    point, data = fitted.after.point, fitted.about["data"]
    figures = (("false positives", point.false_positives), ("recall", point.recall))
    said = ", ".join(f"{name} {percent(estimate)} of {estimate.of}" for name, estimate in figures)
    return f"fitted {day.isoformat()} on {fitted.learned} texts, measured on others (sha256 of all {data[:12]}): {said}"

"""What records say of themselves, which stands at their ends: the kind, the number and the time.

Nearly every record ends as those beside it do. That is seen for many of them at once, and only the others are looked at one by one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Ends", "Told"]

_KEY = b'"kind":"key","schema"'
_KIND = b'"kind":"'
_BEFORE = b',"kind":"%b","schema":"guardrails.evidence/1","seq":'
_BETWEEN = b',"ts":"'
_STAMP = 27
# Kinds of which a record that ends as usual is, whatever stands before: as JSON there is one way to read such an end. Changes of the key
# are always looked at.
_PLAIN = re.compile(rb"(?!key\Z)[A-Za-z_]+")
_OF_STAMPS = b"0123456789-:.TZ"
# Fewer are looked at one by one.
_FEW = 8


@dataclass(frozen=True, slots=True)
class Told:
    """What matters of a record: ``problem`` where something is wrong with it, or ``key``, a record that may change the key."""

    seq: int
    problem: str = ""
    key: bytes = b""


class Ends:
    """The ends of the records of a segment, in order. ``kinds``: how many there are of each; ``first`` and ``last``: times."""

    def __init__(self, data: bytes) -> None:
        self.kinds = Counter[bytes]()
        self.first = self.last = b""
        self._data = data

    def heed(self, at: int, stops: Sequence[int], seq: int) -> list[Told]:
        """The next records: the first frame begins at ``at``, its record has the number ``seq``, and ``stops`` is where each frame ends."""
        told, count = list[Told](), len(stops)
        if count >= _FEW and self._usual(at, stops, seq):
            return told
        if count >= 2 * _FEW:
            half = count // 2
            return [*self.heed(at, stops[:half], seq), *self.heed(stops[half - 1], stops[half:], seq + half)]
        for number, stop in enumerate(stops, seq):
            told += self._look(self._data[at + 8 : stop], number)
            at = stop
        return told

    def _usual(self, at: int, ends: Sequence[int], seq: int) -> bool:
        """Whether all of these end as the first one does, with the next number and no earlier time. They are counted then."""
        import numpy as np  # noqa: PLC0415 - only where a log is read or closed

        stops, data, count, digits = np.array(ends), self._data, len(ends), len(str(seq))
        kind = _kind(data[at + 8 : stops[0]])[0]
        before, behind = _BEFORE % kind, b'"}'
        form = before + bytes(digits) + _BETWEEN + bytes(_STAMP) + behind
        width, number, time = len(form), len(before), len(form) - len(behind) - _STAMP
        if not _PLAIN.fullmatch(kind) or len(str(seq + count - 1)) != digits:
            return False
        if stops[0] - at < width + 8 or (stops[1:] - stops[:-1] < width + 8).any():
            return False
        everywhere = np.ndarray((len(data) - width + 1,), f"V{width}", data, strides=(1,))
        cells = everywhere[stops - width].view(np.uint8).reshape(count, width)
        numbers, stamps = cells[:, number : number + digits] - 48, cells[:, time : time + _STAMP].tobytes()
        cells[:, number : number + digits] = cells[:, time : time + _STAMP] = 0
        right = np.arange(seq, seq + count)[:, None] // 10 ** np.arange(digits)[::-1] % 10
        times = np.frombuffer(stamps, f"S{_STAMP}")
        if (
            cells.tobytes() != form * count
            or not (numbers == right).all()
            or stamps.translate(None, _OF_STAMPS)
            or not (times[1:] >= times[:-1]).all()
            or stamps[:_STAMP] < self.last
        ):
            return False
        self.kinds[kind] += count
        self.first, self.last = self.first or stamps[:_STAMP], stamps[-_STAMP:]
        return True

    def _look(self, record: bytes, seq: int) -> list[Told]:
        """What one record tells."""
        told = list[Told]()
        kind, rest = _kind(record)
        _, _, number = rest.partition(b'"seq":')
        # Compared as text: whatever is no ASCII is the same character, and behind all that is.
        text = record[-_STAMP - 2 : -2].decode("ascii", "replace")
        stamp = text.encode()
        if not number.startswith(b"%d," % seq):
            said = number.partition(b",")[0][:20].decode("ascii", "replace")
            told.append(Told(seq, f"record {seq} calls itself {said}"))
        if stamp < self.last:
            told.append(Told(seq, f"record {seq} is of {text}, before the one that stands before it"))
        if _KEY in record:
            told.append(Told(seq, key=record))
        self.kinds[kind] += 1
        self.first, self.last = self.first or stamp, stamp
        return told


def _kind(record: bytes) -> tuple[bytes, bytes]:
    """The kind of a record, and what stands behind that."""
    kind, _, rest = record[record.rfind(_KIND) + len(_KIND) :].partition(b'"')
    return kind, rest

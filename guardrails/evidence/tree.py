"""The Merkle tree of RFC 6962: hashes, roots, inclusion and consistency proofs.

A *node* (level, index) is the hash of the complete subtree over the leaves ``index << level`` to ``(index + 1) << level``. Complete
subtrees never change, so that a log of n leaves keeps all of them in files that only grow: 64 bytes a leaf, and every proof
reads O(log n) of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence

__all__ = [
    "EMPTY",
    "Frontier",
    "consistency_path",
    "inclusion_path",
    "leaf_hash",
    "leaf_hashes",
    "node_hash",
    "root_of",
    "subtrees",
    "verify_consistency",
    "verify_inclusion",
]

# Where a proof reads complete subtrees: (level, index) to 32 bytes.
Nodes = Callable[[int, int], bytes]

EMPTY = hashlib.sha256(b"").digest()
# To copy a hash that has begun costs less than to begin one and put the bytes together.
_LEAF, _NODE = hashlib.sha256(b"\x00"), hashlib.sha256(b"\x01")


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf (RFC 6962, 2.1)."""
    return hashlib.sha256(b"\x00" + data).digest()


def leaf_hashes(records: Iterable[bytes]) -> list[bytes]:
    """The hashes of many leaves."""
    out, copy = list[bytes](), _LEAF.copy
    for record in records:
        leaf = copy()
        leaf.update(record)
        out.append(leaf.digest())
    return out


def _parents(nodes: Sequence[bytes]) -> list[bytes]:
    """The hashes of the pairs."""
    out, copy, each = list[bytes](), _NODE.copy, iter(nodes)
    for left, right in zip(each, each, strict=True):
        node = copy()
        node.update(left + right)
        out.append(node.digest())
    return out


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: what appending and the root need, O(log n) hashes."""

    def __init__(self, nodes: Sequence[bytes] = (), size: int = 0) -> None:
        """``nodes``: the complete subtrees that a tree of ``size`` leaves consists of, the largest first."""
        self._nodes = list(nodes)
        self.size = size

    @classmethod
    def read(cls, nodes: Nodes, size: int) -> Frontier:
        """The edge of a tree whose complete subtrees are known."""
        found, at = [], 0
        for level in reversed(range(size.bit_length())):
            if size >> level & 1:
                found.append(nodes(level, at >> level))
                at += 1 << level
        return cls(found, size)

    def append(self, leaf: bytes) -> Iterator[tuple[int, bytes]]:
        """Add the hash of a leaf. Yields (level, hash) of each subtree that is complete now, lowest first."""
        carry, level = self.size, 0
        self.size += 1
        self._nodes.append(leaf)
        yield 0, leaf
        while carry & 1:
            right, left = self._nodes.pop(), self._nodes.pop()
            level += 1
            carry >>= 1
            self._nodes.append(node_hash(left, right))
            yield level, self._nodes[-1]

    def extend(self, nodes: Iterable[bytes], size: int) -> None:
        """Go on to ``size`` leaves, by what :func:`subtrees` gives of those that are added."""
        for node in nodes:
            level = (size - self.size).bit_length() - 1
            if self.size:
                level = min(level, (self.size & -self.size).bit_length() - 1)
            carry = self.size >> level
            self.size += 1 << level
            self._nodes.append(node)
            while carry & 1:
                right, left = self._nodes.pop(), self._nodes.pop()
                self._nodes.append(node_hash(left, right))
                carry >>= 1

    @property
    def nodes(self) -> list[bytes]:
        """The complete subtrees, the largest first."""
        return list(self._nodes)

    def root(self) -> bytes:
        """The root over everything appended so far."""
        if not self._nodes:
            return EMPTY
        out = self._nodes[-1]
        for left in reversed(self._nodes[:-1]):
            out = node_hash(left, out)
        return out


def subtrees(leaves: Sequence[bytes], start: int) -> list[bytes]:
    """The hashes of the complete subtrees that leaves ``start`` to ``start + len(leaves)`` consist of, each as large as can be, in order."""
    left, right, nodes, at = list[bytes](), list[bytes](), list(leaves), start
    while nodes:
        if at & 1:
            left.append(nodes.pop(0))
            at += 1
        if len(nodes) & 1:
            right.append(nodes.pop())
        nodes = _parents(nodes)
        at >>= 1
    return left + right[::-1]


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over hashes of leaves."""
    edge = Frontier()
    for leaf in leaves:
        for _ in edge.append(leaf):
            pass
    return edge.root()


def inclusion_path(nodes: Nodes, index: int, size: int) -> list[bytes]:
    """The audit path of leaf ``index`` in the tree of ``size`` leaves (RFC 6962, 2.1.1). Raises ValueError outside of it."""
    if not 0 <= index < size:
        raise ValueError(f"there is no record {index} in a tree of {size}")
    path: list[bytes] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(_range(nodes, middle, high))
            high = middle
        else:
            path.append(_range(nodes, low, middle))
            low = middle
    return path[::-1]


def consistency_path(nodes: Nodes, old: int, new: int) -> list[bytes]:
    """The proof that the tree of ``old`` leaves is a beginning of the tree of ``new`` (RFC 6962, 2.1.2). Raises ValueError."""
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} records has no beginning of {old}")
    path: list[bytes] = []
    low, high, whole = 0, new, True
    while old and old != high:
        middle = low + _split(high - low)
        if old <= middle:
            path.append(_range(nodes, middle, high))
            high = middle
        else:
            path.append(_range(nodes, low, middle))
            low, whole = middle, False
    if old and not whole:
        path.append(_range(nodes, low, high))
    return path[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether ``path`` proves the hash of a leaf at ``index`` under this root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(step, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, step)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def verify_consistency(old: int, new: int, path: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Whether ``path`` proves that the tree of ``old`` leaves is a beginning of that of ``new`` (RFC 9162, 2.1.4.2)."""
    if not 0 <= old <= new:
        return False
    if old == new:
        return not path and old_root == new_root
    if old == 0:
        return not path and old_root == EMPTY
    steps = list(path) if old & (old - 1) else [old_root, *path]
    if not steps:
        return False
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            second = node_hash(second, step)
        at, last = at >> 1, last >> 1
    return last == 0 and (first, second) == (old_root, new_root)


def _split(size: int) -> int:
    """The largest power of two below ``size``."""
    return 1 << (size - 1).bit_length() - 1


def _range(nodes: Nodes, low: int, high: int) -> bytes:
    """The hash over leaves ``low`` to ``high``, where ``low`` is where a subtree of that tree begins."""
    size = high - low
    if not size & (size - 1):
        level = size.bit_length() - 1
        return nodes(level, low >> level)
    middle = low + _split(size)
    return node_hash(_range(nodes, low, middle), _range(nodes, middle, high))

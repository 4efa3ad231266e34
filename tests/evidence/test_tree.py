"""The Merkle tree: the vectors of Certificate Transparency, an independent library, and the laws of proofs."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree, verify_consistency, verify_inclusion

from guardrails.evidence import tree

# The leaves and roots that the implementations of RFC 6962 are tested with.
LEAVES = [bytes.fromhex(x) for x in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                                     "606162636465666768696a6b6c6d6e6f")]  # fmt: skip
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


class Nodes:
    """Complete subtrees in memory."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.frontier = tree.Frontier()
        self.kept: dict[tuple[int, int], bytes] = {}
        for leaf in leaves:
            for level, node in self.frontier.append(tree.leaf_hash(leaf)):
                self.kept[level, (self.frontier.size >> level) - 1] = node

    def __call__(self, level: int, index: int) -> bytes:
        return self.kept[level, index]


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_certificate_transparency(size: int) -> None:
    assert tree.root_of(map(tree.leaf_hash, LEAVES[:size])).hex() == ROOTS[size]


@pytest.mark.parametrize(
    ("index", "size", "path"),
    [
        (0, 1, []),
        (0, 8, ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7", "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"]),
        (5, 8, ["bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b", "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"]),
        (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
        (1, 5, ["6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d", "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"]),
    ],
)  # fmt: skip
def test_inclusion_paths_are_those_of_certificate_transparency(index: int, size: int, path: list[str]) -> None:
    assert [p.hex() for p in tree.inclusion_path(Nodes(LEAVES), index, size)] == path


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        (1, 1, []),
        (1, 8, ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7", "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"]),
        (6, 8, ["0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a", "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"]),
        (2, 5, ["5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e", "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"]),
    ],
)  # fmt: skip
def test_consistency_paths_are_those_of_certificate_transparency(old: int, new: int, path: list[str]) -> None:
    assert [p.hex() for p in tree.consistency_path(Nodes(LEAVES), old, new)] == path


def test_every_proof_of_small_trees_verifies_and_no_changed_one() -> None:
    leaves = [str(i).encode() for i in range(33)]
    nodes = Nodes(leaves)
    roots = [tree.root_of(map(tree.leaf_hash, leaves[:n])) for n in range(34)]
    for size in range(1, 34):
        for index in range(size):
            path = tree.inclusion_path(nodes, index, size)
            leaf = tree.leaf_hash(leaves[index])
            assert tree.verify_inclusion(leaf, index, size, path, roots[size])
            assert not tree.verify_inclusion(leaf, (index + 1) % size, size, path, roots[size]) or size == 1
            assert not tree.verify_inclusion(tree.leaf_hash(b"other"), index, size, path, roots[size])
            assert not tree.verify_inclusion(leaf, index, size, [*path, leaf], roots[size])
            assert not path or not tree.verify_inclusion(leaf, index, size, path[:-1], roots[size])
        for old in range(size + 1):
            path = tree.consistency_path(nodes, old, size)
            assert tree.verify_consistency(old, size, path, roots[old], roots[size])
            assert not tree.verify_consistency(
                old, size, path, roots[size - 1] if old != size - 1 else roots[size], roots[size]
            )
            assert not tree.verify_consistency(old, size, [*path, roots[1]], roots[old], roots[size])
        assert tree.Frontier.read(nodes, size).root() == roots[size]


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=200), st.data())
def test_an_independent_library_agrees(leaves: list[bytes], data: st.DataObject) -> None:
    other = InmemoryTree(algorithm="sha256")
    for leaf in leaves:
        other.append_entry(leaf)
    nodes, size = Nodes(leaves), len(leaves)
    root = nodes.frontier.root()
    assert root == other.get_root()
    index = data.draw(st.integers(0, size - 1))
    theirs = other.prove_inclusion(index + 1)
    verify_inclusion(tree.leaf_hash(leaves[index]), root, theirs)
    assert len(tree.inclusion_path(nodes, index, size)) == len(theirs.serialize()["path"]) - 1
    old = data.draw(st.integers(1, size))
    before = tree.root_of(map(tree.leaf_hash, leaves[:old]))
    verify_consistency(before, root, other.prove_consistency(old, size))


def test_a_proof_of_a_large_tree_reads_few_nodes() -> None:
    read: list[tuple[int, int]] = []

    def nodes(level: int, index: int) -> bytes:
        read.append((level, index))
        return hashlib.sha256(f"{level},{index}".encode()).digest()

    size = 10_000_019
    assert len(tree.inclusion_path(nodes, 7_654_321, size)) <= 24
    assert len(read) <= 48
    assert len(tree.consistency_path(nodes, 1_234_567, size)) <= 25
    assert len(read) <= 120


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_there_is_no_proof_of_a_record_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no record"):
        tree.inclusion_path(Nodes(LEAVES), index, size)
    assert not tree.verify_inclusion(b"", index, size, [], b"")


def test_a_longer_tree_is_no_beginning_of_a_shorter_one() -> None:
    with pytest.raises(ValueError, match="no beginning"):
        tree.consistency_path(Nodes(LEAVES), 5, 4)
    assert not tree.verify_consistency(5, 4, [], b"", b"")


@settings(deadline=None)
@given(cuts=st.lists(st.integers(0, 300), max_size=8))
def test_a_tree_that_grows_by_subtrees_is_the_one_that_grows_by_leaves(cuts: list[int]) -> None:
    leaves = [tree.leaf_hash(str(i).encode()) for i in range(300)]
    edge = tree.Frontier()
    for begin, end in pairwise([0, *sorted(cuts)]):
        edge.extend(tree.subtrees(leaves[begin:end], begin), end)
        assert edge.size == end
        assert edge.root() == tree.root_of(leaves[:end])

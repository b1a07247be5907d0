# SPDX-License-Identifier: MIT
"""Graphs from LAMMPS-like neighbor lists: special-bond bits, absent species, the strict cutoff, sorted centers."""

import numpy as np
import pytest

core = pytest.importorskip("pair_les._core", reason="the C++ core is not built: type 'pip install .'")

MASK = 0x1FFFFFFF  # LAMMPS's NEIGHMASK


def build(positions, species, n_local, centers, neighbors, cutoff=2.0, mask=MASK):
    return core.build_graph(np.asarray(positions, float), species, n_local, centers, neighbors, mask, cutoff)


LINE = [[0.0, 0, 0], [1.0, 0, 0], [2.0, 0, 0], [3.0, 0, 0]]


def test_vectors_point_to_the_neighbor_and_cutoff_is_strict():
    graph = build(LINE, [0, 0, 0, 0], 2, [0, 1], [[1, 2, 3], [0, 2, 3]])
    assert graph["n_local"] == 2
    assert (graph["center"], graph["neighbor"]) == (
        [0, 1, 1],
        [1, 0, 2],
    )  # 2.0 A is not shorter than the cutoff
    np.testing.assert_array_equal(graph["edge_vectors"], [[1.0, 0, 0], [-1.0, 0, 0], [1.0, 0, 0]])


def test_special_bond_bits_are_masked_before_use():
    graph = build(LINE, [0, 0, 0, 0], 2, [0], [[1 | (1 << 30), 3 | (2 << 30) & 0x7FFFFFFF]])
    assert graph["neighbor"] == [1]


def test_atoms_without_species_are_no_nodes():
    graph = build(LINE, [0, -1, 1, 1], 3, [0, 1, 2], [[1, 2], [0, 2], [0, 1, 3]], cutoff=2.5)
    assert graph["atom"] == [0, 2, 3] and graph["species"] == [0, 1, 1] and graph["n_local"] == 2
    assert (graph["center"], graph["neighbor"]) == ([0, 1, 1], [1, 0, 2])


def test_centers_come_out_ascending():
    graph = build(LINE, [0, 0, 0, 0], 3, [2, 0, 1], [[1], [1], [0, 2]])
    assert graph["center"] == [0, 1, 1, 2]


def test_nothing_at_all():
    graph = build(np.zeros((0, 3)), [], 0, [], [])
    assert graph["n_local"] == 0 and graph["center"] == [] and graph["edge_vectors"].shape == (0, 3)


def test_only_ghosts():
    graph = build(LINE, [0, 0, 0, 0], 0, [], [])
    assert graph["n_local"] == 0 and len(graph["species"]) == 4

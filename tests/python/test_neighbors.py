# SPDX-License-Identifier: MIT
"""Neighbor lists against a brute-force sum over images."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray
from pair_les.data.neighbors import neighbor_list

Edge = tuple[int, int, int, int, int]
TRICLINIC = np.array([[9.0, 0.0, 0.0], [2.0, 8.0, 0.0], [-1.5, 1.2, 10.0]])


def brute_force(positions: NDArray, cell: NDArray, pbc: tuple[bool, bool, bool], cutoff: float) -> set[Edge]:
    edges = set()
    ranges = [range(-14, 15) if periodic else (0,) for periodic in pbc]
    images = np.array(list(itertools.product(*ranges)))
    for i, j in itertools.product(range(len(positions)), repeat=2):
        distances = np.linalg.norm(positions[j] - positions[i] + images @ cell, axis=1)
        for image in images[distances < cutoff]:
            if i != j or image.any():
                edges.add((i, j, *image.tolist()))
    return edges


CASES = {
    "cubic": (np.eye(3) * 10.0, 16, (True, True, True), 1.0),
    "triclinic, atoms far outside": (TRICLINIC, 12, (True, True, True), 3.0),
    "cell smaller than the cutoff": (TRICLINIC * 0.3, 3, (True, True, True), 1.0),
    "one atom, many images": (np.diag([2.1, 3.3, 2.7]), 1, (True, True, True), 1.0),
    "flat cell": (np.array([[3.0, 0, 0], [2.4, 1.0, 0], [0, 0, 9.0]]), 4, (True, True, True), 1.0),
    "left-handed": (np.diag([-6.0, 7.0, 8.0]), 8, (True, True, True), 1.0),
    "slab": (np.diag([6.0, 7.0, 20.0]), 8, (True, True, False), 1.0),
    "isolated": (np.eye(3) * 8.0, 12, (False, False, False), 1.0),
}


@pytest.mark.parametrize("name", CASES)
def test_brute_force(name: str) -> None:
    cell, n, pbc, spread = CASES[name]
    positions = np.random.default_rng(n).uniform(-0.5, 1.0, (n, 3)) * spread @ cell
    edge_index, shifts = neighbor_list(positions, cell, pbc, 5.0)
    found = [tuple(edge) for edge in np.concatenate([edge_index, shifts.T]).T.tolist()]
    assert len(found) == len(set(found))
    assert set(found) == brute_force(positions, cell, pbc, 5.0)
    assert len(found) > 0
    assert (np.diff(edge_index[0]) >= 0).all()
    assert (edge_index.dtype, shifts.dtype) == (np.int64, np.int64)


def test_edges_are_strictly_shorter_than_the_cutoff() -> None:
    positions = [[0.0, 0.0, 0.0], [0.0, 0.0, 5.0]]
    at_cutoff, _ = neighbor_list(positions, np.zeros((3, 3)), False, 5.0)
    within, _ = neighbor_list(positions, np.zeros((3, 3)), False, np.nextafter(5.0, 6.0))
    assert at_cutoff.shape == (2, 0)
    assert within.tolist() == [[0, 1], [1, 0]]


def test_vectors_follow_the_convention() -> None:
    """r_ij = x_j - x_i + S @ cell."""
    positions = np.array([[0.5, 0.5, 0.5], [9.0, 0.5, 0.5]])
    edge_index, shifts = neighbor_list(positions, np.eye(3) * 10, True, 2.0)
    vectors = positions[edge_index[1]] - positions[edge_index[0]] + shifts @ (np.eye(3) * 10)
    assert edge_index.tolist() == [[0, 1], [1, 0]]
    np.testing.assert_allclose(vectors, [[-1.5, 0, 0], [1.5, 0, 0]], atol=1e-14)


@pytest.mark.parametrize(("n", "pbc"), [(0, True), (0, False), (1, False), (1, True)])
def test_nothing_to_find(n: int, pbc: bool) -> None:
    edge_index, shifts = neighbor_list(np.zeros((n, 3)), np.eye(3) * 9.0, pbc, 5.0)
    assert (edge_index.shape, shifts.shape) == ((2, 0), (0, 3))
    assert edge_index.dtype == np.int64


@pytest.mark.parametrize(
    ("positions", "cell", "cutoff", "message"),
    [
        ([[0.0, 0, 0]], np.eye(3), 0.0, r"cutoff is 0.0 angstrom: it must be > 0"),
        (
            [[0.0, 0, 0], [0, np.nan, 0]],
            np.eye(3),
            5.0,
            r"position of atom 1 is \[0.0, nan, 0.0\]: positions must be",
        ),
        (
            [[0.0, 0, 0]],
            np.zeros((3, 3)),
            5.0,
            r"a periodic cell must have a volume; set it, or pbc to False",
        ),
    ],
)
def test_errors(positions: list[list[float]], cell: NDArray, cutoff: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        neighbor_list(positions, cell, True, cutoff)

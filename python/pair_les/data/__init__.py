# SPDX-License-Identifier: MIT
"""Labeled frames: reading, checking, splitting, reference energies, and batches of graphs."""

from .batches import Batch, BatchLoader, collate
from .frames import DataSet, Frame, LabelKeys, read_data, read_frames
from .graphs import Graph, build_graphs, find_elements
from .reference_energies import fit_reference_energies
from .split import split_frames

__all__ = [
    "Batch",
    "BatchLoader",
    "DataSet",
    "Frame",
    "Graph",
    "LabelKeys",
    "build_graphs",
    "collate",
    "find_elements",
    "fit_reference_energies",
    "read_data",
    "read_frames",
    "split_frames",
]

# SPDX-License-Identifier: MIT
"""Time of a step of force training, fused and twin, for `step.py` beside this file."""

from __future__ import annotations

import os
import statistics
import time

import torch


def training_times(data: str, rounds: int) -> dict[str, float]:
    """us per atom and step of force training on two frames, fused and twin."""
    from pair_les.data.batches import collate
    from pair_les.data.frames import LabelKeys, read_frames
    from pair_les.data.graphs import build_graphs
    from pair_les.evaluation.prediction import predict
    from pair_les.installation import fused_operators as fused
    from pair_les.model_file.metadata import LongRange
    from pair_les.net import LESNet, NetSettings
    from pair_les.training.network import fit_statistics

    torch.set_num_threads(1)
    torch.manual_seed(0)
    graphs = build_graphs(read_frames([data], LabelKeys("energy", "forces", "stress"))[:2], ["O", "H"], 5.5)
    batch = collate(graphs)
    network = LESNet(["O", "H"], NetSettings(5.5), charge=True)
    fit_statistics(network, graphs, 0, "float32")

    def step() -> None:
        prediction = predict(network.interaction, LongRange(1.0), batch, torch.float32, training=True)
        (prediction.forces - batch.forces).square().mean().backward(inputs=list(network.parameters()))
        network.zero_grad()

    found: dict[str, list[float]] = {"fused": [], "twin": []}
    for _ in range(max(5, rounds)):
        for form, times in found.items():
            network.fused = form == "fused"
            os.environ[fused.VARIABLE] = str(int(network.fused))  # edge vectors belong to no network
            start = time.perf_counter()
            step()
            times.append(1e6 * (time.perf_counter() - start) / len(batch.species))
    return {form: statistics.median(times) for form, times in found.items()}

# SPDX-License-Identifier: MIT
"""The example of docs/developer/backbones.md is trained, exported, and evaluated by LAMMPS."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import torch
from compare import assert_equal
from harness import Evaluation, evaluate
from pair_les import LESCalculator
from pair_les.export import export
from pair_les.model_file import read_metadata
from pair_les.training.config_file import parse_config
from pair_les.training.run import train
from pair_les.training.trained import load_trained
from systems import System
from tiny_frames import tiny_config, tiny_frames, write_tiny
from tolerances import EWALD

PAGE = Path(__file__).resolve().parents[2] / "docs" / "developer" / "backbones.md"

CUT = '''

class TwoLayers(RadialNetwork):
    """The example with messages of features, cut at its layer."""

    def __init__(self, species: list[str], cutoff: float):
        super().__init__(species, cutoff)
        self.message_passing_layers = 1
        self.message_features = [self.n_features]

    def layer(self, own: Tensor, sent: Tensor, edge_index: Tensor, edge_vectors: Tensor) -> Tensor:
        r = edge_vectors.square().sum(1, keepdim=True).sqrt()
        envelope = (1.0 - (r / self.cutoff).square()).clamp(min=0.0).pow(3)
        filters = self.filters(torch.exp(-4.0 * (r - self.centers).square())) * envelope
        return self.layers(own.index_add(0, edge_index[0], filters * sent[edge_index[1]]))

    @torch.jit.export
    def send(
        self, layer: int, species: Tensor, edge_index: Tensor, edge_vectors: Tensor, received: Tensor,
        kept: list[Tensor], n_local: int,
    ) -> tuple[Tensor, list[Tensor]]:
        own, sent = self.own_embedding(species[:n_local]), self.neighbor_embedding(species)
        features = self.layer(own, sent, edge_index, edge_vectors)
        return features, [features]

    @torch.jit.export
    def finish(
        self, species: Tensor, edge_index: Tensor, edge_vectors: Tensor, received: Tensor,
        kept: list[Tensor], n_local: int,
    ) -> dict[str, Tensor]:
        features = self.layer(kept[0], received, edge_index, edge_vectors)
        return {"energy": self.readout(features).squeeze(1), "features": features}

    def forward(
        self, species: Tensor, edge_index: Tensor, edge_vectors: Tensor, n_local: int
    ) -> dict[str, Tensor]:
        sent, kept = self.send(0, species, edge_index, edge_vectors, edge_vectors, [], species.size(0))
        output = self.finish(species, edge_index, edge_vectors, sent, kept, species.size(0))
        return {"energy": output["energy"][:n_local], "features": output["features"][:n_local]}
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Frames, and a module with the class of the page and one that is cut."""
    folder = tmp_path_factory.mktemp("backbone")
    write_tiny(folder / "train.xyz", 24)
    program = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)[0]
    (folder / "my_network.py").write_text(program + CUT)
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "ranks"), [("RadialNetwork", 1), ("TwoLayers", 2)])
def test_a_class_of_the_protocol_is_trained_exported_and_run(folder, tmp_path, kind, ranks):
    values = tiny_config(folder, epochs=3, precision="float64")
    values["model"] = {"backbone": f"my_network:{kind}", "cutoff": 4.0, "hidden": [8]}
    values["output"] = str(folder / kind)
    run = train(parse_config(values, "test"))
    rows = (run / "history.csv").read_text().splitlines()
    errors = [float(row.split(",")[rows[0].split(",").index("valid_forces_rmse")]) for row in rows[1:]]
    assert errors[-1] < errors[0]
    trained = load_trained(run)
    charges = dict(zip(trained.species, trained.network.initial_charges(), strict=True))
    assert charges["Na"] > 0.1 > -0.1 > charges["Cl"]  # fitted as for any network
    model = tmp_path / "model.pt"
    assert all(check.passed for check in export(run, model, force=True))
    metadata = read_metadata(model)
    assert metadata.message_features == ([16] if kind == "TwoLayers" else [])
    assert metadata.created_with["backbone"]["source"] == f"my_network:{kind}"

    atoms = tiny_frames(1, seed=5)[0] * (2, 1, 1)
    atoms.set_cell([12.4, 6.2, 6.2])
    atoms.calc = LESCalculator(model)
    expected = Evaluation(
        atoms.get_charges(),
        atoms.get_potential_energy(),
        atoms.get_forces(),
        -atoms.get_stress()[[0, 1, 2, 5, 4, 3]] * atoms.get_volume(),
    )
    system = System(tuple(atoms.get_chemical_symbols()), atoms.positions, atoms.cell.array)
    assert_equal(evaluate(tmp_path, system, model, ranks=ranks), expected, EWALD)
    assert torch.isfinite(torch.tensor(expected.forces)).all()

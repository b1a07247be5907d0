# SPDX-License-Identifier: MIT
"""Reading, checking, splitting and batching of labeled frames."""

from __future__ import annotations

from pathlib import Path

import ase.io
import numpy as np
import pytest
import torch
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.neighborlist import neighbor_list as ase_neighbor_list
from pair_les.data import (
    BatchLoader,
    LabelKeys,
    build_graphs,
    collate,
    find_elements,
    fit_reference_energies,
    read_frames,
    split_frames,
)
from pair_les.errors import DataError
from pair_les.evaluation.prediction import Prediction, predict
from pair_les.net import LESNet, NetSettings
from tiny_frames import CUTOFF, LONG_RANGE, REFERENCE, tiny_frames, write_tiny
from tolerances import CONVERGED_SUM, FINITE_DIFFERENCE_FORCE, FINITE_DIFFERENCE_STRAIN

# ------------------------------------------------------------------------------------------------ reading


def test_periodic_and_isolated_frames_are_read_with_their_labels(tmp_path: Path) -> None:
    written = tiny_frames(3)
    frames = read_frames([write_tiny(tmp_path / "a.xyz", 3)])
    assert [frame.periodic for frame in frames] == [True, True, False]
    assert [frame.index for frame in frames] == [0, 1, 2]
    for frame, atoms in zip(frames, written, strict=True):
        assert frame.symbols == tuple(atoms.get_chemical_symbols())
        assert frame.energy == pytest.approx(atoms.get_potential_energy(), abs=1e-6)
        np.testing.assert_allclose(frame.forces, atoms.get_forces(), atol=1e-7)  # the file has 8 digits
    np.testing.assert_allclose(frames[0].stress, written[0].get_stress(voigt=False), atol=1e-7)
    assert frames[2].stress is None


def test_labels_have_any_name_in_info_and_arrays(tmp_path: Path) -> None:
    atoms = tiny_frames(1, labeled=False)[0]
    atoms.info["REF_energy"] = -3.5
    atoms.info["virial_stress"] = np.arange(9.0)
    atoms.arrays["force"] = np.ones((8, 3))
    ase.io.write(tmp_path / "a.xyz", atoms)
    frame = read_frames([tmp_path / "a.xyz"], LabelKeys("REF_energy", "force", "virial_stress"))[0]
    assert frame.energy == -3.5
    assert (frame.forces == 1.0).all()
    np.testing.assert_array_equal(frame.stress, np.arange(9.0).reshape(3, 3))


def test_files_are_read_in_order(tmp_path: Path) -> None:
    files = [write_tiny(tmp_path / "a.xyz", 2), write_tiny(tmp_path / "b.xyz", 1, seed=1)]
    assert [(Path(f.file).name, f.index) for f in read_frames(files)] == [
        ("a.xyz", 0),
        ("a.xyz", 1),
        ("b.xyz", 0),
    ]


def _relabel(atoms: Atoms, **changes: object) -> None:
    results = {**atoms.calc.results, **changes}
    atoms.calc = SinglePointCalculator(atoms, **{k: v for k, v in results.items() if v is not None})


def _spoil_energy(atoms: Atoms) -> None:
    _relabel(atoms, energy=float("nan"))


def _spoil_force(atoms: Atoms) -> None:
    forces = atoms.get_forces()
    forces[3, 1] = np.inf
    _relabel(atoms, forces=forces)


def _spoil_stress(atoms: Atoms) -> None:
    _relabel(atoms, stress=np.array([np.nan, 0, 0, 0, 0, 0]))


def _drop_forces(atoms: Atoms) -> None:
    _relabel(atoms, forces=None)


def _drop_energy(atoms: Atoms) -> None:
    _relabel(atoms, energy=None)


def _unknown_element(atoms: Atoms) -> None:
    atoms.numbers[2] = 0


def _slab(atoms: Atoms) -> None:
    atoms.pbc = (True, True, False)  # with its stress


def _wire(atoms: Atoms) -> None:
    atoms.pbc = (True, False, False)


def _flat(atoms: Atoms) -> None:
    atoms.cell[2] = 0.1 * atoms.cell[2]


def _no_cell(atoms: Atoms) -> None:
    atoms.cell[:] = 0.0


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_spoil_energy, r"energy label 'energy' is nan, must be finite"),
        (_spoil_force, r"forces label 'forces' of atom 3 is inf, must be finite"),
        (_spoil_stress, r"stress label 'stress' is nan, must be finite"),
        (_drop_forces, r"no forces label 'forces' \(the frame has: energy, stress\).*--keys forces=NAME"),
        (_drop_energy, r"no energy label 'energy' \(the frame has: forces, stress\)"),
        (_unknown_element, r"atom 2 has element 'X'"),
        (_slab, r"stress label 'stress' of a slab, which has no volume.*data\.keys\.stress: null"),
        (_wire, r'pbc is "T F F", must be periodic in three directions, two \(a slab\) or none'),
        (_flat, r"too small: 0\.\d+ A between opposite faces, must be at least 1 A"),
        (_no_cell, r'pbc is "T T T" and there is no cell: give Lattice='),
    ],
)
def test_errors_name_file_and_frame(tmp_path: Path, spoil: object, message: str) -> None:
    frames = tiny_frames(2)
    spoil(frames[1])
    ase.io.write(tmp_path / "bad.xyz", frames, format="extxyz")
    with pytest.raises(DataError, match=rf"bad\.xyz, frame 1 \(counted from 0\): .*{message}"):
        read_frames([tmp_path / "bad.xyz"])


def test_missing_empty_and_broken_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.xyz: data file does not exist"):
        read_frames([tmp_path / "none.xyz"])
    with pytest.raises(DataError, match=r": data file is a folder"):
        read_frames([tmp_path])
    (tmp_path / "empty.xyz").write_text("")
    with pytest.raises(DataError, match=r"empty\.xyz: the file has no frames|empty\.xyz, frame 0"):
        read_frames([tmp_path / "empty.xyz"])
    text = write_tiny(tmp_path / "cut.xyz", 2).read_text()
    (tmp_path / "cut.xyz").write_text(text[: len(text) * 3 // 4])
    with pytest.raises(DataError, match=r"cut\.xyz, frame \d.*ASE cannot read it"):
        read_frames([tmp_path / "cut.xyz"])


def test_wrong_shapes_are_refused(tmp_path: Path) -> None:
    atoms = tiny_frames(1)[0]
    atoms.info["pair"] = [1.0, 2.0]
    ase.io.write(tmp_path / "a.xyz", atoms)
    with pytest.raises(DataError, match=r"energy label 'pair' has shape \[2\], must be one number"):
        read_frames([tmp_path / "a.xyz"], LabelKeys(energy="pair"))
    with pytest.raises(DataError, match=r"forces label 'pair' has shape \[2\], must be \[8, 3\]"):
        read_frames([tmp_path / "a.xyz"], LabelKeys(forces="pair"))
    with pytest.raises(DataError, match=r"stress label 'pair' has shape \[2\], must be 3 x 3"):
        read_frames([tmp_path / "a.xyz"], LabelKeys(stress="pair"))


# ------------------------------------------------------------------------------------ graphs and references


def test_coinciding_atoms_and_foreign_elements(tmp_path: Path) -> None:
    frames = read_frames([write_tiny(tmp_path / "a.xyz", 2)])
    with pytest.raises(DataError, match=r"a\.xyz, frame 0 .*: atom 1 is Cl, which the model does not know"):
        build_graphs(frames, ["Na"], CUTOFF)
    atoms = tiny_frames(2)[1]
    atoms.positions[5] = atoms.positions[2] + atoms.cell[0] + [0.0, 0.0, 0.05]  # an image of it
    ase.io.write(tmp_path / "b.xyz", atoms)
    with pytest.raises(DataError, match=r"b\.xyz, frame 0 .*: atoms 2 and 5 coincide: 0\.05 A apart"):
        build_graphs(read_frames([tmp_path / "b.xyz"]), ["Na", "Cl"], CUTOFF)
    atoms = tiny_frames(1)[0]
    atoms.positions[0] += 40_000 * atoms.cell[0]
    ase.io.write(tmp_path / "c.xyz", atoms)
    with pytest.raises(DataError, match=r"c\.xyz, frame 0 .*: atoms are more than 32767 cells apart"):
        build_graphs(read_frames([tmp_path / "c.xyz"]), ["Na", "Cl"], CUTOFF)


def test_edges_are_those_of_ase_in_a_cell_smaller_than_the_cutoff(tmp_path: Path) -> None:
    frames = read_frames([write_tiny(tmp_path / "a.xyz", 3)])
    for graph, atoms in zip(build_graphs(frames, ["Na", "Cl"], 7.0), tiny_frames(3), strict=True):
        batch = collate([graph])
        center, neighbor = batch.edge_index
        distances = (batch.positions[neighbor] - batch.positions[center] + batch.shifts).norm(dim=1)
        expected = ase_neighbor_list("d", atoms, 7.0)
        np.testing.assert_allclose(np.sort(distances.numpy()), np.sort(expected), atol=1e-6)
        assert (center[1:] >= center[:-1]).all()


def test_reference_energies_are_recovered_from_different_compositions() -> None:
    frames = tiny_frames(9)
    for atoms in frames:
        _relabel(atoms, energy=sum(REFERENCE[symbol] for symbol in atoms.get_chemical_symbols()))
    fitted = fit_reference_energies(_as_frames(frames), ["Na", "Cl"])
    assert fitted == pytest.approx(REFERENCE, abs=1e-9)


def test_one_composition_gives_the_smallest_energies() -> None:
    """Water: H : O = 2 : 1, the published choice."""
    waters = [Atoms("H2O", positions=[[0.8, 0.6, 0], [-0.8, 0.6, 0], [0, 0, 0]]) for _ in range(4)]
    for atoms in waters:
        atoms.calc = SinglePointCalculator(atoms, energy=-14.632, forces=np.zeros((3, 3)))
    fitted = fit_reference_energies(_as_frames(waters), ["H", "O"])
    assert fitted["H"] == pytest.approx(2.0 * fitted["O"], abs=1e-9)
    assert 2.0 * fitted["H"] + fitted["O"] == pytest.approx(-14.632, abs=1e-9)


def _as_frames(atoms: list[Atoms]) -> list:
    """Through a file, as users do."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        ase.io.write(f"{folder}/a.xyz", atoms, format="extxyz")
        return read_frames([f"{folder}/a.xyz"])


def test_split_is_seeded_and_complete(tmp_path: Path) -> None:
    frames = read_frames([write_tiny(tmp_path / "a.xyz", 12)])
    train, valid = split_frames(frames, 0.25, seed=3)
    assert (len(train), len(valid)) == (9, 3)
    assert sorted(f.index for f in train + valid) == list(range(12))
    assert [f.index for f in split_frames(frames, 0.25, seed=3)[1]] == [f.index for f in valid]
    assert any(
        [f.index for f in split_frames(frames, 0.25, seed=s)[1]] != [f.index for f in valid] for s in range(3)
    )
    with pytest.raises(DataError, match="cannot be split"):
        split_frames(frames[:1], 0.25, seed=3)


# ----------------------------------------------------------------------------------------------- batches


@pytest.fixture
def graphs(tmp_path: Path) -> list:
    frames = read_frames([write_tiny(tmp_path / "a.xyz", 7)])
    return build_graphs(frames, find_elements(frames), CUTOFF, REFERENCE)


def test_elements_are_ordered_by_atomic_number(tmp_path: Path) -> None:
    assert find_elements(read_frames([write_tiny(tmp_path / "a.xyz", 1)])) == ["Na", "Cl"]


def _first_energies(loader: BatchLoader) -> list[float]:
    return [float(energy) for batch in loader for energy in batch.energy]


def test_every_frame_comes_once_per_epoch_in_a_new_order(graphs: list) -> None:
    loader = BatchLoader(graphs, 2, shuffle=True, seed=5)
    epochs = []
    for epoch in (0, 1, 0):
        loader.sampler.set_epoch(epoch)
        epochs.append(_first_energies(loader))
    everything = sorted(float(graph.energy) for graph in graphs)
    assert all(sorted(epoch) == everything for epoch in epochs)
    assert epochs[0] == epochs[2] != epochs[1]
    assert len(loader) == 4


def test_a_restored_loader_continues_where_it_was(graphs: list) -> None:
    loader = BatchLoader(graphs, 2, shuffle=True, seed=5)
    whole = _first_energies(loader)
    batches = iter(loader)
    done = [float(e) for _ in range(2) for e in next(batches).energy]
    other = BatchLoader(graphs, 2, shuffle=True, seed=5)
    other.load_state_dict(loader.state_dict())
    assert done + _first_energies(other) == whole
    assert _first_energies(other) == whole  # the next epoch is a whole one


def test_processes_share_the_frames(graphs: list) -> None:
    everything = sorted(float(graph.energy) for graph in graphs)
    shares = [BatchLoader(graphs, 4, shuffle=False, rank=r, processes=2) for r in range(2)]
    assert sorted(sum((_first_energies(share) for share in shares), [])) == everything
    shares = [BatchLoader(graphs, 4, shuffle=True, rank=r, processes=2) for r in range(2)]
    assert [len(share) for share in shares] == [2, 2]
    both = sum((_first_energies(share) for share in shares), [])
    assert len(both) == 8 and set(both) == set(everything)  # one frame twice: equal numbers of steps


def test_a_frame_that_fills_up_a_batch_does_not_count(graphs: list) -> None:
    """Sums of squared errors over two processes are those of one, step by step."""
    from pair_les.training.squared_errors import squared_errors

    def errors(rank: int, processes: int) -> list[torch.Tensor]:
        found = []
        for batch in BatchLoader(graphs, 4, shuffle=True, rank=rank, processes=processes):
            zero = Prediction(0.0 * batch.energy, 0.0 * batch.forces, None, None)
            found.append(torch.stack(squared_errors(zero, batch)))
        return found

    assert len(graphs) % 2 == 1
    for one, first, second in zip(errors(0, 1), errors(0, 2), errors(1, 2), strict=True):
        assert torch.allclose(first + second, one, rtol=1e-12)


# -------------------------------------------------------------------------------------- the potential itself


@pytest.fixture
def network() -> LESNet:
    torch.manual_seed(0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        settings = NetSettings(CUTOFF, n_radial=4, l_max=2, n_channels=4, body_order=4, hidden=(8,))
        return LESNet(["Na", "Cl"], settings, charge=True, average_neighbors=10.0)
    finally:
        torch.set_default_dtype(before)


def _evaluate(network: LESNet, graphs: list, stress: bool = False) -> Prediction:
    return predict(network.interaction, LONG_RANGE, collate(graphs), torch.float64, stress=stress)


def test_a_batch_gives_what_its_frames_give(graphs: list, network: LESNet) -> None:
    together = _evaluate(network, graphs, stress=True)
    alone = [_evaluate(network, [graph], stress=True) for graph in graphs]
    for name in ("energy", "forces", "stress", "charge"):
        expected = torch.cat([getattr(prediction, name) for prediction in alone])
        torch.testing.assert_close(getattr(together, name), expected, rtol=0.0, atol=CONVERGED_SUM)
    assert not together.stress[2].any()  # isolated


@pytest.mark.parametrize("which", [0, 2], ids=["periodic", "isolated"])
def test_forces_are_the_derivative_of_the_energy(tmp_path: Path, network: LESNet, which: int) -> None:
    frame = read_frames([write_tiny(tmp_path / "a.xyz", 3)])[which]
    forces = _evaluate(network, build_graphs([frame], ["Na", "Cl"], CUTOFF)).forces
    step = 2e-3
    for atom, axis in ((0, 0), (3, 1), (4, 2)):
        energies = []
        for k in (-2, -1, 1, 2):
            moved = frame.positions.copy()
            moved[atom, axis] += k * step
            displaced = type(frame)(**{**frame.__dict__, "positions": moved})
            energies.append(float(_evaluate(network, build_graphs([displaced], ["Na", "Cl"], CUTOFF)).energy))
        derivative = (energies[0] - 8 * energies[1] + 8 * energies[2] - energies[3]) / (12 * step)
        assert float(forces[atom, axis]) == pytest.approx(-derivative, abs=FINITE_DIFFERENCE_FORCE)


def test_stress_is_the_derivative_by_strain(tmp_path: Path, network: LESNet) -> None:
    frame = read_frames([write_tiny(tmp_path / "a.xyz", 1)])[0]
    stress = _evaluate(network, build_graphs([frame], ["Na", "Cl"], CUTOFF), stress=True).stress[0]
    volume = np.linalg.det(frame.cell)
    step = 1e-4
    for row, column in ((0, 0), (1, 2), (0, 1)):
        energies = []
        for k in (-2, -1, 1, 2):
            strain = np.eye(3)
            strain[row, column] += 0.5 * k * step
            strain[column, row] += 0.5 * k * step
            strained = type(frame)(
                **{**frame.__dict__, "positions": frame.positions @ strain, "cell": frame.cell @ strain}
            )
            energies.append(float(_evaluate(network, build_graphs([strained], ["Na", "Cl"], CUTOFF)).energy))
        derivative = (energies[0] - 8 * energies[1] + 8 * energies[2] - energies[3]) / (12 * step)
        assert float(stress[row, column]) * volume == pytest.approx(derivative, abs=FINITE_DIFFERENCE_STRAIN)

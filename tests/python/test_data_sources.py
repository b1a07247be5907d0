# SPDX-License-Identifier: MIT
"""Sources of frames: patterns, slices, names of labels per source, databases, folders of DeePMD-kit, layout of xyz files."""

from __future__ import annotations

import gzip
from pathlib import Path

import ase.db
import ase.io
import numpy as np
import pytest
from pair_les.data import LabelKeys, read_data, read_frames
from pair_les.data.files.sources import Source
from pair_les.errors import ConfigError, DataError
from pair_les.training.config_file import config_values, parse_config
from pair_les.training.training_data import read_training_data
from tiny_frames import tiny_config, tiny_frames, write_tiny


@pytest.fixture(scope="module")
def ten(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten frames in a.xyz, two in b.xyz."""
    folder = tmp_path_factory.mktemp("ten")
    write_tiny(folder / "a.xyz", 10)
    write_tiny(folder / "b.xyz", 2, seed=1)
    return folder


@pytest.mark.parametrize(
    ("chosen", "indices"),
    [
        (":3", [0, 1, 2]),
        ("7:", [7, 8, 9]),
        ("::4", [0, 4, 8]),
        ("1:8:3", [1, 4, 7]),
        ("-2:", [8, 9]),
        (":-8", [0, 1]),
        ("::-5", [9, 4]),
        ("4", [4]),
        ("-1", [9]),
        (":100", list(range(10))),
    ],
)
def test_slices_choose_what_python_chooses(ten: Path, chosen: str, indices: list[int]) -> None:
    frames = read_frames([f"{ten}/a.xyz@{chosen}"])
    assert [frame.index for frame in frames] == indices
    assert all(frame.file == f"{ten}/a.xyz" for frame in frames)
    everything = read_frames([ten / "a.xyz"])
    assert [frame.energy for frame in frames] == [everything[i].energy for i in indices]


def test_patterns_are_in_order_and_slices_count_within_each_file(ten: Path) -> None:
    frames = read_frames([f"{ten}/*.xyz@:2"])
    assert [(Path(f.file).name, f.index) for f in frames] == [
        ("a.xyz", 0),
        ("a.xyz", 1),
        ("b.xyz", 0),
        ("b.xyz", 1),
    ]
    assert len(read_frames([f"{ten}/**/[ab].xyz"])) == 12


def test_a_file_of_that_very_name_has_no_slice(tmp_path: Path) -> None:
    write_tiny(tmp_path / "a@1.xyz", 2)
    assert len(read_frames([tmp_path / "a@1.xyz"])) == 2
    write_tiny(tmp_path / "set[1].xyz", 3)
    assert len(read_frames([f"{tmp_path}/set[1].xyz@:2"])) == 2


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("a.xyz@10:", r"a\.xyz: the slice @10: chooses none of the 10 frames: correct it, for example @:100"),
        ("a.xyz@-20:-15", r"chooses none of the 10 frames"),
        ("a.xyz@::0", r"the step of a slice must not be 0"),
        ("c*.xyz", r"c\*\.xyz: no file fits this pattern: check it"),
        ("a.xyz@first", r"a\.xyz@first: data file does not exist"),
    ],
)
def test_sources_without_frames(ten: Path, source: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as raised:
        read_frames([f"{ten}/{source}"])
    assert "\n" not in str(raised.value)


def test_all_problems_can_be_collected(ten: Path, tmp_path: Path) -> None:
    frames = tiny_frames(4)
    frames[1].calc.results["energy"] = np.nan
    frames[3].calc.results["forces"][0] = np.inf
    ase.io.write(tmp_path / "a.xyz", frames, format="extxyz")
    problems: list[DataError] = []
    data = read_data([tmp_path / "a.xyz", tmp_path / "none.xyz", ten / "b.xyz"], refuse=problems.append)
    assert [frame.index for frame in data.frames] == [0, 2, 0, 1]
    assert ["frame 1" in str(problems[0]), "frame 3" in str(problems[1]), "none.xyz" in str(problems[2])] == [
        True
    ] * 3


# --------------------------------------------------------------------------------------------- configuration


def test_a_source_has_label_names_of_its_own(ten: Path, tmp_path: Path) -> None:
    other = tiny_frames(6, seed=2)
    for atoms in other:
        atoms.info["REF_energy"] = atoms.calc.results.pop("energy")
        atoms.arrays["REF_forces"] = atoms.calc.results.pop("forces")
    ase.io.write(tmp_path / "other.xyz", other, format="extxyz")
    values = tiny_config(tmp_path)
    values["data"]["train"] = [
        f"{ten}/a.xyz@:6",
        {
            "files": str(tmp_path / "other.xyz"),
            "weight": 0.5,
            "keys": {"energy": "REF_energy", "forces": "REF_forces"},
        },
    ]
    config = parse_config(values, "c.yaml")
    assert parse_config(config_values(config), "again") == config
    data = read_training_data(config)
    assert len(data.train) + len(data.valid) == 12
    weights = {frame.weight for frame in data.train if frame.file.endswith("other.xyz")}
    assert weights == {0.5}
    assert not any("not used" in note for note in data.notes)
    assert data.files == [f"{ten}/a.xyz", str(tmp_path / "other.xyz")]


@pytest.mark.parametrize(
    ("train", "message"),
    [
        ([{"file": "a.xyz"}], r"data\.train: .*a source is a file, or has the keys files, weight and keys"),
        ([{"files": "a.xyz", "weight": -1}], r"data\.train: .*weight: .*greater than or equal to 0"),
        ({"files": "a.xyz", "keys": {"force": "f"}}, r"data\.train: .*keys"),
        ([3], r"data\.train = 3"),
    ],
)
def test_sources_that_are_none(tmp_path: Path, train: object, message: str) -> None:
    values = tiny_config(tmp_path)
    values["data"]["train"] = train
    with pytest.raises(ConfigError, match=message) as raised:
        parse_config(values, "c.yaml")
    assert "\n" not in str(raised.value)


# --------------------------------------------------------------------------------------------------- formats


def test_databases_keep_key_value_pairs_and_data(tmp_path: Path) -> None:
    frames = tiny_frames(2)
    with ase.db.connect(tmp_path / "a.db") as database:
        for atoms in frames:
            forces = atoms.get_forces()
            database.write(atoms, config_type="bulk", dft_energy=-1.5, data={"dft_forces": 2.0 * forces})
    read = read_frames([tmp_path / "a.db"])
    assert [frame.config_type for frame in read] == ["bulk", "bulk"]
    np.testing.assert_allclose(read[1].forces, frames[1].get_forces())
    other = read_frames([f"{tmp_path}/a.db@1:"], LabelKeys(energy="dft_energy", forces="dft_forces"))
    assert [frame.energy for frame in other] == [-1.5] and other[0].index == 1
    np.testing.assert_allclose(other[0].forces, 2.0 * frames[1].get_forces())


def test_trajectories_and_compressed_files(tmp_path: Path) -> None:
    frames = tiny_frames(3)
    ase.io.write(tmp_path / "a.traj", frames)
    assert [frame.index for frame in read_frames([f"{tmp_path}/a.traj@1:"])] == [1, 2]
    text = write_tiny(tmp_path / "a.xyz", 3).read_bytes()
    (tmp_path / "b.xyz.gz").write_bytes(gzip.compress(text))
    assert len(read_frames([tmp_path / "b.xyz.gz"])) == 3
    (tmp_path / "dos.xyz").write_bytes(text.replace(b"\n", b"\r\n"))
    first, second = read_frames([tmp_path / "a.xyz"]), read_frames([tmp_path / "dos.xyz"])
    assert [frame.energy for frame in first] == [frame.energy for frame in second]


def write_deepmd(folder: Path, periodic: bool = True, mixed: bool = False) -> list:
    """Six frames of the same atoms in two sets."""
    frames = [atoms for atoms in tiny_frames(9) if bool(atoms.pbc.all()) == periodic][:6]
    folder.mkdir()
    n_atoms = len(frames[0])
    types = np.array([0 if symbol == "Na" else 1 for symbol in frames[0].get_chemical_symbols()])
    np.savetxt(folder / "type.raw", np.zeros(n_atoms, int) if mixed else types, fmt="%d")
    (folder / "type_map.raw").write_text("Na\nCl\n")
    if not periodic:
        (folder / "nopbc").touch()
    for number, part in enumerate((frames[: len(frames) // 2], frames[len(frames) // 2 :])):
        place = folder / f"set.{number:03d}"
        place.mkdir()
        np.save(place / "coord.npy", [atoms.positions.ravel() for atoms in part])
        np.save(place / "box.npy", [atoms.cell.array.ravel() for atoms in part])
        np.save(place / "energy.npy", [atoms.get_potential_energy() for atoms in part])
        np.save(place / "force.npy", [atoms.get_forces().ravel() for atoms in part])
        if periodic:
            virials = [-atoms.get_volume() * atoms.get_stress(voigt=False) for atoms in part]
            np.save(place / "virial.npy", np.reshape(virials, (-1, 9)))
        if mixed:
            np.save(place / "real_atom_types.npy", [types] * len(part))
    return frames


@pytest.mark.parametrize(("periodic", "mixed"), [(True, False), (False, False), (True, True)])
def test_folders_of_deepmd(tmp_path: Path, periodic: bool, mixed: bool) -> None:
    written = write_deepmd(tmp_path / "water", periodic, mixed)
    keys = LabelKeys("REF_energy", "REF_forces", "REF_stress")  # of other sources
    frames = read_frames([tmp_path / "water"], keys)
    assert [frame.index for frame in frames] == list(range(len(written)))
    for frame, atoms in zip(frames, written, strict=True):
        assert frame.symbols == tuple(atoms.get_chemical_symbols()) and frame.periodic == periodic
        assert frame.energy == atoms.get_potential_energy()
        np.testing.assert_allclose(frame.forces, atoms.get_forces())
        if periodic:
            np.testing.assert_allclose(frame.stress, atoms.get_stress(voigt=False))
    assert [frame.index for frame in read_frames([f"{tmp_path}/water@-2:"])] == [
        len(written) - 2,
        len(written) - 1,
    ]


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("type_map.raw", None, r"type_map\.raw: the file is missing: write the element of each type"),
        ("type_map.raw", "Na", r"type 1 has no element: type_map\.raw names 1 \(Na\)"),
        ("type_map.raw", "Na CL", r"'CL' is no chemical element"),
        ("set.000/box.npy", None, r"box\.npy: the file is missing: give cells, or an empty file nopbc"),
        ("set.001/coord.npy", None, r"coord\.npy: the file is missing"),
        ("set.000/force.npy", np.zeros((3, 5)), r"force\.npy: has shape \[3, 5\], must be \[3, 24\]"),
        ("set.000/energy.npy", np.zeros(2), r"energy\.npy: has shape \[2\], must be \[3, 1\]"),
        ("set.000/energy.npy", "nonsense", r"energy\.npy: NumPy cannot read it"),
    ],
)
def test_folders_of_deepmd_that_are_incomplete(
    tmp_path: Path, file: str, change: object, message: str
) -> None:
    write_deepmd(tmp_path / "salt")
    target = tmp_path / "salt" / file
    if change is None:
        target.unlink()
    elif isinstance(change, str):
        target.write_text(change)
    else:
        np.save(target, change)
    with pytest.raises(DataError, match=message) as raised:
        read_frames([tmp_path / "salt"])
    assert "\n" not in str(raised.value)


def test_a_folder_of_other_folders_names_them(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    write_deepmd(tmp_path / "data" / "salt")
    with pytest.raises(DataError, match=r"is a folder of DeePMD folders: name each of them, as '.*salt' or"):
        read_frames([tmp_path / "data"])
    assert len(read_frames([f"{tmp_path}/data/*"])) == 6


def test_energies_only_of_a_folder_of_deepmd(tmp_path: Path) -> None:
    write_deepmd(tmp_path / "salt")
    (tmp_path / "salt/set.001/force.npy").unlink()
    with pytest.raises(DataError, match=r"salt, frame 3 .*no forces label 'forces'.*missing_labels: allow"):
        read_data([tmp_path / "salt"])
    data = read_data([tmp_path / "salt"], allow_missing=True)
    assert [frame.has_forces for frame in data.frames] == [True] * 3 + [False] * 3


def test_source_of_a_path(tmp_path: Path) -> None:
    source = Source("a.xyz", 2.0)
    assert Source.of(source) is source and Source.of(tmp_path / "a.xyz") == Source(str(tmp_path / "a.xyz"))

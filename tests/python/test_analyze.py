# SPDX-License-Identifier: MIT
"""``pair-les analyze`` from dumps to the report: reading, bounded memory, files, errors."""

from __future__ import annotations

import csv
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from pair_les.analysis import Settings, analyze
from pair_les.analysis.polarization import read_polarization
from pair_les.analysis.trajectory import Trajectory
from pair_les.errors import DataError, UserError

CELL = np.array([[12.0, 0.0, 0.0], [2.0, 13.0, 0.0], [-1.0, 3.0, 14.0]])
LOW = np.array([-5.0, 3.0, 7.0])


def write_dump(
    path: Path, n_frames: int, n_atoms: int = 30, columns: str = "id type mol x y z q", seed: int = 0
):
    """Random dimers +-1 e, 1 A apart, in a triclinic box that starts at `LOW`, atoms in any order.

    Returns the positions of the last frame by id.
    """
    rng = np.random.default_rng(seed)
    tilt = {"x": CELL[1, 0], "y": CELL[2, 0], "z": CELL[2, 1]}
    lines = []
    for frame in range(n_frames):
        positions = rng.random((n_atoms // 2, 1, 3)) @ CELL + [[[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]]
        positions = positions.reshape(-1, 3)
        corners = (0.0, tilt["x"], tilt["y"], tilt["x"] + tilt["y"])  # of the bounding box along x
        bounds = [
            (LOW[0] + min(corners), LOW[0] + 12.0 + max(corners)),
            (LOW[1] + min(0.0, tilt["z"]), LOW[1] + 13.0 + max(0.0, tilt["z"])),
            (LOW[2], LOW[2] + 14.0),
        ]
        lines += ["ITEM: TIMESTEP", str(100 * frame), "ITEM: NUMBER OF ATOMS", str(n_atoms)]
        lines.append("ITEM: BOX BOUNDS xy xz yz pp pp pp")
        lines += [f"{low} {high} {tilt[name]}" for (low, high), name in zip(bounds, "xyz", strict=True)]
        lines.append(f"ITEM: ATOMS {columns}")
        for atom in rng.permutation(n_atoms):
            x, y, z = positions[atom] + LOW
            value = {
                "id": atom + 1, "type": 1 + atom % 2, "mol": 7 + 3 * (atom // 2), "x": x, "y": y, "z": z,
                "q": 1 - 2 * (atom % 2), "vx": 0.0,
            }  # fmt: skip
            lines.append(" ".join(str(value[name]) for name in columns.split()))
    path.write_text("\n".join(lines) + "\n")
    return positions


def write_polarization(path: Path, n: int, every: int = 2, columns: int = 12) -> np.ndarray:
    rng = np.random.default_rng(1)
    table = np.column_stack([every * np.arange(n), rng.normal(size=(n, columns))])
    names = " ".join(f"c_p[{component}]" for component in range(1, columns + 1))
    lines = ["# Time-averaged data for fix 1", f"# TimeStep {names}"]
    path.write_text("\n".join(lines + [" ".join(f"{value:.10g}" for value in row) for row in table]) + "\n")
    return table


def test_frames_are_read_as_they_were_written(tmp_path):
    positions = write_dump(tmp_path / "a.dump", 4)
    write_dump(tmp_path / "b.dump", 3, seed=1)
    frames = list(Trajectory([tmp_path / "a.dump"]))
    assert [frame.step for frame in frames] == [0, 100, 200, 300]
    assert np.abs(frames[-1].positions - positions).max() < 1e-5
    assert np.abs(frames[-1].cell - CELL).max() < 1e-4
    assert np.array_equal(frames[-1].types, 1 + np.arange(30) % 2)
    assert np.array_equal(frames[-1].charges, 1.0 - 2.0 * (np.arange(30) % 2))
    assert np.array_equal(frames[-1].molecules, 7 + 3 * (np.arange(30) // 2))
    some = Trajectory([tmp_path / "a.dump", tmp_path / "b.dump"], first=1, stride=2)
    assert len(some) == 3 and [frame.step for frame in some] == [100, 300, 100]


def test_memory_does_not_grow_with_the_run(tmp_path):
    from pair_les.analysis.analyze import _analyze_dumps

    settings = Settings(quantities=("structure", "dipoles", "radial", "profile"), k_max=1.0, n_bins=10)
    peaks = []
    for n_frames in (2, 2, 16):  # the first time modules are loaded
        write_dump(tmp_path / "a.dump", n_frames, n_atoms=200)
        tracemalloc.start()
        _analyze_dumps([tmp_path / "a.dump"], settings, {}, progress=False)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < 1.3 * peaks[1], peaks


def test_command(tmp_path, monkeypatch, capsys):
    from pair_les.cli.app import main

    write_dump(tmp_path / "run.dump", 6)
    write_polarization(tmp_path / "pol.txt", 500)
    monkeypatch.chdir(tmp_path)
    arguments = ["analyze", "run.dump", "-o", "out", "--element", "Na", "--element", "Cl", "--first", "1"]
    arguments += [
        "--quantities",
        "structure,dipoles,radial,profile",
        "--n-bins",
        "8",
        "--axis",
        "x",
        "--k-fit",
        "0.9",
    ]
    arguments += ["--polarization", "pol.txt", "--timestep", "0.0005", "--temperature", "300", "--eps", "1.8"]
    monkeypatch.setattr(sys, "argv", ["pair-les", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 0
    printed = capsys.readouterr()
    assert "5/5" in printed.err, "no progress bar"
    names = {
        "charge_structure_factor", "dipole_correlations", "radial_distributions", "density_profile_x",
        "charge_profile_x", "permittivity", "infrared_spectrum",
    }  # fmt: skip
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert written == {"report.html"} | {f"{name}.{kind}" for name in names for kind in ("csv", "png")}
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.count("data:image/png;base64,") == len(names)
    assert "pair-les analyze run.dump" in page and "exponent of k below 0.9 / A" in page
    with open(tmp_path / "out" / "radial_distributions.csv", newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows[0][:2] == ["r (A)", "g Na-Na"] and len({len(row) for row in rows}) == 1
    assert rows[1][0] == "0.025"


def test_polarizations_alone(tmp_path):
    table = write_polarization(tmp_path / "pol.txt", 200)
    series = read_polarization(tmp_path / "pol.txt", 0.001)
    assert (
        np.abs(series.dipole - table[:, 1:4]).max() < 1e-8
        and np.abs(series.current - table[:, 4:7]).max() < 1e-8
    )
    assert series.interval == pytest.approx(0.002)
    settings = Settings(
        polarization=str(tmp_path / "pol.txt"), timestep=0.001, temperature=300.0, volume=1000.0
    )
    written = analyze([], tmp_path / "out", settings, progress=False)
    assert [path.name for path in written][1:] == [
        "permittivity.csv", "permittivity.png", "infrared_spectrum.csv", "infrared_spectrum.png",
    ]  # fmt: skip


def test_bad_dumps_are_errors_of_one_line(tmp_path):
    def refused(message: str, *files: str, **options: object) -> None:
        with pytest.raises((DataError, UserError), match=message):
            settings = Settings(**{"quantities": ("structure",), **options})
            analyze([tmp_path / file for file in files], tmp_path / "out", settings, progress=False)

    write_dump(tmp_path / "good.dump", 2)
    write_dump(tmp_path / "bare.dump", 2, columns="id type x y z")
    write_dump(tmp_path / "nothing.dump", 2, columns="id q vx")
    write_dump(tmp_path / "small.dump", 2, n_atoms=10)
    (tmp_path / "text.dump").write_text("no dump\n")
    content = (tmp_path / "good.dump").read_text()
    whole, broken = content.rsplit("ITEM: ATOMS id type mol x y z q", 1)
    (tmp_path / "damaged.dump").write_text(whole + "ITEM: ATOMS id type" + broken)
    refused("nothing to analyze: name a dump")
    refused("none.dump: dump does not exist", "none.dump")
    refused("text.dump: not a LAMMPS dump: write one with", "text.dump")
    refused("nothing.dump: the columns are id q vx, must have id, type and positions", "nothing.dump")
    refused("the dump has no column q, which S_QQ needs", "bare.dump")
    refused("damaged.dump, frame 1 .* MDAnalysis cannot read it", "damaged.dump")
    refused("different numbers of atoms", "good.dump", "small.dump")
    refused("no frame is left of 2 after first 2", "good.dump", first=2)
    refused("1 elements for 2 atom types", "good.dump", elements=("Na",))
    refused("r_max 9 A is more than half the smallest height", "good.dump", quantities=("radial",), r_max=9.0)
    refused("k_max 0.1 is below the smallest wave vector", "good.dump", k_max=0.1)
    refused("quantity spectrum: must be one of structure, dipoles", "good.dump", quantities=("spectrum",))
    refused("need the temperature: give --temperature", polarization="pol.txt", timestep=0.001)


def test_the_last_frame_of_a_killed_run_is_left_out(tmp_path):
    write_dump(tmp_path / "a.dump", 3)
    content = (tmp_path / "a.dump").read_text()
    (tmp_path / "a.dump").write_text(content[: int(0.9 * len(content))])
    assert len(Trajectory([tmp_path / "a.dump"])) == 2


def test_molecules_have_to_come_from_somewhere(tmp_path):
    write_dump(tmp_path / "a.dump", 1, columns="id type x y z q")
    with pytest.raises(DataError, match="dump the column mol, or give --bond-length 1.3"):
        analyze([tmp_path / "a.dump"], tmp_path / "out", Settings(quantities=("dipoles",)), progress=False)
    analyze(
        [tmp_path / "a.dump"],
        tmp_path / "out",
        Settings(quantities=("dipoles",), bond_length=1.1),
        progress=False,
    )


def test_bad_polarizations_are_errors_of_one_line(tmp_path):
    write_polarization(tmp_path / "few.txt", 5)
    write_polarization(tmp_path / "narrow.txt", 50, columns=3)
    table = (tmp_path / "few.txt").read_text().splitlines()
    (tmp_path / "uneven.txt").write_text("\n".join(table[:2] + table[2:] * 3) + "\n")
    for file, message in (
        ("none.txt", "does not exist"),
        ("few.txt", "5 samples are too few, must be at least 10"),
        ("narrow.txt", r"the columns are TimeStep c_p\[1\] c_p\[2\] c_p\[3\]: write it with"),
        ("uneven.txt", "samples are not evenly spaced in time"),
    ):
        with pytest.raises(DataError, match=message):
            read_polarization(tmp_path / file, 0.001)
    with pytest.raises(DataError, match="timestep 0: must be > 0"):
        read_polarization(tmp_path / "few.txt", 0)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("n_frames", [1, 3])
def test_few_frames_say_what_needs_more(tmp_path, n_frames):
    """No warning of numpy, no column of nan, and no permittivity from fluctuations that were not sampled."""
    write_dump(tmp_path / "a.dump", n_frames)
    settings = Settings(
        quantities=("structure", "dipoles", "radial", "profile"), bond_length=1.3, temperature=300.0
    )
    files = analyze([tmp_path / "a.dump"], tmp_path / "out", settings, progress=False)
    page = files[0].read_text()
    assert f"needs at least 10 frames, there are {n_frames}" in page
    assert ("none: they need at least 2 frames" in page) == (n_frames == 1)
    if n_frames == 1:
        for file in files:
            assert file.suffix != ".csv" or "nan" not in file.read_text(), file

# SPDX-License-Identifier: MIT
"""Write the kit of the GPU benchmark: model files, systems, references of the Python calculator, and the tools that count.

Runs where pair_les is installed; no GPU is needed::

    python benchmarks/gpu/prepare.py KIT [--converted mace_les.pt ...] [--cuda /usr/local/cuda]

The machine with the GPU needs the kit, a LAMMPS with ``pair_style les/kk``, and a Python with NumPy. `--converted` adds model
files of anybody to the comparisons, such as a converted MACE-LES; `--package` a ``.pt2`` of the water model. With `--cuda`, a toolkit that has
CUPTI, the kernels and copies of a whole step are counted as the driver sees them.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from ase import Atoms
from ase.data import atomic_masses, atomic_numbers
from pair_les import LESCalculator
from pair_les.export import script_network
from pair_les.model_file import LongRange, Metadata, load_model, save_model
from pair_les.net import NetSettings, network_class

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent))

from lammps_run import lammps  # noqa: E402
from water_packages import in_precision, write_scripts  # noqa: E402

WATER = ROOT / "examples" / "lammps" / "water"
FLUID_CELL = np.array([[13.0, 0.0, 0.0], [2.0, 12.0, 0.0], [-1.5, 1.2, 14.0]])
FLUID_ATOMS = 84
EXACT = ["kspace_style ewald 1.0e-11"]
MESH = ["kspace_style pppm 1.0e-5", "kspace_modify order 7 diff ik"]
RELAX = """units metal
atom_style charge
read_data unrelaxed.data
pair_style les
pair_coeff * * water.pt O H
kspace_style pppm 1.0e-4
minimize 0.0 0.05 200 1000
write_data water.data nocoeff
"""


def random_fluid(species: tuple[str, ...], seed: int, distance: float = 2.0) -> Atoms:
    """Atoms of all species in turn, at random in a triclinic cell, at least `distance` angstrom apart."""
    rng = np.random.default_rng(seed)
    fluid = Atoms(cell=FLUID_CELL, pbc=True)
    for number in range(FLUID_ATOMS):
        while True:
            trial = fluid + Atoms([species[number % len(species)]], rng.random((1, 3)) @ FLUID_CELL)
            others = list(range(len(fluid)))
            if not others or trial.get_distances(len(fluid), others, mic=True).min() > distance:
                fluid = trial
                break
    return fluid


def write_data(path: Path, atoms: Atoms, types: tuple[str, ...]) -> None:
    """Write a LAMMPS data file with all digits; `types` are the elements of the atom types."""
    cell = atoms.cell.array
    lines = ["kit of the GPU benchmark", "", f"{len(atoms)} atoms", f"{len(types)} atom types"]
    lines += [f"0 {cell[k, k]:.17g} {name}lo {name}hi" for k, name in enumerate("xyz")]
    lines.append(f"{cell[1, 0]:.17g} {cell[2, 0]:.17g} {cell[2, 1]:.17g} xy xz yz")
    lines += ["", "Masses", ""]
    lines += [f"{k} {atomic_masses[atomic_numbers[symbol]]:.6g}" for k, symbol in enumerate(types, start=1)]
    lines += ["", "Atoms # charge", ""]
    for tag, (symbol, position) in enumerate(
        zip(atoms.get_chemical_symbols(), atoms.positions, strict=True), start=1
    ):
        lines.append(f"{tag} {types.index(symbol) + 1} 0.0 " + " ".join(f"{x:.17g}" for x in position))
    path.write_text("\n".join(lines) + "\n")


def random_network(path: Path, dtype: str, layers: int, charges: bool) -> None:
    """Write a model file of a random network for Na and Cl, in both its forms."""
    torch.manual_seed(3)
    settings = NetSettings(cutoff=4.0, message_passing_layers=layers)
    network = network_class(settings)(["Na", "Cl"], settings, charge=charges).to(getattr(torch, dtype))
    with torch.no_grad():  # a new network starts flat, so that nothing depends on the positions
        network.readout.last.weight.normal_(0.0, 0.3)
    plain, fused = script_network(network)
    metadata = Metadata(
        ("Na", "Cl"),
        settings.cutoff,
        message_passing_layers=layers,
        dtype=dtype,
        long_range=LongRange(1.0) if charges else None,
    )
    save_model(path, plain, metadata, fused)


def reference(kit: Path, model: str, atoms: Atoms) -> dict[str, object]:
    """Energy (eV), forces (eV/angstrom) and charges (e) by the Python calculator."""
    atoms = atoms.copy()
    atoms.calc = LESCalculator(kit / model)
    found = {"energy": atoms.get_potential_energy(), "forces": atoms.get_forces().tolist()}
    charges = atoms.calc.results.get("charges")
    return {**found, "charges": None if charges is None else charges.tolist()}


def cases_of(kit: Path, model: str, name: str) -> list[dict[str, object]]:
    """Comparisons for one model file of the kit on a fluid of its species, which is written beside it.

    With charges: against Python with a converged sum, and against the host style with a mesh, matched and split.
    """
    _, metadata = load_model(kit / model)
    types = tuple(metadata.species)
    data = f"fluid_{'_'.join(types)}.data"
    atoms = random_fluid(types, seed=5)
    write_data(kit / data, atoms, types)
    case = {"model": model, "data": data, "types": types, "dtype": metadata.dtype, "n": len(atoms)}
    python = reference(kit, model, atoms)
    if metadata.long_range is None:
        return [{**case, "name": name, "keywords": "", "kspace": [], "reference": python, "exact": True}]
    split = f"coul {max(6.5, metadata.cutoff):.2f}"
    return [
        {**case, "name": f"{name}, matched", "keywords": "", "kspace": MESH, "stresses": True},
        {**case, "name": f"{name}, split", "keywords": split, "kspace": MESH, "stresses": True},
        {**case, "name": f"{name}, converged sum", "keywords": "", "kspace": EXACT, "reference": python},
    ]


def write_water(kit: Path, molecules: int) -> None:
    """The shipped water model in both precisions, and a relaxed box of `molecules`^3 molecules."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_scripts(WATER / "model.pt", folder)
        shutil.copy(folder / "model.pt", kit / "water.pt")
        shutil.copy(folder / "model64.pt", kit / "water64.pt")
        subprocess.run([sys.executable, str(WATER / "make_water.py"), str(molecules)], cwd=folder, check=True)
        (folder / "water.data").rename(folder / "unrelaxed.data")
        shutil.copy(kit / "water.pt", folder)
        lammps(folder, RELAX)
        shutil.copy(folder / "water.data", kit)


def compile_tools(kit: Path, cuda: str | None) -> None:
    """The libraries that count kernels, copies and times in a run of LAMMPS."""
    compiler = ["c++", "-O1", "-std=c++17", "-shared", "-fPIC"]
    for source in (ROOT / "tests" / "kokkos" / "event_log.cpp", HERE / "kernel_times.cpp"):
        subprocess.run([*compiler, "-o", str(kit / f"{source.stem}.so"), str(source)], check=True)
    if cuda:
        library = ["-I", f"{cuda}/include", f"-L{cuda}/lib64", "-l:libcupti.so.13"]
        source, target = HERE / "gpu_activity.cpp", kit / "gpu_activity.so"
        subprocess.run([*compiler, "-o", str(target), str(source), *library], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("kit", type=Path, help="folder to write")
    parser.add_argument("--molecules", type=int, default=8, help="of the water box, along each direction")
    parser.add_argument("--converted", type=Path, nargs="*", default=[], help="more model files to compare")
    parser.add_argument("--package", action="store_true", help="compile water.pt2 as well")
    parser.add_argument("--cuda", help="a CUDA toolkit with CUPTI")
    options = parser.parse_args()

    kit = options.kit
    kit.mkdir(parents=True, exist_ok=True)
    write_water(kit, options.molecules)
    cases = [*cases_of(kit, "water64.pt", "water, float64"), *cases_of(kit, "water.pt", "water, float32")]
    for dtype in ("float64", "float32"):
        for layers, charges, what in ((0, False, "no charges"), (1, True, "messages")):
            model = f"{what.replace(' ', '_')}_{dtype}.pt"
            random_network(kit / model, dtype, layers, charges)
            cases += cases_of(kit, model, f"{what}, {dtype}")
    for file in options.converted:
        shutil.copy(file, kit)
        cases += cases_of(kit, file.name, file.stem)
    if options.package:
        from pair_les.model_file import save_package

        network, metadata = in_precision(WATER / "model.pt", "float32")
        save_package(kit / "water.pt2", network, metadata)
    (kit / "cases.json").write_text(json.dumps(cases))
    compile_tools(kit, options.cuda)
    print(f"{kit}: {len(cases)} comparisons, {sum(f.stat().st_size for f in kit.iterdir()) / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: MIT
"""Errors of networks that are trained on public data, one table of docs/benchmarks/accuracy.md per call.

    python benchmarks/accuracy.py dipeptides --record            # half an hour: three seeds, a wider cutoff, AdamW
    python benchmarks/accuracy.py dipeptide_charges --record     # after the former; --test FILE adds the published test frames
    python benchmarks/accuracy.py dimers --test FILE ... --record
    python benchmarks/accuracy.py charge_states --record
    python benchmarks/accuracy.py gold_on_mgo --record
    python benchmarks/accuracy.py random_charges --record

Data are those of ../shared/data (or the folder ``--data``), configurations those of examples/models. Runs and models are kept
in the folder ``--work``; a run that has ended is not trained again. Rows of published models are constants of this file.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
from lammps_run import BIN
from record import RESULTS, ROOT, Column, report

MODELS = ROOT / "examples" / "models"
sys.path[:0] = [str(MODELS)]
FORCES = Column("forces", "forces, meV/A", ".1f")
ENERGY = Column("energy", "energy, meV/atom", ".2f")
DIPEPTIDE_KEYS = "forces=force,charges=mbi_charges"
SEEDS = (1, 2, 3)
WIDE = ["model.cutoff=4.5", "training.weight_decay=0.05", "training.readout_weight_decay=null"]
ADAMW = [*WIDE, "training.optimizer=adamw", "training.learning_rate=8e-3"]
PUBLISHED_DIPEPTIDES = {
    "published: MACE r4, two layers, 64 channels, with latent charges": 43.5,
    "published: the same without": 53.4,
    "published: CACE r4 nu 3, one layer, with latent charges": 56.4,
    "published: CACE r4 nu 3, one layer, without": 68.9,
    "published: CACE r5.5 nu 2, strictly local, with latent charges": 94.0,
    "published: CACE r5.5 nu 2, strictly local, without": 108.9,
}
PUBLISHED_CHARGES = {
    "validation": ("0.859 (0.615)", "0.987 (0.987)", "0.910 (0.908)", "0.943 (0.942)"),
    "test": ("0.874 (0.599)", "0.991 (0.990)", "0.911 (0.910)", "0.952 (0.951)"),
}
PUBLISHED_DIMERS = {"charged-charged": 5.9, "charged-polar": 8.6, "polar-polar": 3.0}
AGREEMENT = {
    "charges": ("charges", "R2: MBIS charges"),
    "dipoles": ("dipole", "dipoles"),
    "quadrupoles": ("quadrupole", "quadrupoles"),
    "born": ("bec", "Born charges"),
}


@dataclass
class Place:
    """Folders of data and of runs, and the frames that are not in ../shared/data."""

    data: Path
    work: Path
    test: list[Path]

    def run(self, *command: str) -> str:
        """Output of a command in `work`."""
        self.work.mkdir(parents=True, exist_ok=True)
        return subprocess.run(command, cwd=self.work, check=True, stdout=subprocess.PIPE, text=True).stdout

    def train(self, configuration: str, name: str, settings: Sequence[str]) -> Path:
        """Model file of a run with some keys set; trained unless it has ended."""
        run, model = self.work / "runs" / name, self.work / f"{name}.pt"
        if not model.exists():
            words = [*settings, f"output={run}"]
            options = [word for setting in words for word in ("--set", setting)]
            self.run(str(BIN / "pair-les"), "train", str(MODELS / configuration), *options)
            self.run(str(BIN / "pair-les"), "export", str(run), "-o", str(model))
        return model

    def errors(self, model: Path, frames: Path, keys: str = "") -> dict[str, Any]:
        """What ``pair-les evaluate`` says."""
        options = ["--keys", keys] if keys else []
        command = (str(BIN / "pair-les"), "evaluate", str(model), str(frames), *options, "--json", "-")
        return json.loads(self.run(*command))


@dataclass(frozen=True)
class Table:
    """Columns of a table and the function that measures its rows."""

    columns: tuple[Column, ...]
    measure: Callable[[Place], list[dict[str, Any]]]


def accuracy_row(model: str, errors: dict[str, Any]) -> dict[str, Any]:
    """Errors of forces and energies."""
    return {"model": model, "forces": errors["forces_rmse"], "energy": errors["energy_rmse"]}


def agreement_row(frames: str, model: str, errors: dict[str, Any]) -> dict[str, Any]:
    """Errors, and R2 of what is linear in the charges: squared correlation, and in brackets the coefficient of determination."""
    row = {"frames": frames, **accuracy_row(model, errors)}
    for key, (name, _) in AGREEMENT.items():
        row[key] = f"{errors[f'{name}_r2_pearson']:.3f} ({errors[f'{name}_r2']:.3f})"
    return row


def mean_and_spread(values: Sequence[float], digits: int, sign: str = "") -> str:
    """Mean and standard deviation as ``54.4 +- 3.9``; the value alone if there is one."""
    mean = f"{np.mean(values):{sign}.{digits}f}"
    return mean if len(values) == 1 else f"{mean} +- {np.std(values):.{digits}f}"


def dipeptide_settings(place: Place) -> list[str]:
    folder = place.data / "dipeptides"
    return [f"data.train={folder / 'train.extxyz'}", f"data.valid=[{folder / 'valid.extxyz'}]"]


def dipeptide_models(place: Place) -> dict[str, Path]:
    """Three seeds of the configuration and their committee."""
    settings = dipeptide_settings(place)
    models = {
        f"seed {seed}": place.train(
            "dipeptides.yaml", f"dipeptides-{seed}", [*settings, f"training.seed={seed}"]
        )
        for seed in SEEDS
    }
    committee = place.work / "dipeptides-committee.pt"
    if not committee.exists():
        runs = [str(place.work / "runs" / f"dipeptides-{seed}") for seed in SEEDS]
        place.run(str(BIN / "pair-les"), "export", *runs, "-o", str(committee))
    return {**models, "committee": committee}


def measure_dipeptides(place: Place) -> list[dict[str, Any]]:
    valid, settings = place.data / "dipeptides" / "valid.extxyz", dipeptide_settings(place)
    models = dipeptide_models(place)
    shown = {
        "`dipeptides.yaml`: one message-passing layer, cutoff 4.0 A, SOAP, 65 k parameters": models["seed 1"],
        "committee of `training.seed` 1, 2 and 3": models["committee"],
        " ".join(f"`--set {word}`" for word in WIDE): place.train(
            "dipeptides.yaml", "dipeptides-wide", [*settings, *WIDE]
        ),
        "the row above with " + " ".join(f"`--set {word}`" for word in ADAMW[len(WIDE) :]): place.train(
            "dipeptides.yaml", "dipeptides-adamw", [*settings, *ADAMW]
        ),
    }
    rows = [accuracy_row(name, place.errors(model, valid, DIPEPTIDE_KEYS)) for name, model in shown.items()]
    return rows + [
        {"model": name, "forces": forces, "energy": None} for name, forces in PUBLISHED_DIPEPTIDES.items()
    ]


def measure_dipeptide_charges(place: Place) -> list[dict[str, Any]]:
    sets = {"validation": place.data / "dipeptides" / "valid.extxyz"}
    if place.test:
        sets["test"] = place.test[0]
    rows = []
    for name, frames in sets.items():
        published = dict(zip(AGREEMENT, PUBLISHED_CHARGES[name], strict=True))
        rows.append(
            {
                "frames": name,
                "model": "published (CACE with LES)",
                "forces": None,
                "energy": None,
                **published,
            }
        )
        for label, model in dipeptide_models(place).items():
            rows.append(agreement_row(name, label, place.errors(model, frames, DIPEPTIDE_KEYS)))
    return rows


def measure_dimers(place: Place) -> list[dict[str, Any]]:
    """Rows of the files ``--test``, whose names are those of the rows."""
    if not place.test:
        raise SystemExit("dimers: give the published test frames: --test FILE ...")
    folder = place.work / "dimers"
    place.run(sys.executable, str(MODELS / "split_dimers.py"), str(place.data / "dimers"), str(folder), "0")
    settings = [f"data.train={folder / 'train.xyz'}", f"data.valid=[{folder / 'valid.xyz'}]"]
    rows = []
    for frames in [*place.test, folder / "valid.xyz"]:
        row: dict[str, Any] = {
            "frames": frames.stem,
            "rms": rms_force(frames),
            "published": PUBLISHED_DIMERS.get(frames.stem),
        }
        for seed in SEEDS:
            model = place.train("dimers.yaml", f"dimers-{seed}", [*settings, f"training.seed={seed}"])
            row[f"seed {seed}"] = place.errors(model, frames)["forces_rmse"]
        rows.append(row)
    return rows


def rms_force(frames: Path) -> float:
    """Of the labels, meV/A, over components."""
    forces = np.concatenate([frame.get_forces() for frame in ase.io.read(frames, ":")])
    return 1e3 * float(np.sqrt(np.mean(forces**2)))


def charge_state_rows(table: dict[str, dict[int, list[tuple[float, float]]]]) -> list[dict[str, Any]]:
    """Mean and spread over the folds of examples/models/chain_folds.py."""
    rows = []
    for name, states in table.items():
        row: dict[str, Any] = {"network": name}
        for state, folds in states.items():
            row[f"f{state}"] = mean_and_spread([forces for forces, _ in folds], 1)
            row[f"e{state}"] = mean_and_spread([energy for _, energy in folds], 2)
        rows.append(row)
    return rows


def gold_rows(differences: dict[str, list[list[float]]]) -> list[dict[str, Any]]:
    """Mean and spread over the seeds of examples/models/au_mgo.py."""
    rows = []
    for name, found in differences.items():
        undoped, doped = np.transpose(found)
        row: dict[str, Any] = {"model": name, "undoped": mean_and_spread(undoped, 2)}
        row |= {"doped": mean_and_spread(doped, 2), "effect": mean_and_spread(undoped - doped, 2, "+")}
        rows.append(row)
    return rows


def measure_charge_states(place: Place) -> list[dict[str, Any]]:
    import chain_folds

    return charge_state_rows(
        in_folder(place, chain_folds.main, place.data / "benchmark_4g" / "Carbon_chain_4G.extxyz", 60)
    )


def measure_gold_on_mgo(place: Place) -> list[dict[str, Any]]:
    import au_mgo

    return gold_rows(in_folder(place, au_mgo.main, place.data / "benchmark_4g", len(SEEDS)))


def in_folder(place: Place, function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function returns that writes into the present folder."""
    place.work.mkdir(parents=True, exist_ok=True)
    before = Path.cwd()
    os.chdir(place.work)
    try:
        return function(*arguments)
    finally:
        os.chdir(before)


def measure_random_charges(place: Place) -> list[dict[str, Any]]:
    folder = place.work / "ions"
    if not folder.exists():
        place.run(sys.executable, str(MODELS / "make_random_charges.py"), str(folder))
    data = f"data.train={folder / 'train.xyz'}"
    variants = {
        "`random_charges.yaml`: 48 radial functions, initial charges held for 0.7 of the epochs": [],
        "`--set training.charge_hold=0.1`": ["training.charge_hold=0.1"],
    }
    rows = []
    for number, (name, settings) in enumerate(variants.items()):
        model = place.train("random_charges.yaml", f"random_charges-{number}", [data, *settings])
        errors = place.errors(model, folder / "test.xyz", "charges=charges")
        rows.append(
            {"model": name, "forces": errors["forces_rmse"], "charges": f"RMSE {errors['charges_rmse']:.4f}"}
        )
    return [*rows, {"model": "published: CACE, another repulsion", "forces": 5.7, "charges": "MAE 0.0034"}]


TABLES = {
    "dipeptides": Table((Column("model", "model"), FORCES, ENERGY), measure_dipeptides),
    "dipeptide_charges": Table(
        (
            Column("frames", "frames"), Column("model", "model"), FORCES, ENERGY,
            *(Column(key, heading) for key, (_, heading) in AGREEMENT.items()),
        ),
        measure_dipeptide_charges,
    ),
    "dimers": Table(
        (
            Column("frames", "test frames"),
            *(Column(f"seed {seed}", f"seed {seed}: forces, meV/A", ".1f") for seed in SEEDS),
            Column("rms", "rms force", ".1f"),
            Column("published", "published (CACE r5, one layer)", ".1f"),
        ),
        measure_dimers,
    ),
    "charge_states": Table(
        (
            Column("network", "network"), Column("f0", "C10H2: forces, meV/A"), Column("e0", "energy, meV/atom"),
            Column("f1", "C10H3+: forces, meV/A"), Column("e1", "energy, meV/atom"),
        ),
        measure_charge_states,
    ),
    "gold_on_mgo": Table(
        (
            Column("model", "wetting minus non-wetting, eV"), Column("undoped", "undoped"), Column("doped", "doped"),
            Column("effect", "undoped minus doped"),
        ),
        measure_gold_on_mgo,
    ),
    "random_charges": Table(
        (Column("model", "model"), FORCES, Column("charges", "charges, e")), measure_random_charges
    ),
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("table", choices=list(TABLES))
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--work", type=Path, default=Path("accuracy"), help="folder of runs and models")
    parser.add_argument("--test", type=Path, nargs="+", default=[], help="published test frames")
    parser.add_argument("--record", action="store_true", help="write docs/benchmarks/results/TABLE.json")
    arguments = parser.parse_args()
    table = TABLES[arguments.table]
    place = Place(
        arguments.data.resolve(), arguments.work.resolve(), [file.resolve() for file in arguments.test]
    )
    file = RESULTS / f"{arguments.table}.json" if arguments.record else None
    report(table.columns, table.measure(place), file)


if __name__ == "__main__":
    main()

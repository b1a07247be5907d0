# SPDX-License-Identifier: MIT
"""C10H2 and C10H3+ in four folds: one network that is told the charge state against networks that are not.

Usage: python chain_folds.py CARBON_CHAINS.extxyz [EPOCHS]      (a second call goes on where the first one ended)

Writes data/chains/fold*/ and runs/chains/, trains chains.yaml for every fold and variant, and prints the errors on the
frames left out: mean over the folds, and their standard deviation.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from ase.io import read, write
from pair_les.data.frames import LabelKeys
from pair_les.evaluation.label_errors import evaluate
from pair_les.export import export

FOLDS = 4
STATES = {0: "C10H2", 1: "C10H3+"}  # total charge, e
KEYS = LabelKeys(energy="REF_energy", forces="REF_forces")
BLIND = ["model.charge_state=false"]
SHORT = ["model.long_range=null", "training.initial_charges=null"]
TOGETHER = {  # trained on the frames of both states
    "told the state": [],
    "not told": BLIND,
    "not told, charges not shifted to Q": [*BLIND, "model.long_range.neutralize=false"],
    "told the state, no charges": SHORT,
    "not told, no charges": [*BLIND, *SHORT],
}
APART = "two networks, one for each state"


def split(source: Path, folder: Path) -> None:
    """Every fourth frame of each state is left out, in turn."""
    frames = read(source, ":")
    for fold in range(FOLDS):
        target = folder / f"fold{fold}"
        target.mkdir(parents=True, exist_ok=True)
        together = []
        for state in STATES:
            alike = [frame for frame in frames if round(frame.info["total_charge"]) == state]
            train = [frame for number, frame in enumerate(alike) if number % FOLDS != fold]
            write(target / f"train{state}.xyz", train)
            write(target / f"test{state}.xyz", alike[fold::FOLDS])
            together += train
        write(target / "train.xyz", together)


def train(name: str, file: Path, settings: list[str], epochs: int) -> Path:
    """Train, unless it has been done, and return the run folder."""
    run = Path("runs/chains") / name
    words = [*settings, f"data.train={file}", f"training.epochs={epochs}", f"output={run}"]
    command = ["pair-les", "train", str(Path(__file__).with_name("chains.yaml"))]
    subprocess.run([*command, *(part for word in words for part in ("--set", word))], check=True)
    return run


def errors(run: Path, state: int, test: Path, told: bool) -> tuple[float, float]:
    """Force RMSE, meV/A, and energy RMSE, meV/atom, on the frames left out."""
    model = run.with_name(f"{run.name}-{state}.pt")
    export(run, model, charge=float(state) if told else None)
    found = evaluate(model, [test], KEYS).errors()
    return found["forces_rmse"], found["energy_rmse"]


def main(source: Path, epochs: int) -> dict[str, dict[int, list[tuple[float, float]]]]:
    """Errors on the frames left out by network and state, one pair (forces, energy) per fold."""
    data = Path("data/chains")
    split(source, data)
    table: dict[str, dict[int, list[tuple[float, float]]]] = {}
    for fold in range(FOLDS):
        folder = data / f"fold{fold}"
        for number, (name, settings) in enumerate(TOGETHER.items()):
            run = train(f"fold{fold}-{number}", folder / "train.xyz", settings, epochs)
            for state in STATES:
                found = errors(run, state, folder / f"test{state}.xyz", told=not set(BLIND) <= set(settings))
                table.setdefault(name, {}).setdefault(state, []).append(found)
        for state in STATES:
            run = train(f"fold{fold}-apart{state}", folder / f"train{state}.xyz", BLIND, epochs)
            found = errors(run, state, folder / f"test{state}.xyz", told=False)
            table.setdefault(APART, {}).setdefault(state, []).append(found)
        print(
            f"\nfolds: {fold + 1}\n| network | "
            + " | ".join(f"{name}, forces | energy" for name in STATES.values())
        )
        for name, states in table.items():
            cells = []
            for values in states.values():
                mean, spread = np.mean(values, axis=0), np.std(values, axis=0)
                cells += [f"{m:.{d}f} +- {s:.{d}f}" for m, s, d in zip(mean, spread, (1, 2), strict=True)]
            print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    return table


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 150)

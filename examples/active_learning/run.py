# SPDX-License-Identifier: MIT
"""Active learning of NaCl that melts: frames chosen by `pair-les select` against frames chosen at random, at equal numbers of labels.

1. LAMMPS heats a crystal twice: one run is the pool, whose labels are hidden, the other one the test.
2. The first frames of the pool, a cold crystal, are labeled; a model is trained and exported with uncertainties.
3. In each round `pair-les select` takes frames from the pool, they are labeled, and the model is trained again.

The errors of all rounds, seeds and strategies are written to errors.json and drawn in active_learning.png.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import read, write
from matplotlib.figure import Figure

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "lammps" / "nacl"))
from frames import read_run  # noqa: E402

EVERY = 100
FIRST, VALID = 8, 4
COLD = 40
"""Frames of the start of the pool, a crystal below 800 K, that the first training and validation frames are from."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("demo"), help="where everything is written")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--labels", type=int, default=8, help="frames labeled in each round")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    options = parser.parse_args()
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    pool, test = heated(folder, 11), heated(folder, 12)
    write(folder / "test.xyz", test[::4], format="extxyz")
    errors: dict[str, list[list[float]]] = {"select": [], "random": []}
    for seed in options.seeds:
        for strategy, rows in errors.items():
            work = folder / f"{strategy}{seed}"
            rows.append(learn(work, strategy, pool, seed, options.rounds, options.labels))
            (folder / "errors.json").write_text(json.dumps(errors, indent=2))
    draw(errors, options.labels, folder / "active_learning.png")


def heated(folder: Path, seed: int) -> list[Atoms]:
    """Labeled frames of a crystal that is heated until it melts."""
    dump = folder / f"dump.{seed}"
    if not dump.exists():
        run(
            ["lmp", "-log", "none", "-in", HERE / "in.heat", "-var", "seed", seed, "-var", "dir", folder],
            folder,
        )
    return read_run(dump, folder / f"log.{seed}", EVERY)[1:]


def learn(work: Path, strategy: str, pool: list[Atoms], seed: int, rounds: int, n_labels: int) -> list[float]:
    """Force errors, meV/A, on the test frames after each round."""
    work.mkdir(exist_ok=True)
    random = np.random.default_rng(seed)
    start = random.permutation(COLD)[: FIRST + VALID].tolist()
    train, valid = start[:FIRST], start[FIRST:]
    errors = []
    for number in range(rounds + 1):
        write(work / "train.xyz", [pool[k] for k in train], format="extxyz")
        write(work / "valid.xyz", [pool[k] for k in valid], format="extxyz")
        output = f"run{number}"
        run(
            [
                "pair-les",
                "train",
                HERE / "config.yaml",
                "--set",
                f"training.seed={seed}",
                "--set",
                f"output={output}",
            ],
            work,
        )
        run(["pair-les", "export", output, "-o", "model.pt", "--uncertainty", "run", "--force"], work)
        run(["pair-les", "evaluate", "model.pt", "../test.xyz", "--json", "errors.json"], work)
        errors.append(json.loads((work / "errors.json").read_text())["forces_rmse"])
        print(
            f"{work.name} round {number}: {len(train) + len(valid)} labels, {errors[-1]:.1f} meV/A",
            flush=True,
        )
        if number == rounds:
            break
        left = [k for k in range(len(pool)) if k not in (*train, *valid)]
        new = [left[k] for k in random.permutation(len(left))[:n_labels]]
        if strategy == "select":
            new = selected(work, pool, left, n_labels)
        train += new[:-2]  # two of them validate
        valid += new[-2:]
    return errors


def selected(work: Path, pool: list[Atoms], left: list[int], n_labels: int) -> list[int]:
    """Frames of the pool that `pair-les select` chooses among those that are left, which it sees without labels."""
    frames = []
    for k in left:
        bare = Atoms(pool[k].get_chemical_symbols(), pool[k].positions, cell=pool[k].cell, pbc=True)
        bare.info["pool"] = k
        frames.append(bare)
    write(work / "candidates.xyz", frames, format="extxyz")
    run(
        ["pair-les", "select", "candidates.xyz", "-m", "model.pt", "-n", n_labels, "-o", "selected.xyz"], work
    )
    return [int(frame.info["pool"]) for frame in read(work / "selected.xyz", ":")]


def draw(errors: dict[str, list[list[float]]], n_labels: int, file: Path) -> None:
    """Error against the number of labels: mean and range over the seeds."""
    figure = Figure(figsize=(4.6, 3.6), layout="constrained")
    axes = figure.subplots()
    for (strategy, rows), color in zip(errors.items(), ("#1f5fa8", "#7f8c9b"), strict=True):
        values = np.array(rows)
        labels = FIRST + VALID + n_labels * np.arange(values.shape[1])
        axes.fill_between(labels, values.min(0), values.max(0), color=color, alpha=0.2, linewidth=0)
        axes.plot(labels, values.mean(0), "o-", color=color, label=f"{strategy}, {len(rows)} seeds")
    axes.set(xlabel="labeled frames", ylabel="force RMSE on the test run (meV/Å)", yscale="log")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=150)


def run(command: list[object], folder: Path) -> None:
    """Run a command in a folder; its text goes to output.txt, which is named if it fails."""
    words = [str(word) for word in command]
    with open(folder / "output.txt", "w", encoding="utf-8") as stream:
        done = subprocess.run(words, cwd=folder, stdout=stream, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        sys.exit(f"failed: {' '.join(words)}: see {folder / 'output.txt'}")


if __name__ == "__main__":
    main()

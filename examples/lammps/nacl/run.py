# SPDX-License-Identifier: MIT
"""From nothing to a checked LAMMPS run with learned charges: what ``make demo`` does, in the folder `demo`.

1. LAMMPS makes a melt of known charges; 2. `pair-les train` sees its energies and forces only; 3. `pair-les export`;
4. LAMMPS runs the learned model on two ranks; 5. check.py compares.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path

from ase.io import read, write
from commands import run, say

HERE = Path(__file__).resolve().parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=HERE / "demo", help="where everything is written")
    parser.add_argument("--ranks", type=int, default=2, help="MPI ranks of the LAMMPS runs")
    parser.add_argument("--epochs", type=int, help="instead of those of config.yaml")
    parser.add_argument("--keep", action="store_true", help="go on with a folder that is there already")
    options = parser.parse_args()
    folder = options.folder.resolve()
    if not options.keep:
        if folder.exists() and folder != HERE / "demo":
            sys.exit(f"{folder} exists: remove it, or add --keep to go on with what is in it")
        shutil.rmtree(folder, ignore_errors=True)
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    lammps = ["mpirun", "-n", str(options.ranks), "lmp", "-log", "none"]
    start = time.monotonic()

    if not (data / "test.xyz").exists():
        say("1/5  molten NaCl with charges +1 and -1, by LAMMPS", start)
        run([*lammps, "-in", HERE / "in.generate", "-var", "dir", data], folder, folder / "generate.out")
        run([sys.executable, HERE / "frames.py", data], folder)

    say("2/5  training on energies and forces", start)
    settings = [] if options.epochs is None else ["--set", f"training.epochs={options.epochs}"]
    run(["pair-les", "train", HERE / "config.yaml", *settings], folder)

    say("3/5  export", start)
    run(["pair-les", "export", "training", "-o", "model.pt"], folder)
    run(["pair-les", "evaluate", "model.pt", "data/test.xyz", "--json", "errors.json"], folder)

    say(f"4/5  256 ions in LAMMPS on {options.ranks} ranks", start)
    melt = read(data / "test.xyz", index=0)
    write(
        folder / "nacl.data",
        melt,
        format="lammps-data",
        specorder=["Na", "Cl"],
        atom_style="charge",
        masses=True,
    )
    run([*lammps[:-1], "log.nacl", "-in", HERE / "in.nacl"], folder, folder / "nacl.out")

    say("5/5  comparison", start)
    passed = subprocess.run([sys.executable, HERE / "check.py", folder], check=False).returncode == 0
    say("done: " + ("all checks passed" if passed else "a check FAILED"), start)
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()

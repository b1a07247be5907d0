# SPDX-License-Identifier: MIT
"""From nothing to the capacitance of molten NaCl between two metal walls, in the folder `demo`.

1. LAMMPS makes a melt and a film of known charges; 2. `pair-les train` sees energies and forces only; 3. `pair-les export`;
4. LAMMPS runs the learned model between walls at 0, 0.5, 1 and 2 V; 5. `pair-les analyze` and plots.py.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "nacl"))
from commands import run, say  # noqa: E402

VOLTAGES = ("0.0", "0.5", "1.0", "2.0")  # in.nacl
TEMPERATURE, SIGMA = "1300", "1.0"  # in.nacl, config.yaml
ELEMENTS = [word for name in ("Na", "Cl", "left", "right") for word in ("--element", name)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=HERE / "demo", help="where everything is written")
    parser.add_argument("--ranks", type=int, default=2, help="MPI ranks of the LAMMPS runs")
    parser.add_argument("--relax", type=int, help="steps after each change of the voltage")
    parser.add_argument("--steps", type=int, help="further steps at each voltage, which are analyzed")
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
        run([sys.executable, HERE.parent / "nacl" / "frames.py", data], folder)
    if not (folder / "model.pt").exists():
        say("2/5  training on energies and forces", start)
        run(["pair-les", "train", HERE / "config.yaml"], folder)
        say("3/5  export", start)
        run(["pair-les", "export", "training", "-o", "model.pt"], folder)

    say(f"4/5  128 ions between walls at {', '.join(VOLTAGES)} V on {options.ranks} ranks", start)
    run([sys.executable, HERE / "cell.py", "nacl.data", data / "test.xyz"], folder)
    steps = [("relax", options.relax), ("steps", options.steps)]
    chosen = [word for name, value in steps if value is not None for word in ("-var", name, str(value))]
    run([*lammps[:-1], "log.nacl", "-in", HERE / "in.nacl", *chosen], folder, folder / "nacl.out")

    say("5/5  capacitance, layers and potential", start)
    files = [word for volt in VOLTAGES for word in ("--electrodes", f"charge.{volt}.txt")]
    analyze = ["pair-les", "analyze", "--temperature", TEMPERATURE, "--sigma", SIGMA, *ELEMENTS]
    for volt in VOLTAGES:
        more = files if volt == VOLTAGES[0] else []
        name = "capacitance" if more else f"profile.{volt}"
        dump = [f"ions.{volt}.dump", "--quantities", "profile", "--n-bins", "172"]
        run([*analyze, *dump, *more, "-o", name], folder, folder / f"{name}.out")
    run([sys.executable, HERE / "plots.py", folder], folder)
    say("done: capacitance/report.html, charging.png, layers.png, potential.png", start)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: MIT
"""The ASE calculator of a package, for benchmarks/converted.py; runs where that package is installed.

``peer_converted.py FRAME STEPS mace|sevenn|symmetrix MODEL`` prints us/atom/step of processor
time; with ``--answers FILE`` it writes energy, forces and stress of the frame instead.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from peer_timing import print_time


def calculator(package: str, model: str, precision: str):
    """In `precision`, on one thread."""
    if package == "symmetrix":
        from symmetrix import Symmetrix

        return Symmetrix(model, dtype=precision)
    import torch

    torch.set_num_threads(1)
    if package == "sevenn":
        from sevenn.calculator import SevenNetCalculator

        return SevenNetCalculator(model, device="cpu")
    from mace.calculators import MACECalculator

    return MACECalculator(model_paths=[model], device="cpu", default_dtype=precision)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("frame")
    parser.add_argument("steps")
    parser.add_argument("package")
    parser.add_argument("model")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--answers")
    arguments = parser.parse_args()
    made = calculator(arguments.package, arguments.model, arguments.precision)
    if arguments.answers is None:
        print_time(lambda atoms: made, time.process_time)
        return
    from ase.io import read

    atoms = read(arguments.frame)
    atoms.calc = made
    np.savez(
        arguments.answers,
        energy=atoms.get_potential_energy(),
        forces=atoms.get_forces(),
        stress=atoms.get_stress(voigt=False),
    )


if __name__ == "__main__":
    main()

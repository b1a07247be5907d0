# SPDX-License-Identifier: MIT
"""Split the water data into train.xyz, dft.xyz (both for training), valid.xyz and test.xyz.

Usage: python split.py SHARED_DATA_FOLDER OUTPUT_FOLDER

`test.xyz` holds every fourth DFT frame; nothing is trained or selected on it. The validation set, which chooses the
best epoch, is drawn from both sources.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ase.io import read, write


def main(data: Path, output: Path) -> None:
    teacher = read(data / "water_teacher" / "frames.extxyz", ":")
    dft = read(data / "water" / "frames.extxyz", ":")
    test = range(2, len(dft), 4)
    valid = range(0, len(dft), 8)  # no index of test
    train = [index for index in range(len(dft)) if index not in test and index not in valid]
    output.mkdir(parents=True, exist_ok=True)
    write(output / "train.xyz", [frame for index, frame in enumerate(teacher) if index % 30])
    write(output / "dft.xyz", [dft[index] for index in train])
    write(output / "valid.xyz", [dft[index] for index in valid] + teacher[::30])
    write(output / "test.xyz", [dft[index] for index in test])
    print(f"{len(train)} DFT frames to train on, {len(valid)} to validate, {len(test)} to test")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

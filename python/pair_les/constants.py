# SPDX-License-Identifier: MIT
"""Constants of the unit system used everywhere inside: eV, angstrom, e."""

COULOMB_CONSTANT = 14.3996454784
"""e^2 / (4 pi eps_0) in eV angstrom; docs/reference/model_file.md, docs/theory/long_range.md."""

SMALLEST_DISTANCE = 0.01
"""angstrom: nuclei do not come closer in collisions of tens of keV, duplicates of an atom do."""

FORMAT_NAME = "pair_les"
"""``format`` of every model file."""

FORMAT_VERSION = 3
"""The newest contract version; this package reads all up to it, and writes the oldest that can say what a model is."""

METADATA_FILE = "metadata.json"
"""Name of the extra file inside the TorchScript archive."""

FUSED_FILE = "fused.pt"
"""Name of the optional extra file with the same network in the fused operators of the compiled core."""

UNITS = {"length": "angstrom", "energy": "eV", "charge": "e"}
"""``units`` of all contract versions, exactly."""

FORMER_SPELLINGS = {"polarisation": "polarization"}
"""Values of options by their names of the previous release, which are taken for one release more."""

# SPDX-License-Identifier: MIT
"""Where the reference data and vectors are: beside the repository, or where PAIR_LES_SHARED says."""

import os
from pathlib import Path

SHARED = Path(os.environ.get("PAIR_LES_SHARED", Path(__file__).resolve().parents[2] / "shared"))

# SPDX-License-Identifier: MIT
"""Version of the package: the one place; pyproject.toml and CMakeLists.txt read it from here."""

__version__ = "0.1.0"

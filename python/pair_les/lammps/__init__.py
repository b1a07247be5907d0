# SPDX-License-Identifier: MIT
"""LAMMPS from the outside: checks of its dumps, a trial run, and a report on what is installed."""

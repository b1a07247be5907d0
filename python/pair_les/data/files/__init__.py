# SPDX-License-Identifier: MIT
"""From names of files to frames: patterns and slices, the formats of ASE, its databases, and the folders of DeePMD-kit."""

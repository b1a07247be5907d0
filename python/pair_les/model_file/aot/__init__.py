# SPDX-License-Identifier: MIT
"""Model files that are AOTInductor packages: the network traced, compiled to machine code, packed, and run."""

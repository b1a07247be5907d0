# SPDX-License-Identifier: MIT
"""CACE and CACE-LES: weights read from the file, the network written from its papers."""

from .adapter import read

__all__ = ["read"]

# SPDX-License-Identifier: MIT
"""The model file: its metadata (the contract between a network and its readers), reading, writing and compiled packages.

Torch is imported only by the functions that need it, so that metadata can be read without it.
"""

from .archive import created_with, load_model, read_metadata, save_model, save_package
from .metadata import ContractError, LongRange, Metadata

__all__ = [
    "ContractError",
    "LongRange",
    "Metadata",
    "created_with",
    "load_model",
    "read_metadata",
    "save_model",
    "save_package",
]

# SPDX-License-Identifier: MIT
"""Changes of the state of the process end with their block, also where that fails."""

from __future__ import annotations

import logging
import warnings

import pytest
import torch
from pair_les.installation import process_state


def test_default_dtype() -> None:
    with pytest.raises(KeyError), process_state.default_dtype(torch.float64):
        assert torch.ones(1).dtype == torch.float64
        raise KeyError
    assert torch.ones(1).dtype == torch.float32


def test_replaced_attribute() -> None:
    owner = type("Owner", (), {"value": 1})
    with pytest.raises(KeyError), process_state.replaced_attribute(owner, "value", 2):
        assert owner.value == 2
        raise KeyError
    assert owner.value == 1


def test_silenced(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    with process_state.silenced():
        print("said")
        logging.getLogger("other").warning("said")
        warnings.warn("said", UserWarning, stacklevel=1)
    logging.getLogger("other").warning("heard")
    assert capsys.readouterr().out == "" and caplog.messages == ["heard"]

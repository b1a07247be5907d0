# SPDX-License-Identifier: MIT
"""What is installed on this machine: devices of torch, operators of the compiled core, optional packages."""

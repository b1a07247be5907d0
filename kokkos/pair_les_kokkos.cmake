# SPDX-License-Identifier: GPL-2.0-only
#
# Builds pair_style les and les/kk into a LAMMPS with KOKKOS, without a change to its files:
#   cmake -S lammps/cmake -B build -D PKG_KOKKOS=on -D PKG_KSPACE=on ...
#     -D CMAKE_PROJECT_lammps_INCLUDE=/path/to/pair_les/kokkos/pair_les_kokkos.cmake
# CMake reads it right after project(lammps). README.md beside this file has complete commands.

if(CMAKE_VERSION VERSION_LESS 3.20)
  message(FATAL_ERROR "pair_style les/kk needs CMake 3.20, this is ${CMAKE_VERSION}: type 'pip install cmake'")
endif()

get_filename_component(PAIR_LES_ROOT "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)
file(GLOB PAIR_LES_SOURCES ${PAIR_LES_ROOT}/cpp/pair_les/lammps/*.cpp ${PAIR_LES_ROOT}/kokkos/*.cpp)
# of the plugin: LAMMPS and the styles are compiled together here
foreach(file class_layout lammps_features lammps_release lesplugin styles)
  list(REMOVE_ITEM PAIR_LES_SOURCES ${PAIR_LES_ROOT}/cpp/pair_les/lammps/${file}.cpp)
endforeach()

# LAMMPS collects the headers of its styles in these properties
function(pair_les_register_styles)
  foreach(style pair fix compute)
    string(TOUPPER ${style} property)
    file(GLOB headers ${PAIR_LES_ROOT}/cpp/pair_les/lammps/${style}_*.h ${PAIR_LES_ROOT}/kokkos/${style}_*.h)
    foreach(header ${headers})
      file(STRINGS ${header} is_style LIMIT_COUNT 1 REGEX ${property}_CLASS)
      if(is_style)
        set_property(GLOBAL APPEND PROPERTY ${property} ${header})
      endif()
    endforeach()
  endforeach()
endfunction()
pair_les_register_styles()

# The core with its torch, as without LAMMPS: nothing in it knows of Kokkos. nvcc does not compile its
# vector kernels: where nvcc_wrapper is the compiler, the core is left to the host compiler behind it.
set(PAIR_LES_PLUGIN OFF)
set(PAIR_LES_BINDINGS OFF)
get_directory_property(compile_options_of_lammps COMPILE_OPTIONS)
get_filename_component(compiler_name "${CMAKE_CXX_COMPILER}" NAME)
if(compiler_name STREQUAL "nvcc_wrapper")
  set(CMAKE_DISABLE_PRECOMPILE_HEADERS ON)    # the wrapper does not pass their -include on
  add_compile_options(--host-only)
endif()
add_subdirectory(${PAIR_LES_ROOT} ${CMAKE_BINARY_DIR}/pair_les)
set_directory_properties(PROPERTIES COMPILE_OPTIONS "${compile_options_of_lammps}")
unset(CMAKE_DISABLE_PRECOMPILE_HEADERS)
get_directory_property(PAIR_LES_TORCH_RELEASE DIRECTORY ${PAIR_LES_ROOT} DEFINITION TORCH_RELEASES)
core_folder(${PAIR_LES_TORCH_RELEASE} PAIR_LES_CORE_FOLDER)
get_directory_property(PAIR_LES_TORCH_ROOT DIRECTORY ${PAIR_LES_ROOT} DEFINITION Torch_ROOT)

# the rest when the target lammps exists
function(pair_les_add_to_lammps)
  foreach(package KOKKOS KSPACE)
    if(NOT PKG_${package})
      message(FATAL_ERROR "pair_style les/kk needs the package ${package}: type -D PKG_${package}=on")
    endif()
  endforeach()

  target_sources(lammps PRIVATE ${PAIR_LES_SOURCES})
  set_source_files_properties(${PAIR_LES_SOURCES} PROPERTIES
    INCLUDE_DIRECTORIES ${PAIR_LES_ROOT}/cpp/pair_les
    COMPILE_OPTIONS "-fmacro-prefix-map=${PAIR_LES_ROOT}/=")    # error messages of LAMMPS print __FILE__
  set_source_files_properties(${PAIR_LES_ROOT}/cpp/pair_les/lammps/torch_release.cpp PROPERTIES
    COMPILE_DEFINITIONS "PAIR_LES_TORCH_RELEASES=\"${PAIR_LES_TORCH_RELEASE}\"")
  target_include_directories(lammps PRIVATE ${PAIR_LES_ROOT}/cpp/pair_les/lammps ${PAIR_LES_ROOT}/kokkos)
  target_link_libraries(lammps PRIVATE $<BUILD_INTERFACE:pair_les_physics> ${CMAKE_DL_LIBS})
  # opened at run time (core_library.h)
  add_dependencies(lammps pair_les_core)
  set_property(TARGET lammps lmp APPEND PROPERTY BUILD_RPATH "$<TARGET_FILE_DIR:pair_les_core>" "${PAIR_LES_TORCH_ROOT}/lib")
  set_property(TARGET lammps lmp APPEND PROPERTY INSTALL_RPATH "${CMAKE_INSTALL_PREFIX}/lib/pair_les/${PAIR_LES_CORE_FOLDER}"
    "${PAIR_LES_TORCH_ROOT}/lib")
endfunction()
cmake_language(DEFER CALL pair_les_add_to_lammps)

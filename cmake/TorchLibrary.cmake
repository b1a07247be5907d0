# SPDX-License-Identifier: MIT
# Torch_ROOT, TORCH_RELEASES and add_torch_library(target root), from a torch wheel or an unpacked libtorch (-D Torch_ROOT=...).
# The C++ interface of torch changes with its minor releases: a list of folders is asked for where one installation shall serve
# several of them, and each gets a library of its own.
# torch's own CMake package is not used: it wants a full CUDA toolkit even where only headers and
# libraries are needed.

set(Torch_ROOT "" CACHE PATH "Folder of libtorch or of the installed torch package; several, separated by ;, for a core for each")
if(NOT Torch_ROOT)
  python_package_dir(torch found_torch)
  set(Torch_ROOT "${found_torch}" CACHE PATH "Folder of libtorch or of the installed torch package" FORCE)
  if(NOT Torch_ROOT)
    message(FATAL_ERROR "No torch is installed: type 'pip install torch==2.13.0' or -D Torch_ROOT=/path/to/libtorch")
  endif()
endif()

# release, such as 2.13.0, of the torch in a folder
function(find_torch_release root variable)
  if(NOT EXISTS "${root}/include/torch/script.h" AND NOT EXISTS "${root}/include/torch/csrc/api/include/torch/script.h")
    message(FATAL_ERROR "No torch in '${root}': type 'pip install torch==2.13.0' or -D Torch_ROOT=/path/to/libtorch")
  endif()
  # one header has the numbers: the first since torch 2.9, the second before
  set(release "")
  foreach(header torch/headeronly/version.h torch/csrc/api/include/torch/version.h torch/version.h)
    if(EXISTS "${root}/include/${header}")
      file(STRINGS "${root}/include/${header}" version_lines REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
      string(REGEX REPLACE "[^;0-9]" "" version_numbers "${version_lines}")
      string(REPLACE ";" "." release "${version_numbers}")
      if(release)
        break()
      endif()
    endif()
  endforeach()
  if(NOT release)
    message(FATAL_ERROR "The release of torch in '${root}' is unknown: type -D Torch_ROOT=/path/to/libtorch")
  elseif(release VERSION_LESS 2.8)
    message(FATAL_ERROR "torch ${release} in '${root}' is too old: 2.8 is the first that pair_les supports")
  endif()
  message(STATUS "torch ${release} in ${root}")
  set(${variable} ${release} PARENT_SCOPE)
endfunction()

# in the order of Torch_ROOT
set(TORCH_RELEASES "")
set(PAIR_LES_TORCH_RPATH "")
foreach(root IN LISTS Torch_ROOT)
  find_torch_release(${root} release)
  list(APPEND TORCH_RELEASES ${release})
  list(APPEND PAIR_LES_TORCH_RPATH ${root}/lib)
endforeach()

function(add_torch_library target root)
  add_library(${target} INTERFACE)
  target_include_directories(${target} SYSTEM INTERFACE ${root}/include ${root}/include/torch/csrc/api/include)
  foreach(name torch_cpu c10)
    target_link_libraries(${target} INTERFACE ${root}/lib/lib${name}.so)
  endforeach()
endfunction()

# folder of the core for a release: its minor release decides
function(core_folder release variable)
  string(REGEX MATCH "^[0-9]+\\.[0-9]+" minor ${release})
  set(${variable} core/torch-${minor} PARENT_SCOPE)
endfunction()

# where the installed libraries, two folders below that of the package, look for torch: next to an installed wheel, else where
# it was found
if(SKBUILD)
  set(PAIR_LES_TORCH_RPATH "$ORIGIN/../../../torch/lib")
endif()

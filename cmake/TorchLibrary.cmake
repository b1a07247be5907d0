# SPDX-License-Identifier: MIT
# Target torch_library and TORCH_RELEASE from a torch wheel or an unpacked libtorch (-D Torch_ROOT=...).
# torch's own CMake package is not used: it wants a full CUDA toolkit even where only headers and
# libraries are needed.

set(Torch_ROOT "" CACHE PATH "Folder of libtorch or of the installed torch package")
if(NOT Torch_ROOT)
  python_package_dir(torch found_torch)
  set(Torch_ROOT "${found_torch}" CACHE PATH "Folder of libtorch or of the installed torch package" FORCE)
endif()
if(NOT EXISTS "${Torch_ROOT}/include/torch/script.h" AND NOT EXISTS "${Torch_ROOT}/include/torch/csrc/api/include/torch/script.h")
  message(FATAL_ERROR "No torch in '${Torch_ROOT}': type 'pip install torch==2.13.0' or -D Torch_ROOT=/path/to/libtorch")
endif()

# one header has the numbers: the first since torch 2.9, the second before
set(TORCH_RELEASE "")
foreach(header torch/headeronly/version.h torch/csrc/api/include/torch/version.h torch/version.h)
  if(EXISTS "${Torch_ROOT}/include/${header}")
    file(STRINGS "${Torch_ROOT}/include/${header}" version_lines REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
    string(REGEX REPLACE "[^;0-9]" "" version_numbers "${version_lines}")
    string(REPLACE ";" "." TORCH_RELEASE "${version_numbers}")
    if(TORCH_RELEASE)
      break()
    endif()
  endif()
endforeach()
if(NOT TORCH_RELEASE)
  message(FATAL_ERROR "The release of torch in '${Torch_ROOT}' is unknown: type -D Torch_ROOT=/path/to/libtorch")
elseif(TORCH_RELEASE VERSION_LESS 2.8)
  message(FATAL_ERROR "torch ${TORCH_RELEASE} in '${Torch_ROOT}' is too old: 2.8 is the first that pair_les supports")
endif()
message(STATUS "torch ${TORCH_RELEASE} in ${Torch_ROOT}")

add_library(torch_library INTERFACE)
target_include_directories(torch_library SYSTEM INTERFACE
  ${Torch_ROOT}/include ${Torch_ROOT}/include/torch/csrc/api/include)
foreach(name torch_cpu c10)
  target_link_libraries(torch_library INTERFACE ${Torch_ROOT}/lib/lib${name}.so)
endforeach()

# where the installed libraries look for torch: next to an installed wheel, else where it was found
if(SKBUILD)
  set(PAIR_LES_TORCH_RPATH "$ORIGIN/../torch/lib")
  set(PAIR_LES_PLUGIN_RPATH "$ORIGIN/..;$ORIGIN/../../torch/lib")
else()
  set(PAIR_LES_TORCH_RPATH "${Torch_ROOT}/lib")
  set(PAIR_LES_PLUGIN_RPATH "$ORIGIN;${Torch_ROOT}/lib")
endif()

# SPDX-License-Identifier: MIT
# Target json_headers: nlohmann/json from the system, or from the PyPI package nlohmann_json.

find_path(JSON_INCLUDE_DIR nlohmann/json.hpp)
if(NOT JSON_INCLUDE_DIR)
  python_package_dir(nlohmann_json found_json)
  if(EXISTS "${found_json}/include/nlohmann/json.hpp")
    set(JSON_INCLUDE_DIR "${found_json}/include" CACHE PATH "Folder with nlohmann/json.hpp" FORCE)
  else()
    message(FATAL_ERROR "nlohmann/json.hpp not found: type 'pip install nlohmann_json' or -D JSON_INCLUDE_DIR=...")
  endif()
endif()
add_library(json_headers INTERFACE)
target_include_directories(json_headers SYSTEM INTERFACE ${JSON_INCLUDE_DIR})

# SPDX-License-Identifier: MIT
# Ask the Python in use where an installed package keeps its files; empty where it is not installed.

find_package(Python 3.10 COMPONENTS Interpreter QUIET)

function(python_package_dir package variable)
  set(${variable} "" PARENT_SCOPE)
  if(NOT Python_EXECUTABLE)
    return()
  endif()
  execute_process(
    COMMAND ${Python_EXECUTABLE} -c
      "import importlib.util as u; s = u.find_spec('${package}'); print(s.submodule_search_locations[0] if s else '', end='')"
    OUTPUT_VARIABLE directory ERROR_QUIET)
  set(${variable} "${directory}" PARENT_SCOPE)
endfunction()

function(python_package_version package variable)
  execute_process(
    COMMAND ${Python_EXECUTABLE} -c "from importlib.metadata import version; print(version('${package}'), end='')"
    OUTPUT_VARIABLE text ERROR_QUIET)
  set(${variable} "${text}" PARENT_SCOPE)
endfunction()

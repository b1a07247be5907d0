# SPDX-License-Identifier: MIT
# make_portable(target): with -D PAIR_LES_PORTABLE=ON, a shared library that a system with glibc 2.28 loads (manylinux_2_28), whatever
# the system that it is compiled on. One source file and the linker do it: objects are those of any other build.

if(PAIR_LES_PORTABLE)
  add_library(pair_les_portable OBJECT ${CMAKE_CURRENT_SOURCE_DIR}/cpp/pair_les/portable/glibc_2_28.cpp)
  set(portable_options -s -Wl,--push-state,--no-as-needed,-l:libdl.so.2,--pop-state)
  foreach(name exp log pow hypot dlopen dlclose dlsym dlerror dladdr dladdr1)
    list(APPEND portable_options -Wl,--wrap=${name})
  endforeach()
endif()

function(make_portable target)
  if(PAIR_LES_PORTABLE)
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:pair_les_portable>)
    target_link_options(${target} PRIVATE ${portable_options})
  endif()
endfunction()

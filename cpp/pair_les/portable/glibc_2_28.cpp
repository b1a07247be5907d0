// SPDX-License-Identifier: MIT
// What newer compilers and C libraries refer to, for a system with glibc 2.28. Part of every library of a portable build
// (cmake/PortableLibraries.cmake), and hidden in it.

#if !defined(__x86_64__) || !defined(__linux__)
#error "PAIR_LES_PORTABLE knows the versions of symbols of x86_64 Linux alone"
#endif

#include <new>
#include <sstream>
#include <string>

#include <dlfcn.h>

#define PAIR_LES_HIDDEN __attribute__((visibility("hidden")))

// The linker takes __wrap_NAME for NAME. `old` is the function of the C library with the version that glibc 2.28 and all later ones
// have. A call of the dlfcn functions must come from the library itself, whose search path they use: this is part of it.
#define PAIR_LES_OLD_VERSION(old, name, version) __asm__(".symver " #old "," #name "@" version)

// std::stringbuf::str() const of GLIBCXX_3.4.21, which C++20 declares with a reference qualifier
std::string text_of(const std::stringbuf *) __asm__(
    "_ZNKSt7__cxx1115basic_stringbufIcSt11char_traitsIcESaIcEE3strEv");

extern "C" {

// since glibc 2.29 and 2.35 without the error handling of SVID, with the same results
double exp_2_2(double);
double log_2_2(double);
double pow_2_2(double, double);
double hypot_2_2(double, double);
PAIR_LES_OLD_VERSION(exp_2_2, exp, "GLIBC_2.2.5");
PAIR_LES_OLD_VERSION(log_2_2, log, "GLIBC_2.2.5");
PAIR_LES_OLD_VERSION(pow_2_2, pow, "GLIBC_2.2.5");
PAIR_LES_OLD_VERSION(hypot_2_2, hypot, "GLIBC_2.2.5");
PAIR_LES_HIDDEN double __wrap_exp(double x)
{
  return exp_2_2(x);
}
PAIR_LES_HIDDEN double __wrap_log(double x)
{
  return log_2_2(x);
}
PAIR_LES_HIDDEN double __wrap_pow(double x, double y)
{
  return pow_2_2(x, y);
}
PAIR_LES_HIDDEN double __wrap_hypot(double x, double y)
{
  return hypot_2_2(x, y);
}

// since glibc 2.34 in libc.so.6, before in libdl.so.2
void *dlopen_2_2(const char *, int);
int dlclose_2_2(void *);
void *dlsym_2_2(void *, const char *);
char *dlerror_2_2();
int dladdr_2_2(const void *, Dl_info *);
int dladdr1_2_3(const void *, Dl_info *, void **, int);
PAIR_LES_OLD_VERSION(dlopen_2_2, dlopen, "GLIBC_2.2.5");
PAIR_LES_OLD_VERSION(dlclose_2_2, dlclose, "GLIBC_2.2.5");
PAIR_LES_OLD_VERSION(dlsym_2_2, dlsym, "GLIBC_2.2.5");
PAIR_LES_OLD_VERSION(dlerror_2_2, dlerror, "GLIBC_2.2.5");
PAIR_LES_OLD_VERSION(dladdr_2_2, dladdr, "GLIBC_2.2.5");
PAIR_LES_OLD_VERSION(dladdr1_2_3, dladdr1, "GLIBC_2.3.3");
PAIR_LES_HIDDEN void *__wrap_dlopen(const char *file, int mode)
{
  return dlopen_2_2(file, mode);
}
PAIR_LES_HIDDEN int __wrap_dlclose(void *library)
{
  return dlclose_2_2(library);
}
PAIR_LES_HIDDEN void *__wrap_dlsym(void *library, const char *name)
{
  return dlsym_2_2(library, name);
}
PAIR_LES_HIDDEN char *__wrap_dlerror()
{
  return dlerror_2_2();
}
PAIR_LES_HIDDEN int __wrap_dladdr(const void *address, Dl_info *info)
{
  return dladdr_2_2(address, info);
}
PAIR_LES_HIDDEN int __wrap_dladdr1(const void *address, Dl_info *info, void **extra, int flags)
{
  return dladdr1_2_3(address, info, extra, flags);
}

// Of glibc 2.32: whether reference counts may do without atomic operations. No is always right.
PAIR_LES_HIDDEN char __libc_single_threaded = 0;

// std::__throw_bad_array_new_length() of GLIBCXX_3.4.29, called where the size of an array overflows.
[[noreturn]] PAIR_LES_HIDDEN void _ZSt28__throw_bad_array_new_lengthv()
{
  throw std::bad_array_new_length();
}

// std::stringbuf::str() const & of GLIBCXX_3.4.29: the same as the former one. Calls agree: a member function gets its object
// where a function gets its first argument.
PAIR_LES_HIDDEN std::string
_ZNKRSt7__cxx1115basic_stringbufIcSt11char_traitsIcESaIcEE3strEv(const std::stringbuf *buffer)
{
  return text_of(buffer);
}
}

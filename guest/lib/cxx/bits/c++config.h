/*
 * The compiler's own C++ library, header-only parts: what it takes for granted on Linux and does not have here.
 * Threads are the kernel's (rt_thread_create), texts have one byte a character, and nothing is there to be linked.
 */
#ifndef FAULTLINE_CXX_CONFIG_H_
#define FAULTLINE_CXX_CONFIG_H_

#include_next <bits/c++config.h>

#undef _GLIBCXX_HAS_GTHREADS
#undef _GLIBCXX_USE_WCHAR_T
#undef _GLIBCXX_USE_DEPRECATED
#define _GLIBCXX_USE_DEPRECATED 0

#endif

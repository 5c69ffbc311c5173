/* Reference counts of the C++ library are atomic; it has no locks of its own. */
#ifndef FAULTLINE_CXX_GTHR_H_
#define FAULTLINE_CXX_GTHR_H_

typedef int __gthread_mutex_t;
typedef int __gthread_recursive_mutex_t;
typedef int __gthread_cond_t;

static inline int __gthread_active_p(void) { return 1; }

#endif

/* There is no glibc, of whatever version. */
#ifndef FAULTLINE_CXX_FEATURES_H_
#define FAULTLINE_CXX_FEATURES_H_

#define __GLIBC_PREREQ(major, minor) 0

#endif

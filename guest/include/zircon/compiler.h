/* What Zircon's headers expect of the compiler. */
#ifndef ZIRCON_COMPILER_H_
#define ZIRCON_COMPILER_H_

#ifdef __cplusplus
#define __BEGIN_CDECLS extern "C" {
#define __END_CDECLS }
#define __CONSTEXPR constexpr
#else
#define __BEGIN_CDECLS
#define __END_CDECLS
#define __CONSTEXPR
#endif

#define __NO_RETURN __attribute__((__noreturn__))
#define __EXPORT __attribute__((__visibility__("default")))
#define __LOCAL __attribute__((__visibility__("hidden")))
#define __WEAK __attribute__((__weak__))
#define __ALIAS(target) __attribute__((__alias__(target)))
#define __PACKED __attribute__((__packed__))
#define __ALIGNED(bytes) __attribute__((__aligned__(bytes)))
#define __UNUSED __attribute__((__unused__))
#define __USED __attribute__((__used__))
#define __CONST __attribute__((__const__))
#define __PURE __attribute__((__pure__))
#define __LEAF_FN __attribute__((__leaf__))
#define __WARN_UNUSED_RESULT __attribute__((__warn_unused_result__))
#define __PRINTFLIKE(format, arguments) __attribute__((__format__(__printf__, format, arguments)))
#define __SECTION(name) __attribute__((__section__(name)))
#define __ALWAYS_INLINE __attribute__((__always_inline__))
#define __NO_INLINE __attribute__((__noinline__))
#define __ASM __asm__

#ifndef likely
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#endif

#endif

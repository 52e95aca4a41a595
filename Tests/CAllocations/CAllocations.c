#include "CAllocations.h"

#include <errno.h>
#include <stddef.h>

// glibc's own, under the names it keeps for programs that take malloc's place.
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static _Thread_local int is_counting __attribute__((tls_model("initial-exec")));
static _Thread_local uint64_t count __attribute__((tls_model("initial-exec")));

static void note(void) {
    if (is_counting) count++;
}

// A sanitizer takes malloc's place itself, and does not survive another one there.
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
int allocations_are_counted(void) { return 0; }
#else
int allocations_are_counted(void) { return 1; }

void *malloc(size_t size) {
    note();
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
    note();
    return __libc_calloc(number, size);
}

void *realloc(void *memory, size_t size) {
    note();
    return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size) {
    note();
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    note();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
    note();
    void *memory = __libc_memalign(alignment, size);
    if (!memory) return ENOMEM;
    *result = memory;
    return 0;
}
#endif

void allocations_begin(void) {
    count = 0;
    is_counting = 1;
}

uint64_t allocations_end(void) {
    is_counting = 0;
    return count;
}

// Counts the heap allocations of one thread, exactly, by taking malloc's place in a test program.
#ifndef CALLOCATIONS_H
#define CALLOCATIONS_H

#include <stdint.h>

// Whether this program counts: one that was built with a sanitizer does not.
int allocations_are_counted(void);

// Counts from zero, on the calling thread only.
void allocations_begin(void);

// How many allocations this thread has made since allocations_begin().
uint64_t allocations_end(void);

#endif

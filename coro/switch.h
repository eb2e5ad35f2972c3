// Switching between stacks. One of switch_x86_64.S and switch_ucontext.c implements it.
#ifndef GYRE_CORO_SWITCH_H
#define GYRE_CORO_SWITCH_H

#include "base/base.h"

// The first function on a new stack; never returns.
typedef void gyre__entry_fn(void *arg);

// Lays a first frame on a fresh stack that reaches from `base` up to `top` (16-byte aligned), so
// that switching to the returned stack pointer calls entry(arg). Floating-point control words are
// the caller's.
void *gyre__switch_prepare(void *base, void *top, gyre__entry_fn *entry, void *arg);

// The same for stacks that are switched with gyre__switch_fpenv.
void *gyre__switch_prepare_fpenv(void *base, void *top, gyre__entry_fn *entry, void *arg);

// Leaves the running stack, whose pointer is stored in *save, and goes on where `load` was saved
// (or prepared). Returns, once somebody switches back, the value that they passed.
intptr_t gyre__switch(void **save, void *load, intptr_t value);

// The same; each side keeps its own mxcsr and x87 control word.
intptr_t gyre__switch_fpenv(void **save, void *load, intptr_t value);

// The name of the implementation: "x86_64" or "ucontext".
extern const char gyre__switch_name[];

#endif

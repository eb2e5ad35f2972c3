// Switching stacks through ucontext(3), where there is no assembly for the machine.
//
// Design notes. A suspended side is a `struct context` in the frame of gyre__switch on its own
// stack; its address stands for the stack pointer. swapcontext saves the signal mask with a system
// call, so this is some sixty times slower than the assembly; it exists to be correct everywhere.

#include "coro/switch.h"

#include <ucontext.h>

const char gyre__switch_name[] = "ucontext";

struct context {
    ucontext_t registers;
    intptr_t value; // what the side that switched here passed
    gyre__entry_fn *entry;
    void *arg;
};

// makecontext passes ints only: the pointer travels in two halves.
static void begin(unsigned high, unsigned low)
{
    struct context *context = (struct context *)((uintptr_t)high << 32 | low);
    context->entry(context->arg);
}

void *gyre__switch_prepare(void *base, void *top, gyre__entry_fn *entry, void *arg)
{
    uintptr_t at = ((uintptr_t)top - sizeof(struct context)) & ~(uintptr_t)63;
    struct context *context = (struct context *)at;
    getcontext(&context->registers);
    context->entry = entry;
    context->arg = arg;
    context->registers.uc_stack.ss_sp = base;
    context->registers.uc_stack.ss_size = at - (uintptr_t)base;
    context->registers.uc_link = NULL;
    makecontext(&context->registers, (void (*)(void))begin, 2, (unsigned)(at >> 32), (unsigned)at);
    return context;
}

void *gyre__switch_prepare_fpenv(void *base, void *top, gyre__entry_fn *entry, void *arg)
{
    return gyre__switch_prepare(base, top, entry, arg);
}

intptr_t gyre__switch(void **save, void *load, intptr_t value)
{
    struct context here, *there = load;
    *save = &here;
    there->value = value;
    swapcontext(&here.registers, &there->registers);
    return here.value;
}

intptr_t gyre__switch_fpenv(void **save, void *load, intptr_t value)
{
    return gyre__switch(save, load, value);
}

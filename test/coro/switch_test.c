// timeout 120
// The switch itself: what survives it, and what it costs the kernel.
#include "coro/switch.h"
#include "test/coro/loop.h"

enum { SWITCHES = 1000000 };

// ---- Locals and floating-point control words --------------------------------------------------

// Rounding modes, as the x87 unit and mxcsr number them.
enum { NEAREST = 0, DOWN = 1, UP = 2, MIXED = 9 };

#if defined(__x86_64__)
static void set_rounding(int mode)
{
    unsigned mxcsr;
    unsigned short control;
    __asm__ volatile("stmxcsr %0\n fnstcw %1" : "=m"(mxcsr), "=m"(control));
    mxcsr = (mxcsr & ~0x6000U) | (unsigned)mode << 13;
    control = (unsigned short)((control & ~0xc00U) | (unsigned)mode << 10);
    __asm__ volatile("ldmxcsr %0\n fldcw %1" : : "m"(mxcsr), "m"(control));
}

static int rounding(void)
{
    unsigned mxcsr;
    unsigned short control;
    __asm__ volatile("stmxcsr %0\n fnstcw %1" : "=m"(mxcsr), "=m"(control));
    int sse = mxcsr >> 13 & 3, x87 = control >> 10 & 3;
    return sse == x87 ? sse : MIXED;
}
#else
static void set_rounding(int mode)
{
    (void)mode;
    SKIP("the control words are those of x86-64");
}

static int rounding(void)
{
    return NEAREST;
}
#endif

struct pair {
    int rounding;
    bool failed;
};

static double third(void)
{
    volatile double one = 1, three = 3;
    return one / three;
}

static int keep_a_big_array(gyre_coro *self, void *arg)
{
    struct pair *pair = arg;
    unsigned array[8192];
    for (unsigned i = 0; i < 8192; i++) array[i] = i * 2654435761U;
    set_rounding(pair->rounding);
    double expected = third();
    for (int i = 0; i < SWITCHES / 2; i++) {
        int err = gyre_generator_yield(self, NULL, NULL);
        if (err) return err;
        if (rounding() != pair->rounding || third() != expected) pair->failed = true;
        if (array[i % 8192] != (unsigned)(i % 8192) * 2654435761U) pair->failed = true;
    }
    for (unsigned i = 0; i < 8192; i++)
        if (array[i] != i * 2654435761U) pair->failed = true;
    return 0;
}

static void switch_keeps_locals_and_the_rounding_mode_a_million_times(void **state)
{
    (void)state;
    gyre_spawn_opts opts = {.fpenv = true};
    struct pair up = {UP, false}, down = {DOWN, false};
    gyre_generator *a, *b;
    void *value;
    assert_int_equal(gyre_generator_open(&a, loop, keep_a_big_array, &up, &opts), 0);
    assert_int_equal(gyre_generator_open(&b, loop, keep_a_big_array, &down, &opts), 0);
    double nearest = third();
    bool failed = false;
    for (int i = 0; i < SWITCHES / 2; i++) {
        int err = gyre_generator_next(a, NULL, &value);
        if (!err) err = gyre_generator_next(b, NULL, &value);
        if (err || rounding() != NEAREST || third() != nearest) failed = true;
    }
    assert_false(failed);
    assert_int_equal(gyre_generator_next(a, NULL, &value), GYRE_EEND);
    assert_int_equal(gyre_generator_next(b, NULL, &value), GYRE_EEND);
    assert_false(up.failed);
    assert_false(down.failed);
    gyre_generator_close(a);
    gyre_generator_close(b);
}

static int set_and_wait(gyre_coro *self, void *arg)
{
    (void)self;
    set_rounding(*(int *)arg);
    int err = nap(GYRE_MS(1));
    if (!err && rounding() != *(int *)arg) err = -EFAULT;
    return err;
}

static void switch_keeps_the_rounding_mode_over_waits(void **state)
{
    (void)state;
    int up = UP, down = DOWN;
    gyre_spawn_opts eager = {.fpenv = true}, lazy = {.fpenv = true, .lazy = true};
    gyre_void_future a = gyre_spawn_with(gyre_void, loop, set_and_wait, &up, &eager);
    gyre_void_future b = gyre_spawn_with(gyre_void, loop, set_and_wait, &down, &lazy);
    assert_int_equal(rounding(), NEAREST);
    assert_int_equal(gyre_run(a), 0);
    assert_int_equal(gyre_run(b), 0);
    assert_int_equal(rounding(), NEAREST);
}

// ---- Registers -----------------------------------------------------------------------------

#if defined(__x86_64__)
static void *main_sp, *other_sp;

static void other_side(void *arg)
{
    for (intptr_t value = (intptr_t)arg;;) {
        __asm__ volatile("movq $-1, %%rbx\n movq $-2, %%r12\n movq $-3, %%r13\n"
                         "movq $-4, %%r14\n movq $-5, %%r15"
                         :
                         :
                         : "rbx", "r12", "r13", "r14", "r15");
        value = gyre__switch(&other_sp, main_sp, value + 1);
    }
}

// Fills every register that a callee must preserve, switches, and says what came back.
static uint64_t switch_with_full_registers(uint64_t kept[6]) // NOLINT: written by the assembly
{
    uint64_t result;
    __asm__ volatile("leaq -128(%%rsp), %%rsp\n pushq %%rbp\n pushq %%rbp\n" // past the red zone
                     "movq %[kept], (%%rsp)\n"
                     "movq $0x11, %%rbx\n movq $0x22, %%r12\n movq $0x33, %%r13\n"
                     "movq $0x44, %%r14\n movq $0x55, %%r15\n movq $0x66, %%rbp\n"
                     "callq gyre__switch\n"
                     "movq (%%rsp), %%rcx\n"
                     "movq %%rbx, (%%rcx)\n movq %%r12, 8(%%rcx)\n movq %%r13, 16(%%rcx)\n"
                     "movq %%r14, 24(%%rcx)\n movq %%r15, 32(%%rcx)\n movq %%rbp, 40(%%rcx)\n"
                     "addq $8, %%rsp\n popq %%rbp\n leaq 128(%%rsp), %%rsp"
                     : "=a"(result)
                     : [kept] "r"(kept), "D"(&main_sp), "S"(other_sp), "d"(41L)
                     : "rbx", "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory",
                       "cc");
    return result;
}
#endif

static void switch_preserves_the_callee_saved_registers(void **state)
{
    (void)state;
    if (strcmp(gyre__switch_name, "x86_64") != 0) SKIP("the switch is not the one of x86-64");
#if defined(__x86_64__) && !defined(GYRE__TSAN)
    static _Alignas(64) char stack[65536];
    uint64_t kept[6] = {0};
    other_sp = gyre__switch_prepare(stack, stack + sizeof stack, other_side, (void *)0);
    switch_with_full_registers(kept);
    assert_int_equal(switch_with_full_registers(kept), 42);
    for (uint64_t i = 0; i < 6; i++) assert_int_equal(kept[i], 0x11 * (i + 1));
#elif defined(__x86_64__)
    (void)other_side, (void)switch_with_full_registers;
    SKIP("ThreadSanitizer wants to know of the second stack");
#endif
}

// ---- The kernel ----------------------------------------------------------------------------

static int yield_on(gyre_coro *self, void *arg)
{
    int err = 0;
    while (!err) err = gyre_generator_yield(self, arg, NULL);
    return err;
}

static void switch_asks_the_kernel_for_nothing(void **state)
{
    (void)state;
    gyre_generator *generator;
    void *value;
    assert_int_equal(gyre_generator_open(&generator, loop, yield_on, NULL, NULL), 0);
    assert_int_equal(gyre_generator_next(generator, NULL, &value), 0);
    fault_reset();
    for (int i = 0; i < 1000; i++)
        assert_int_equal(gyre_generator_next(generator, NULL, &value), 0);
    for (int call = 0; call < FAULT_CALLS; call++)
        assert_int_equal(fault_count((enum fault_call)call), 0);
    gyre_generator_close(generator);
}

TESTS(TEST(switch_keeps_locals_and_the_rounding_mode_a_million_times),
      TEST(switch_keeps_the_rounding_mode_over_waits),
      TEST(switch_preserves_the_callee_saved_registers), TEST(switch_asks_the_kernel_for_nothing))

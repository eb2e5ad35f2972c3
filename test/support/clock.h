// Virtual time: hours of deadlines in microseconds, and never early or late by chance.
//
// While it is on, CLOCK_MONOTONIC stands still except for what the test and the waits of the loop
// add. A wrapped wait (epoll_wait, epoll_pwait2, poll, ppoll) asks the kernel without waiting; with
// nothing ready and a finite timeout it advances the time by exactly that timeout and returns 0.
// An endless one really waits, at most 5 s: after that nothing is ever going to happen and the
// test aborts with a message. Other clocks, sleeps, locks, and the waits of support are real.
//
// A peer on a thread works in real time: give it clock_grace, or its answer loses against the
// first deadline. One process, one virtual time: it moves for every thread.
#ifndef TEST_SUPPORT_CLOCK_H
#define TEST_SUPPORT_CLOCK_H

#include <stdint.h>

// Virtual time begins, at the present value of CLOCK_MONOTONIC.
void clock_virtual_start(void);

// Real time again, which is behind where virtual time came to.
void clock_virtual_stop(void);

// Moves virtual time on by `ns` nanoseconds. It wakes nobody: call it between turns.
void clock_advance(int64_t ns);

// What CLOCK_MONOTONIC says now, virtual or real, in nanoseconds.
int64_t clock_now(void);

// Waits since clock_virtual_start, those that found something at once included.
unsigned long clock_waits(void);

// How long a wait with nothing ready really waits for other threads and processes before virtual
// time moves, in real milliseconds. 0 after clock_virtual_start.
void clock_grace(int ms);

// ---- For the wrappers --------------------------------------------------------------------------

// One wait through `wait(arg, timeout in ms)`, made as virtual time has it; timeout in nanoseconds,
// negative = endless.
int clock_wait(int (*wait)(void *arg, int timeout_ms), void *arg, int64_t timeout);

// Says whether virtual time is on.
int clock_is_virtual(void);

#endif

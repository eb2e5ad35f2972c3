// The program that gdb_test.sh looks at: one coroutine, running and then parked.
#include "coro/impl.h"

extern void *parked_sp;
void *parked_sp;
int deep_inside(gyre_loop *loop);
int body_of_the_test(gyre_coro *self, void *arg);
void look_at_it(void);

int deep_inside(gyre_loop *loop)
{
    return gyre_await(gyre_sleep(loop, GYRE_MS(1)));
}

int body_of_the_test(gyre_coro *self, void *arg)
{
    *(gyre_coro **)arg = self;
    return deep_inside(gyre_coro_loop(self));
}

void look_at_it(void) {}

int main(void)
{
    gyre_loop *loop;
    gyre_coro *coro;
    if (gyre_loop_open(&loop, NULL)) return 1;
    gyre_void_future future = gyre_spawn(gyre_void, loop, body_of_the_test, &coro);
    parked_sp = coro->sp;
    look_at_it();
    int err = gyre_run(future);
    gyre_loop_close(loop);
    return err ? 1 : 0;
}

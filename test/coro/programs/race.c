// A real race, for race_test.sh: a variable on a coroutine's stack that another thread writes too.
#include <gyre.h>

#include <pthread.h>

static void *write_to_it(void *variable)
{
    for (int i = 0; i < 1000; i++) ++*(volatile int *)variable;
    return NULL;
}

static int race(gyre_coro *self, void *arg)
{
    (void)arg;
    volatile int variable = 0;
    pthread_t thread;
    if (pthread_create(&thread, NULL, write_to_it, (void *)(uintptr_t)&variable)) return -1;
    for (int i = 0; i < 1000; i++) ++variable;
    int err = gyre_await(gyre_sleep(gyre_coro_loop(self), GYRE_MS(1)));
    for (int i = 0; i < 1000; i++) ++variable;
    pthread_join(thread, NULL);
    return err;
}

int main(void)
{
    return gyre_main(race, NULL);
}

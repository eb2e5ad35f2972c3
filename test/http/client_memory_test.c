// Memory that a client keeps for later bodies, and the bound of it.

#include "test/http/client_rig.h"
#include "test/support/memory.h"

enum { BODY = 1 << 20, MANY = 24 };

#define ONE_BODY \
    PEER_EXPECT_UNTIL("\r\n\r\n"), \
        PEER_SEND("HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n"), PEER_SEND_FILL(BODY)
#define FOUR_BODIES ONE_BODY, ONE_BODY, ONE_BODY, ONE_BODY

static const peer_step script[] = {PEER_ACCEPT, FOUR_BODIES, FOUR_BODIES, FOUR_BODIES,
                                   FOUR_BODIES, FOUR_BODIES, FOUR_BODIES, PEER_END};

static void large_open(struct memory *memory, struct rig *rig)
{
    memory_open(memory);
    *rig = (struct rig){0};
    assert_int_equal(gyre_loop_open(&rig->loop, &(gyre_loop_opts){.allocator = &memory->alloc}), 0);
    assert_int_equal(gyre_client_open(&rig->client, rig->loop, NULL), 0);
    rig_play(rig, script);
}

// Fetches `count` bodies, keeping all responses, and then frees them.
static void fetch_bodies(struct rig *rig, int count)
{
    gyre_response *responses[MANY];
    for (int i = 0; i < count; i++) {
        assert_int_equal(rig_fetch(rig, NULL, &responses[i]), 0);
        assert_int_equal(responses[i]->body.len, BODY);
        assert_int_equal(responses[i]->body.ptr[BODY - 1], peer_fill(BODY - 1));
    }
    for (int i = 0; i < count; i++) gyre_response_free(responses[i]);
}

static void client_keeps_the_block_of_a_large_body_for_the_next(void **state)
{
    (void)state;
    struct memory memory;
    struct rig rig;
    large_open(&memory, &rig);
    fetch_bodies(&rig, 1);
    size_t held = memory.live_bytes;
    assert_true(held > BODY);
    for (int i = 1; i < MANY; i++) {
        fetch_bodies(&rig, 1);
        assert_int_equal(memory.live_bytes, held);
    }
    rig_close(&rig);
    memory_close(&memory);
}

static void client_keeps_no_more_than_its_bound_of_large_bodies(void **state)
{
    (void)state;
    struct memory memory;
    struct rig rig;
    large_open(&memory, &rig);
    fetch_bodies(&rig, MANY);
    printf("%zu bytes kept after %d bodies of %d\n", memory.live_bytes, MANY, BODY);
    assert_true(memory.peak_bytes > (size_t)MANY * BODY);
    assert_true(memory.live_bytes < 17 * (size_t)BODY);
    rig_close(&rig);
    memory_close(&memory);
}

TESTS(cmocka_unit_test(client_keeps_the_block_of_a_large_body_for_the_next),
      cmocka_unit_test(client_keeps_no_more_than_its_bound_of_large_bodies))

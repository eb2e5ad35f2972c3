// One client on one loop, and a scripted peer that it fetches from.
#ifndef TEST_HTTP_CLIENT_RIG_H
#define TEST_HTTP_CLIENT_RIG_H

#include "gyre.h"
#include "test/support/peer.h"
#include "test/support/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNUSED __attribute__((unused))

struct rig {
    gyre_loop *loop;
    gyre_client *client;
    peer *peer;
    char url[128]; // "http://127.0.0.1:port/"
};

static inline void rig_open(struct rig *rig, const gyre_client_opts *opts)
{
    *rig = (struct rig){0};
    assert_int_equal(gyre_loop_open(&rig->loop, NULL), 0);
    assert_int_equal(gyre_client_open(&rig->client, rig->loop, opts), 0);
}

static inline void rig_play(struct rig *rig, const peer_step *script)
{
    rig->peer = peer_start(PEER_IPV4, script);
    snprintf(rig->url, sizeof rig->url, "http://127.0.0.1:%u/", peer_port(rig->peer));
}

// Waits for the script's end, then closes the loop with everything on it.
static inline void rig_close(struct rig *rig)
{
    if (rig->peer) peer_finish(rig->peer);
    assert_int_equal(gyre_loop_close(rig->loop), 0);
}

static inline int rig_fetch(struct rig *rig, const gyre_fetch_opts *opts, gyre_response **response)
{
    *response = NULL;
    return gyre_run(gyre_fetch(rig->client, rig->url, opts), response);
}

// A whole exchange: the peer reads one request head and then plays the rest of the script.
static inline int rig_once(const peer_step *script, const gyre_fetch_opts *opts,
                           gyre_response **response, char why[256])
{
    struct rig rig;
    rig_open(&rig, NULL);
    rig_play(&rig, script);
    int err = rig_fetch(&rig, opts, response);
    if (why) snprintf(why, 256, "%s", gyre_why_last(rig.loop));
    rig_close(&rig);
    return err;
}

static inline void assert_view(gyre_view view, const char *text)
{
    assert_int_equal(view.len, strlen(text));
    assert_memory_equal(view.ptr, text, view.len);
}

#define HEAD_READ PEER_ACCEPT, PEER_EXPECT_UNTIL("\r\n\r\n")
#define RESPONSE(text) \
    { \
        HEAD_READ, PEER_SEND(text), PEER_SHUTDOWN, PEER_END \
    }

#endif

// What the network floor keeps on a loop: its objects, streams that gave way, free buffer blocks.
//
// Design notes. Every stream, listener and the resolver hang in one list, so that gyre_loop_close
// ends them all: first each is cancelled, which fails what is pending on it; memory goes at the
// very end, because a coroutine that cleans up may still hold a stream and close it. An object that
// is cancelled may take itself and others out of the list; a mark of our own in the list keeps the
// walk right.

#include "net/impl.h"

#include <errno.h>

// Enough for a hundred busy streams to take turns without going to the allocator; 4 MiB.
enum { BLOCKS_KEPT = 64 };

// ---- Closing the loop ----------------------------------------------------------------------

static void cancel_all(gyre_loop *loop)
{
    gyre__net *net = gyre__loop_slot(loop, GYRE__SLOT_NET)->state;
    gyre__node done;
    gyre__list_init(&done);
    for (gyre__node *node; (node = gyre__list_pop(&net->objects));) {
        gyre__list_append(&done, node);
        gyre__net_object *object = GYRE_CONTAINER_OF(node, gyre__net_object, link);
        object->kind->cancel(object);
    }
    gyre__list_splice(&net->objects, &done);
}

static void destroy(gyre_loop *loop)
{
    gyre__loop_state *slot = gyre__loop_slot(loop, GYRE__SLOT_NET);
    gyre__net *net = slot->state;
    while (!gyre__list_is_empty(&net->objects)) {
        gyre__net_object *object = GYRE_CONTAINER_OF(net->objects.next, gyre__net_object, link);
        object->kind->destroy(object);
    }
    gyre_timer_stop(&net->again);
    for (void *next, *block = net->blocks; block; block = next) {
        next = *(void **)block;
        gyre__free(net->alloc, block);
    }
    gyre__free(net->alloc, net);
    *slot = (gyre__loop_state){NULL, NULL};
}

static const gyre__floor floor_of_net = {cancel_all, NULL, NULL, destroy};

int gyre__net_open(gyre__net **out, gyre_loop *loop)
{
    if (gyre__loop_is_closing(loop)) return GYRE_ECLOSED;
    gyre__loop_state *slot = gyre__loop_slot(loop, GYRE__SLOT_NET);
    if (!slot->state) {
        const gyre_allocator *alloc = gyre__loop_allocator(loop);
        gyre__net *net = gyre__alloc_zero(alloc, sizeof *net);
        if (!net) return -ENOMEM;
        net->loop = loop;
        net->alloc = alloc;
        gyre__list_init(&net->objects);
        gyre__list_init(&net->hot);
        *slot = (gyre__loop_state){net, &floor_of_net};
    }
    *out = slot->state;
    return 0;
}

void gyre__net_add(gyre__net *net, gyre__net_object *object, const gyre__net_class *kind)
{
    object->kind = kind;
    gyre__list_append(&net->objects, &object->link);
}

void gyre__net_remove(gyre__net_object *object)
{
    if (gyre__node_is_linked(&object->link)) gyre__list_remove(&object->link);
}

// ---- Streams that gave way -----------------------------------------------------------------

static void go_on(gyre_loop *loop, gyre_timer *timer)
{
    (void)loop;
    gyre__net *net = GYRE_CONTAINER_OF(timer, gyre__net, again);
    gyre__node now;
    gyre__list_init(&now);
    gyre__list_splice(&now, &net->hot);
    for (gyre__node *node; (node = gyre__list_pop(&now));)
        gyre__stream_go_on(GYRE_CONTAINER_OF(node, gyre_stream, hot));
}

void gyre__net_give_way(gyre_stream *stream)
{
    gyre__net *net = stream->net;
    if (gyre__node_is_linked(&stream->hot)) return;
    if (gyre__list_is_empty(&net->hot)) gyre_timer_start(net->loop, &net->again, 0, go_on);
    gyre__list_append(&net->hot, &stream->hot);
}

// ---- Buffer blocks -------------------------------------------------------------------------

int gyre__net_attach(gyre__net *net, gyre__buf *buf)
{
    if (buf->block) return 0;
    void *block = net->blocks;
    if (block) {
        net->blocks = *(void **)block;
        net->block_count--;
    } else {
        block = gyre__alloc(net->alloc, GYRE__BLOCK);
        if (!block) return -ENOMEM;
    }
    buf->block = block;
    buf->cap = GYRE__BLOCK;
    return 0;
}

void gyre__net_detach(gyre__net *net, gyre__buf *buf)
{
    if (!buf->block) return;
    if (buf->cap == GYRE__BLOCK && net->block_count < BLOCKS_KEPT) {
        *(void **)(void *)buf->block = net->blocks;
        net->blocks = buf->block;
        net->block_count++;
        buf->block = NULL;
    }
    gyre__buf_release(buf);
}

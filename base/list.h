// Intrusive doubly linked list with a head in the ring; {0} nodes are idle.
//
// A node that is linked has a non-NULL `next`, so "is it queued?" costs one load and removal
// needs neither the head nor a search.
#ifndef GYRE_BASE_LIST_H
#define GYRE_BASE_LIST_H

#include "base/base.h"

static inline void gyre__list_init(gyre__node *head)
{
    head->next = head->prev = head;
}

static inline bool gyre__list_is_empty(const gyre__node *head)
{
    return head->next == head;
}

static inline bool gyre__node_is_linked(const gyre__node *node)
{
    return node->next != NULL;
}

static inline void gyre__list_insert_after(gyre__node *behind, gyre__node *node)
{
    node->next = behind->next;
    node->prev = behind;
    behind->next->prev = node;
    behind->next = node;
}

static inline void gyre__list_append(gyre__node *head, gyre__node *node)
{
    gyre__list_insert_after(head->prev, node);
}

static inline void gyre__list_remove(gyre__node *node)
{
    // A linked node has both; the analyzer does not see that.
    node->prev->next = node->next; // NOLINT(clang-analyzer-core.NullDereference)
    node->next->prev = node->prev; // NOLINT(clang-analyzer-core.NullDereference)
    node->next = node->prev = NULL;
}

static inline gyre__node *gyre__list_pop(gyre__node *head)
{
    gyre__node *first = head->next;
    if (first == head) return NULL;
    gyre__list_remove(first);
    return first;
}

// Moves every node of `from` behind the last of `to`.
static inline void gyre__list_splice(gyre__node *to, gyre__node *from)
{
    if (gyre__list_is_empty(from)) return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    gyre__list_init(from);
}

#endif

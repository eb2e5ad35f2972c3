// The memory of responses.
//
// Design notes. A response and everything it shows is one gyre__answer: an arena, and one block
// more for a body whose length was not known. Freed answers go to their client's free list with the
// arena's chunk and the block, up to a bound, so that a fetch in steady state allocates nothing; a
// block that malloc gave back to the system would cost its page faults anew with each large body.
// The list is counted: a response that is freed after its client, or its loop, is simply freed.

#include "http/client/impl.h"

#include <string.h>

enum { ANSWERS_KEPT = 1024, ARENA_KEPT = 16 << 10, GROWN_FIRST = 16 << 10, GROWN_KEPT = 16 << 20 };

gyre__answers *gyre__answers_open(const gyre_allocator *alloc)
{
    gyre__answers *answers = gyre__alloc_zero(alloc, sizeof *answers);
    if (!answers) return NULL;
    answers->alloc = *alloc;
    answers->references = 1;
    return answers;
}

static void unref(gyre__answers *answers)
{
    if (--answers->references > 0) return;
    gyre_allocator alloc = answers->alloc;
    gyre__free(&alloc, answers);
}

static void destroy(gyre__answers *answers, gyre__answer *answer)
{
    gyre__arena_free(&answer->arena);
    gyre__free(&answers->alloc, answer->grown);
    gyre__free(&answers->alloc, answer);
}

void gyre__answers_close(gyre__answers *answers)
{
    answers->closed = true;
    for (gyre__answer *next, *answer = answers->free; answer; answer = next) {
        next = answer->next;
        destroy(answers, answer);
    }
    answers->free = NULL;
    unref(answers);
}

gyre__answer *gyre__answer_new(gyre__answers *answers)
{
    gyre__answer *answer = answers->free;
    if (answer) {
        answers->free = answer->next;
        answers->free_count--;
        answers->grown_kept -= answer->grown_cap;
    } else {
        answer = gyre__alloc_zero(&answers->alloc, sizeof *answer);
        if (!answer) return NULL;
        gyre__arena_init(&answer->arena, &answers->alloc);
        answer->answers = answers;
    }
    answers->references++;
    return answer;
}

void gyre__answer_clear(gyre__answer *answer)
{
    gyre__arena_reset(&answer->arena);
    memset(&answer->response, 0, sizeof answer->response);
}

static void drop_grown(gyre__answer *answer)
{
    gyre__free(&answer->answers->alloc, answer->grown);
    answer->grown = NULL;
    answer->grown_cap = 0;
}

void gyre__answer_free(gyre__answer *answer)
{
    if (!answer) return;
    gyre__answers *answers = answer->answers;
    if (answers->closed || answers->free_count >= ANSWERS_KEPT || answer->arena.held > ARENA_KEPT) {
        destroy(answers, answer);
    } else {
        gyre__answer_clear(answer);
        if (answers->grown_kept + answer->grown_cap > GROWN_KEPT) drop_grown(answer);
        answers->grown_kept += answer->grown_cap;
        answer->next = answers->free;
        answers->free = answer;
        answers->free_count++;
    }
    unref(answers);
}

void gyre_response_free(gyre_response *response)
{
    if (response) gyre__answer_free(GYRE_CONTAINER_OF(response, gyre__answer, response));
}

gyre_view gyre_header(const gyre_response *response, const char *name)
{
    gyre_view wanted = gyre_view_of(name);
    for (size_t i = 0; i < response->field_count; i++)
        if (gyre_view_equal_nocase(response->fields[i].name, wanted))
            return response->fields[i].value;
    return (gyre_view){NULL, 0};
}

// ---- Head and body ---------------------------------------------------------------------------

int gyre__answer_keep_head(gyre__answer *answer, gyre__head *head, size_t head_len)
{
    gyre_view bytes = gyre__arena_copy(&answer->arena, (gyre_view){head->fields.base, head_len});
    size_t count = head->fields.count;
    gyre_field *fields = gyre__arena_alloc(&answer->arena, (count ? count : 1) * sizeof *fields);
    if (!bytes.ptr || !fields) return -ENOMEM;
    head->fields.base = bytes.ptr;
    for (size_t i = 0; i < count; i++) {
        fields[i].name = gyre__field_name(&head->fields, i);
        fields[i].value = gyre__field_value(&head->fields, i);
    }
    answer->response.status = head->status;
    answer->response.reason = gyre__span_view(bytes.ptr, head->reason);
    answer->response.fields = fields;
    answer->response.field_count = count;
    return 0;
}

char *gyre__answer_body_room(gyre__answer *answer, size_t size)
{
    if (size <= ARENA_KEPT / 2) return gyre__arena_alloc(&answer->arena, size);
    if (size <= answer->grown_cap) return answer->grown;
    drop_grown(answer);
    answer->grown = gyre__alloc(&answer->answers->alloc, size);
    if (answer->grown) answer->grown_cap = size;
    return answer->grown;
}

int gyre__answer_append(gyre__answer *answer, gyre_view bytes, uint64_t max)
{
    gyre_view *body = &answer->response.body;
    if (bytes.len > max - body->len) return GYRE_EBODYSIZE;
    size_t needed = body->len + bytes.len;
    if (needed > answer->grown_cap) {
        size_t cap = answer->grown_cap ? answer->grown_cap : GROWN_FIRST;
        while (cap < needed) cap += cap / 2;
        char *grown = gyre__realloc_array(&answer->answers->alloc, answer->grown, cap, 1);
        if (!grown) return -ENOMEM;
        answer->grown = grown;
        answer->grown_cap = cap;
    }
    if (bytes.len > 0) memcpy(answer->grown + body->len, bytes.ptr, bytes.len);
    *body = (gyre_view){answer->grown, needed};
    return 0;
}

// The cache of answers, by itself.

#include "net/dns_impl.h"
#include "test/support/memory.h"
#include "test/support/test.h"

#include <stdio.h>

static void put(gyre__cache *cache, const char *name, int family, gyre_time expires)
{
    gyre__dns_answer *answer = gyre__dns_answer_new(cache->alloc, family, 0);
    assert_non_null(answer);
    answer->expires = expires;
    gyre__cache_put(cache, name, answer);
    gyre__dns_answer_release(answer);
}

static bool has(gyre__cache *cache, const char *name, int family, gyre_time now)
{
    gyre__dns_answer *answer = gyre__cache_find(cache, name, family, now);
    gyre__dns_answer_release(answer);
    return answer != NULL;
}

static void families_are_kept_apart_and_answers_expire(void **state)
{
    (void)state;
    struct memory memory;
    gyre__cache cache;
    memory_open(&memory);
    gyre__cache_init(&cache, &memory.alloc);
    put(&cache, "a", AF_INET, 100);
    put(&cache, "a", AF_INET6, 200);
    assert_true(has(&cache, "a", AF_INET, 99));
    assert_false(has(&cache, "b", AF_INET, 99));
    assert_false(has(&cache, "a", AF_INET, 100));
    assert_true(has(&cache, "a", AF_INET6, 100));
    assert_int_equal(cache.count, 1); // an expired one goes when it is met
    gyre__cache_clear(&cache);
    memory_close(&memory);
}

static void a_newer_answer_takes_the_place_of_the_older(void **state)
{
    (void)state;
    struct memory memory;
    gyre__cache cache;
    memory_open(&memory);
    gyre__cache_init(&cache, &memory.alloc);
    put(&cache, "a", AF_INET, 100);
    put(&cache, "a", AF_INET, 300);
    assert_int_equal(cache.count, 1);
    assert_true(has(&cache, "a", AF_INET, 200));
    gyre__cache_clear(&cache);
    memory_close(&memory);
}

static void an_answer_in_use_survives_the_cache(void **state)
{
    (void)state;
    struct memory memory;
    gyre__cache cache;
    memory_open(&memory);
    gyre__cache_init(&cache, &memory.alloc);
    put(&cache, "a", AF_INET, 100);
    gyre__dns_answer *answer = gyre__cache_find(&cache, "a", AF_INET, 1);
    gyre__cache_clear(&cache);
    assert_int_equal(answer->family, AF_INET);
    gyre__dns_answer_release(answer);
    gyre__dns_answer_release(NULL);
    memory_close(&memory);
}

static void what_was_not_used_longest_goes_first(void **state)
{
    (void)state;
    struct memory memory;
    gyre__cache cache;
    memory_open(&memory);
    gyre__cache_init(&cache, &memory.alloc);
    put(&cache, "used", AF_INET, 100);
    put(&cache, "old", AF_INET, 100);
    for (int i = 0; i < 255; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%d", i);
        assert_true(has(&cache, "used", AF_INET, 1));
        put(&cache, name, AF_INET, 100);
    }
    assert_int_equal(cache.count, 256);
    assert_true(has(&cache, "used", AF_INET, 1));
    assert_false(has(&cache, "old", AF_INET, 1));
    gyre__cache_clear(&cache);
    memory_close(&memory);
}

static void without_memory_an_answer_is_not_kept(void **state)
{
    (void)state;
    struct memory memory;
    gyre__cache cache;
    memory_open(&memory);
    gyre__cache_init(&cache, &memory.alloc);
    gyre__dns_answer *answer = gyre__dns_answer_new(&memory.alloc, AF_INET, 1);
    assert_non_null(answer);
    answer->expires = 100;
    memory_fail_nth(&memory, 1);
    gyre__cache_put(&cache, "a", answer);
    gyre__dns_answer_release(answer);
    assert_false(has(&cache, "a", AF_INET, 1));
    memory_close(&memory);
}

TESTS(cmocka_unit_test(families_are_kept_apart_and_answers_expire),
      cmocka_unit_test(a_newer_answer_takes_the_place_of_the_older),
      cmocka_unit_test(an_answer_in_use_survives_the_cache),
      cmocka_unit_test(what_was_not_used_longest_goes_first),
      cmocka_unit_test(without_memory_an_answer_is_not_kept))

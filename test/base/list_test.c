#include "test/support/test.h"

#include "base/list.h"

#include <string.h>

typedef struct item {
    char name;
    gyre__node node;
} item;

static item items[6] = {{'a', {0}}, {'b', {0}}, {'c', {0}}, {'d', {0}}, {'e', {0}}, {'f', {0}}};

static void fill(gyre__node *head, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) gyre__list_append(head, &items[i].node);
}

static item *item_of(gyre__node *node)
{
    return GYRE_CONTAINER_OF(node, item, node);
}

// The names in order, read forwards; fails when reading backwards tells otherwise.
static const char *names(gyre__node *head)
{
    static char text[8];
    size_t len = 0;
    for (gyre__node *node = head->next; node != head; node = node->next) {
        assert_ptr_equal(node->next->prev, node);
        assert_ptr_equal(node->prev->next, node);
        text[len++] = item_of(node)->name;
        assert_true(len < sizeof text);
    }
    text[len] = '\0';
    size_t back = len;
    for (gyre__node *node = head->prev; node != head; node = node->prev) {
        assert_true(back > 0);
        assert_int_equal(item_of(node)->name, text[--back]);
    }
    assert_int_equal(back, 0);
    return text;
}

static int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < 6; i++) memset(&items[i].node, 0, sizeof items[i].node);
    return 0;
}

static void list_begins_empty(void **state)
{
    (void)state;
    gyre__node head;
    gyre__list_init(&head);
    assert_true(gyre__list_is_empty(&head));
    assert_null(gyre__list_pop(&head));
    assert_string_equal(names(&head), "");
}

static void list_zeroed_node_is_idle_until_it_is_appended(void **state)
{
    (void)state;
    gyre__node head;
    gyre__list_init(&head);
    assert_false(gyre__node_is_linked(&items[0].node));
    gyre__list_append(&head, &items[0].node);
    assert_true(gyre__node_is_linked(&items[0].node));
    assert_false(gyre__list_is_empty(&head));
    gyre__list_remove(&items[0].node);
    assert_false(gyre__node_is_linked(&items[0].node));
    assert_null(items[0].node.prev);
    assert_true(gyre__list_is_empty(&head));
}

static void list_pops_in_the_order_of_append(void **state)
{
    (void)state;
    gyre__node head;
    gyre__list_init(&head);
    fill(&head, 0, 3);
    assert_string_equal(names(&head), "abc");
    for (size_t i = 0; i < 3; i++) {
        assert_ptr_equal(gyre__list_pop(&head), &items[i].node);
        assert_false(gyre__node_is_linked(&items[i].node));
    }
    assert_null(gyre__list_pop(&head));
}

static void list_remove_leaves_the_others_in_order(void **state)
{
    (void)state;
    static const char *const without[] = {"bcd", "acd", "abd", "abc"};
    for (size_t i = 0; i < 4; i++) {
        gyre__node head;
        gyre__list_init(&head);
        setup(state);
        fill(&head, 0, 4);
        gyre__list_remove(&items[i].node);
        assert_string_equal(names(&head), without[i]);
        assert_false(gyre__node_is_linked(&items[i].node));
        gyre__list_append(&head, &items[i].node);
        assert_int_equal(names(&head)[3], items[i].name);
    }
}

// Every order of removing three nodes ends with an empty list.
static void list_empties_in_every_order_of_removal(void **state)
{
    static const size_t orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                        {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (size_t o = 0; o < 6; o++) {
        gyre__node head;
        gyre__list_init(&head);
        setup(state);
        fill(&head, 0, 3);
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(strlen(names(&head)), 3 - i);
            gyre__list_remove(&items[orders[o][i]].node);
            assert_null(strchr(names(&head), items[orders[o][i]].name));
        }
        assert_true(gyre__list_is_empty(&head));
    }
}

static void list_splice_appends_in_order_and_empties_the_source(void **state)
{
    // Sizes of both lists, 0 to 3 each; `to` gets a, b, … and `from` what follows.
    for (size_t to_len = 0; to_len <= 3; to_len++) {
        for (size_t from_len = 0; from_len <= 3; from_len++) {
            gyre__node to, from;
            gyre__list_init(&to);
            gyre__list_init(&from);
            setup(state);
            fill(&to, 0, to_len);
            fill(&from, to_len, to_len + from_len);
            gyre__list_splice(&to, &from);
            char expected[8] = "abcdef";
            expected[to_len + from_len] = '\0';
            assert_string_equal(names(&to), expected);
            assert_true(gyre__list_is_empty(&from));
            assert_string_equal(names(&from), "");
        }
    }
}

static void list_is_usable_after_a_splice(void **state)
{
    (void)state;
    gyre__node to, from;
    gyre__list_init(&to);
    gyre__list_init(&from);
    fill(&to, 0, 2);
    fill(&from, 2, 4);
    gyre__list_splice(&to, &from);
    gyre__list_remove(&items[2].node); // the first that came over
    gyre__list_append(&to, &items[4].node);
    gyre__list_append(&from, &items[5].node);
    assert_string_equal(names(&to), "abde");
    assert_string_equal(names(&from), "f");
    gyre__list_splice(&from, &to);
    assert_string_equal(names(&from), "fabde");
    assert_string_equal(names(&to), "");
}

static void list_node_may_be_removed_without_its_head(void **state)
{
    (void)state;
    gyre__node first, second;
    gyre__list_init(&first);
    gyre__list_init(&second);
    fill(&first, 0, 2);
    fill(&second, 2, 4);
    for (size_t i = 0; i < 4; i++) gyre__list_remove(&items[i].node);
    assert_true(gyre__list_is_empty(&first));
    assert_true(gyre__list_is_empty(&second));
}

TESTS(cmocka_unit_test_setup(list_begins_empty, setup),
      cmocka_unit_test_setup(list_zeroed_node_is_idle_until_it_is_appended, setup),
      cmocka_unit_test_setup(list_pops_in_the_order_of_append, setup),
      cmocka_unit_test_setup(list_remove_leaves_the_others_in_order, setup),
      cmocka_unit_test_setup(list_empties_in_every_order_of_removal, setup),
      cmocka_unit_test_setup(list_splice_appends_in_order_and_empties_the_source, setup),
      cmocka_unit_test_setup(list_is_usable_after_a_splice, setup),
      cmocka_unit_test_setup(list_node_may_be_removed_without_its_head, setup))

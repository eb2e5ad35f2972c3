#include "test/support/test.h"

#include "base/error.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

typedef struct entry {
    int code;
    const char *name;
    const char *class_;
    const char *phase;
    bool retry_safe;
    const char *text;
} entry;

static const entry entries[] = {
#define ENTRY(code, value, class_, phase, safe, text) {value, #code, class_, phase, safe, text},
    GYRE_ERROR_LIST(ENTRY)
#undef ENTRY
};

enum { ENTRIES = sizeof entries / sizeof entries[0] };

static bool is_one_of(const char *text, const char *const *list)
{
    for (; *list; list++) {
        if (strcmp(text, *list) == 0) return true;
    }
    return false;
}

static void error_codes_and_names_are_unique(void **state)
{
    (void)state;
    for (size_t i = 0; i < ENTRIES; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(entries[i].code, entries[j].code);
            assert_string_not_equal(entries[i].name, entries[j].name);
            assert_string_not_equal(entries[i].text, entries[j].text);
        }
    }
}

static void error_codes_lie_below_every_errno(void **state)
{
    (void)state;
    for (size_t i = 0; i < ENTRIES; i++) assert_true(entries[i].code < -4095);
}

static void error_classes_come_from_the_fixed_list(void **state)
{
    (void)state;
    static const char *const classes[] = {
        "timeout",   "connect",          "resolve",  "tls",    "protocol",
        "closed",    "too_large",        "resource", "nomem",  "too_many_redirects",
        "cancelled", "redirect_refused", "misuse",   "system", "invalid_url",
        "ok",        "invalid_request",  NULL,
    };
    for (size_t i = 0; i < ENTRIES; i++) assert_true(is_one_of(entries[i].class_, classes));
    for (int err = 0; err >= -4095; err--) assert_true(is_one_of(gyre_err_class(err), classes));
}

static void error_phases_come_from_the_fixed_list(void **state)
{
    (void)state;
    static const char *const phases[] = {"queue", "resolve", "connect", "tls", "send",
                                         "wait",  "receive", "",        NULL};
    for (size_t i = 0; i < ENTRIES; i++) assert_true(is_one_of(entries[i].phase, phases));
    for (int err = 0; err >= -4095; err--) assert_true(is_one_of(gyre_err_phase(err), phases));
}

static void error_texts_are_short_and_without_full_stop(void **state)
{
    (void)state;
    for (size_t i = 0; i < ENTRIES; i++) {
        size_t len = strlen(entries[i].text);
        assert_true(len > 0 && len <= 60);
        assert_int_not_equal(entries[i].text[len - 1], '.');
    }
}

// Once the request may be on its way, nothing is safe to send again.
static void error_is_not_retry_safe_once_sending_began(void **state)
{
    (void)state;
    static const char *const sent[] = {"send", "wait", "receive", NULL};
    for (size_t i = 0; i < ENTRIES; i++) {
        if (is_one_of(entries[i].phase, sent)) assert_false(entries[i].retry_safe);
    }
}

static void error_functions_answer_from_the_list(void **state)
{
    (void)state;
    for (size_t i = 0; i < ENTRIES; i++) {
        const entry *e = &entries[i];
        assert_string_equal(gyre_errname(e->code), e->name);
        assert_string_equal(gyre_strerror(e->code), e->text);
        assert_string_equal(gyre_err_class(e->code), e->class_);
        assert_string_equal(gyre_err_phase(e->code), e->phase);
        assert_int_equal(gyre_err_is_retry_safe(e->code), e->retry_safe);
    }
}

static void check(int err, const char *class_, const char *phase, bool retry_safe)
{
    assert_string_equal(gyre_err_class(err), class_);
    assert_string_equal(gyre_err_phase(err), phase);
    assert_int_equal(gyre_err_is_retry_safe(err), retry_safe);
}

// At least one of every class and phase, written out a second time.
static void error_own_codes_say_what_a_caller_decides_on(void **state)
{
    (void)state;
    check(GYRE_ECANCELED, "cancelled", "", false);
    check(GYRE_ECLOSED, "closed", "", false);
    check(GYRE_EBUSY, "misuse", "", false);
    check(GYRE_ENOGUARD, "resource", "", false);
    check(GYRE_ELIMIT, "too_large", "", false);
    check(GYRE_ETIMEDOUT, "timeout", "", false);
    check(GYRE_ETIMEDOUT_QUEUE, "timeout", "queue", true);
    check(GYRE_ETIMEDOUT_RESOLVE, "timeout", "resolve", true);
    check(GYRE_ETIMEDOUT_CONNECT, "timeout", "connect", true);
    check(GYRE_ETIMEDOUT_TLS, "timeout", "tls", true);
    check(GYRE_ETIMEDOUT_SEND, "timeout", "send", false);
    check(GYRE_ETIMEDOUT_WAIT, "timeout", "wait", false);
    check(GYRE_ETIMEDOUT_RECEIVE, "timeout", "receive", false);
    check(GYRE_ENOTFOUND, "resolve", "resolve", true);
    check(GYRE_ECONNECT, "connect", "connect", true);
    check(GYRE_ETLS, "tls", "tls", true);
    check(GYRE_ECLOSED_SEND, "closed", "send", false);
    check(GYRE_ECLOSED_WAIT, "closed", "wait", false);
    check(GYRE_EFRAMING, "protocol", "receive", false);
    check(GYRE_EBODYSIZE, "too_large", "receive", false);
    check(GYRE_EREDIRECTS, "too_many_redirects", "receive", false);
    check(GYRE_EREDIRECT, "redirect_refused", "receive", false);
    check(GYRE_EURL, "invalid_url", "", true);
    check(GYRE_EREQUEST, "invalid_request", "", true);
}

static void error_system_errors_have_the_class_of_their_cause(void **state)
{
    (void)state;
    static const struct {
        const char *class_;
        int codes[8];
    } groups[] = {
        {"connect", {ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN, EADDRNOTAVAIL}},
        {"timeout", {ETIMEDOUT}},
        {"closed", {ECONNRESET, EPIPE, ECONNABORTED, ENOTCONN}},
        {"resource", {EMFILE, ENFILE, ENOSPC, ENOBUFS, EAGAIN, EWOULDBLOCK}},
        {"nomem", {ENOMEM}},
        {"cancelled", {ECANCELED}},
        {"misuse", {EINVAL, EPERM, EBUSY, EDEADLK, EEXIST, EBADF}},
        {"system", {ENOENT, EACCES, EIO, EINTR, EADDRINUSE, EISDIR, EPROTO}},
    };
    for (size_t g = 0; g < sizeof groups / sizeof groups[0]; g++) {
        bool safe = strcmp(groups[g].class_, "connect") == 0;
        for (const int *code = groups[g].codes; *code; code++) {
            check(-*code, groups[g].class_, safe ? "connect" : "", safe);
        }
    }
}

static void error_system_errors_have_names_and_texts(void **state)
{
    (void)state;
    assert_string_equal(gyre_errname(-ECONNREFUSED), "ECONNREFUSED");
    assert_string_equal(gyre_strerror(-ECONNREFUSED), "Connection refused");
    assert_string_equal(gyre_errname(-EAGAIN), "EAGAIN");
    assert_string_equal(gyre_errname(-ENOMEM), "ENOMEM");
    assert_string_equal(gyre_errname(-EISDIR), "EISDIR");
    assert_string_equal(gyre_strerror(-ENOENT), "No such file or directory");
}

// The table gives the names of glibc, and glibc those that the table has not.
static void error_system_errors_read_as_in_glibc(void **state)
{
    (void)state;
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 32)
    int known = 0;
    for (int number = 1; number <= 4095; number++) {
        const char *name = strerrorname_np(number);
        assert_string_equal(gyre_errname(-number), name ? name : "UNKNOWN");
        const char *text = strerrordesc_np(number);
        assert_string_equal(gyre_strerror(-number), text ? text : "unknown error");
        known += name != NULL;
    }
    assert_true(known > 100);
#else
    SKIP("the C library is not glibc 2.32 or later");
#endif
}

static void error_zero_is_ok(void **state)
{
    (void)state;
    assert_string_equal(gyre_errname(0), "OK");
    assert_string_equal(gyre_strerror(0), "success");
    check(0, "ok", "", false);
}

static void error_unknown_codes_are_answered_too(void **state)
{
    (void)state;
    static const int codes[] = {1,     ECONNREFUSED, INT_MAX, INT_MIN, INT_MIN + 1, -4095,
                                -4096, -5000,        -5019,   -5999,   5001};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        assert_string_equal(gyre_errname(codes[i]), "UNKNOWN");
        assert_string_equal(gyre_strerror(codes[i]), "unknown error");
        check(codes[i], "system", "", false);
    }
}

TESTS(cmocka_unit_test(error_codes_and_names_are_unique),
      cmocka_unit_test(error_codes_lie_below_every_errno),
      cmocka_unit_test(error_classes_come_from_the_fixed_list),
      cmocka_unit_test(error_phases_come_from_the_fixed_list),
      cmocka_unit_test(error_texts_are_short_and_without_full_stop),
      cmocka_unit_test(error_is_not_retry_safe_once_sending_began),
      cmocka_unit_test(error_functions_answer_from_the_list),
      cmocka_unit_test(error_own_codes_say_what_a_caller_decides_on),
      cmocka_unit_test(error_system_errors_have_the_class_of_their_cause),
      cmocka_unit_test(error_system_errors_have_names_and_texts),
      cmocka_unit_test(error_system_errors_read_as_in_glibc), cmocka_unit_test(error_zero_is_ok),
      cmocka_unit_test(error_unknown_codes_are_answered_too))

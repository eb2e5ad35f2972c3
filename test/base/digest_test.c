#include "test/support/test.h"

#include "base/digest.h"

#include <stdio.h>
#include <string.h>

static char hex[2 * GYRE__SHA256_SIZE + 1];

static const char *finish(gyre__sha256 *sha)
{
    unsigned char digest[GYRE__SHA256_SIZE];
    gyre__sha256_final(sha, digest);
    gyre__hex(hex, (gyre_view){(const char *)digest, sizeof digest});
    return hex;
}

static const char *sha256_of(gyre_view message)
{
    gyre__sha256 sha;
    gyre__sha256_init(&sha);
    gyre__sha256_update(&sha, message);
    return finish(&sha);
}

// The messages of FIPS 180-4's example papers.
static void sha256_of_the_standard_messages(void **state)
{
    (void)state;
    assert_string_equal(sha256_of((gyre_view){NULL, 0}),
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_string_equal(sha256_of(GYRE_VIEW("abc")),
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_string_equal(
        sha256_of(GYRE_VIEW("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    assert_string_equal(
        sha256_of(GYRE_VIEW("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                            "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu")),
        "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
}

// Pieces of 999 bytes, so that they do not fall on the ends of blocks.
static void sha256_of_a_million_letters(void **state)
{
    (void)state;
    char piece[999];
    memset(piece, 'a', sizeof piece);
    gyre__sha256 sha;
    gyre__sha256_init(&sha);
    for (size_t left = 1000000, take; left > 0; left -= take) {
        take = left < sizeof piece ? left : sizeof piece;
        gyre__sha256_update(&sha, (gyre_view){piece, take});
    }
    assert_string_equal(finish(&sha),
                        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// Lengths where the padding just fits into the block, or just does not; made with sha256sum(1).
static void sha256_pads_at_every_edge_of_a_block(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        const char *digest;
    } cases[] = {
        {1, "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"},
        {55, "d5e285683cd4efc02d021a5c62014694958901005d6f71e89e0989fac77e4072"},
        {56, "04c26261370ee7541549d16dee320c723e3fd14671e66a099afe0a377c16888e"},
        {57, "ae14a2563ccf969d99aca69ce6bb74981f734bbf9f655f73b8f06db68cab5217"},
        {63, "75220b47218278e656f2013bb8f0c455a25eaf01e86c64924e9d48d89776d6f2"},
        {64, "7ce100971f64e7001e8fe5a51973ecdfe1ced42befe7ee8d5fd6219506b5393c"},
        {65, "9537c5fdf120482f7d58d25e9ed583f52c02b4e304ea814db1633ad565aed7e9"},
        {119, "000b48d4edf0fa7bee3c6236ecd2785baa5db4eeb8bb54341b029e0d9fa5fb0c"},
        {120, "13f05a0b594787f5ecd315edc96141bd3243203d1b7d4f0836f37308b276ba98"},
        {127, "70156a14adbabf98cff3a71c7084b417abf057a8efd27329ca36b7202c87d81f"},
        {128, "24da1b81d0b16df6428eee73c69fcb2a93c76bc6df706f0c6670fe6bfe800464"},
    };
    char message[128];
    memset(message, 'x', sizeof message);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(sha256_of((gyre_view){message, cases[i].len}), cases[i].digest);
    }
}

static void sha256_is_the_same_at_every_split(void **state)
{
    (void)state;
    const char *whole = "2c7e18c942ef065b526a2d4e5546283749cd3ddfb51d8fc71f42717363685f46";
    char message[200];
    for (size_t i = 0; i < sizeof message; i++) message[i] = (char)(unsigned char)(i * 7 + 3);
    for (size_t split = 0; split <= sizeof message; split++) {
        gyre__sha256 sha;
        gyre__sha256_init(&sha);
        gyre__sha256_update(&sha, (gyre_view){message, split});
        gyre__sha256_update(&sha, (gyre_view){NULL, 0});
        gyre__sha256_update(&sha, (gyre_view){message + split, sizeof message - split});
        assert_string_equal(finish(&sha), whole);
    }
    gyre__sha256 sha;
    gyre__sha256_init(&sha);
    for (size_t i = 0; i < sizeof message; i++) {
        gyre__sha256_update(&sha, (gyre_view){message + i, 1});
    }
    assert_string_equal(finish(&sha), whole);
}

// The length field has 64 bits: a message of 2^29 bytes has more than 32 bits hold. What its
// blocks hash to does not matter here, only that the upper half of the length is written.
static void sha256_counts_bits_beyond_32(void **state)
{
    (void)state;
    gyre__sha256 small, large;
    gyre__sha256_init(&small);
    gyre__sha256_init(&large);
    large.len = (uint64_t)1 << 29;
    char digest[sizeof hex];
    memcpy(digest, finish(&small), sizeof digest);
    assert_string_not_equal(finish(&large), digest);
}

static void hex_writes_lower_case_digits(void **state)
{
    (void)state;
    char out[2 * 256 + 1];
    char bytes[256];
    for (int i = 0; i < 256; i++) bytes[i] = (char)i;
    gyre__hex(out, (gyre_view){bytes, sizeof bytes});
    for (int i = 0; i < 256; i++) {
        char expected[3];
        snprintf(expected, sizeof expected, "%02x", (unsigned)i);
        assert_memory_equal(out + 2 * i, expected, 2);
    }
    assert_int_equal(strlen(out), 512);
    gyre__hex(out, (gyre_view){NULL, 0});
    assert_string_equal(out, "");
}

TESTS(cmocka_unit_test(sha256_of_the_standard_messages),
      cmocka_unit_test(sha256_of_a_million_letters),
      cmocka_unit_test(sha256_pads_at_every_edge_of_a_block),
      cmocka_unit_test(sha256_is_the_same_at_every_split),
      cmocka_unit_test(sha256_counts_bits_beyond_32),
      cmocka_unit_test(hex_writes_lower_case_digits))

// SHA-256 as FIPS 180-4 writes it; names in hash_block are the standard's.
#include "base/digest.h"

#include <string.h>

// Section 4.2.2: the fractional parts of the cube roots of the first 64 primes.
static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

// Section 5.3.3: the fractional parts of the square roots of the first 8 primes.
static const uint32_t initial_state[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static uint32_t rotate_right(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

static uint32_t load_be32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

static void store_be32(unsigned char *p, uint32_t x)
{
    for (int i = 0; i < 4; i++) p[i] = (unsigned char)(x >> (24 - 8 * i));
}

// The message schedule of section 6.2.2, step 1.
static void schedule(uint32_t w[64], const unsigned char *block)
{
    for (int t = 0; t < 16; t++) w[t] = load_be32(block + t * 4);
    for (int t = 16; t < 64; t++) {
        uint32_t s0 = rotate_right(w[t - 15], 7) ^ rotate_right(w[t - 15], 18) ^ w[t - 15] >> 3;
        uint32_t s1 = rotate_right(w[t - 2], 17) ^ rotate_right(w[t - 2], 19) ^ w[t - 2] >> 10;
        w[t] = s1 + w[t - 7] + s0 + w[t - 16];
    }
}

// Section 6.2.2, steps 2 to 4.
static void hash_block(uint32_t state[8], const unsigned char *block)
{
    uint32_t w[64];
    schedule(w, block);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int t = 0; t < 64; t++) {
        uint32_t sum1 = rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25);
        uint32_t choose = (e & f) ^ (~e & g);
        uint32_t t1 = h + sum1 + choose + round_constants[t] + w[t];
        uint32_t sum0 = rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22);
        uint32_t majority = (a & b) ^ (a & c) ^ (b & c);
        h = g, g = f, f = e, e = d + t1;
        d = c, c = b, b = a, a = t1 + sum0 + majority;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

void gyre__sha256_init(gyre__sha256 *sha)
{
    memcpy(sha->state, initial_state, sizeof initial_state);
    sha->len = 0;
}

void gyre__sha256_update(gyre__sha256 *sha, gyre_view bytes)
{
    while (bytes.len > 0) {
        size_t used = (size_t)(sha->len % GYRE__SHA256_BLOCK);
        size_t take = GYRE__SHA256_BLOCK - used;
        if (take > bytes.len) take = bytes.len;
        memcpy(sha->block + used, bytes.ptr, take);
        sha->len += take;
        bytes.ptr += take;
        bytes.len -= take;
        if (sha->len % GYRE__SHA256_BLOCK == 0) hash_block(sha->state, sha->block);
    }
}

// Section 5.1.1: a one bit, zeros, and the length in bits as the last eight bytes of a block.
static void pad(gyre__sha256 *sha)
{
    uint64_t bits = sha->len * 8;
    unsigned char tail[GYRE__SHA256_BLOCK + 8] = {0x80};
    size_t used = (size_t)(sha->len % GYRE__SHA256_BLOCK);
    size_t zeros_end = (used < 56 ? 56 : 56 + GYRE__SHA256_BLOCK) - used;
    store_be32(tail + zeros_end, (uint32_t)(bits >> 32));
    store_be32(tail + zeros_end + 4, (uint32_t)bits);
    gyre__sha256_update(sha, (gyre_view){(const char *)tail, zeros_end + 8});
}

void gyre__sha256_final(gyre__sha256 *sha, unsigned char digest[GYRE__SHA256_SIZE])
{
    pad(sha);
    for (int i = 0; i < 8; i++) store_be32(digest + i * 4, sha->state[i]);
}

void gyre__hex(char *out, gyre_view bytes)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char byte = (unsigned char)bytes.ptr[i];
        *out++ = digits[byte >> 4];
        *out++ = digits[byte & 15];
    }
    *out = '\0';
}

void gyre_sha256(gyre_view bytes, char hex[65])
{
    gyre__sha256 sha;
    unsigned char digest[GYRE__SHA256_SIZE];
    gyre__sha256_init(&sha);
    gyre__sha256_update(&sha, bytes);
    gyre__sha256_final(&sha, digest);
    gyre__hex(hex, (gyre_view){(const char *)digest, sizeof digest});
}

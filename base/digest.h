// SHA-256 (FIPS 180-4) in pieces, and bytes as hexadecimal text.
#ifndef GYRE_BASE_DIGEST_H
#define GYRE_BASE_DIGEST_H

#include "base/base.h"

enum {
    GYRE__SHA256_SIZE = 32,  // bytes of a digest
    GYRE__SHA256_BLOCK = 64, // bytes that are hashed at a time
};

typedef struct gyre__sha256 {
    uint32_t state[8];
    uint64_t len;                            // bytes of the message so far
    unsigned char block[GYRE__SHA256_BLOCK]; // its last len % 64 bytes, not hashed yet
} gyre__sha256;

// Begins a message.
void gyre__sha256_init(gyre__sha256 *sha);

// Goes on with the message; how it is cut into views does not matter.
void gyre__sha256_update(gyre__sha256 *sha, gyre_view bytes);

// Ends the message and writes its digest. Only init may follow.
void gyre__sha256_final(gyre__sha256 *sha, unsigned char digest[GYRE__SHA256_SIZE]);

// Writes two lower-case hexadecimal digits for each byte, and a zero behind them: `out` has room
// for 2 * bytes.len + 1.
void gyre__hex(char *out, gyre_view bytes);

#endif

// Addresses: whatever is accepted has a text that gives the same address again.
#include "net/net.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gyre_address address, again;
    char text[GYRE_ADDRESS_TEXT], second[GYRE_ADDRESS_TEXT];
    gyre_view input = {(const char *)data, size};
    if (gyre_address_parse(&address, input, 1)) return 0;
    assert(address.len > 0 && address.len <= sizeof address.storage);
    gyre_address_text(&address, text, sizeof text);
    assert(strlen(text) > 0 && strlen(text) < sizeof text - 1);
    int err = gyre_address_parse(&again, gyre_view_of(text), 2);
    assert(!err);
    assert(again.len == address.len);
    assert(memcmp(&again.storage, &address.storage, address.len) == 0);
    gyre_address_text(&again, second, sizeof second);
    assert(strcmp(text, second) == 0);
    return 0;
}

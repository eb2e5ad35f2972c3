// The hosts file: any text is read without error, and what is found in it is in it.

#include <stdlib.h>
#include <string.h>

#include "net/dns_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size ? size : 1); // exactly as long as the input, so that ASan sees
    require(text != NULL);
    memcpy(text, data, size);
    gyre__hosts hosts = {0};
    require(gyre__hosts_parse(&hosts, &gyre__allocator_default, text, size) == 0);
    for (size_t i = 0; i < hosts.count; i++) {
        const gyre__hosts_record *record = &hosts.records[i];
        char name[GYRE__HOSTNAME_SIZE];
        require(record->name.ptr >= text && record->name.ptr + record->name.len <= text + size);
        require(gyre__hostname_read(name, record->name));
        const gyre__hosts_record *found = gyre__hosts_first(&hosts, record->name);
        while (found && found != record) found = gyre__hosts_next(&hosts, found);
        require(found == record); // each record is reached by its name
    }
    require(!gyre__hosts_first(&hosts, GYRE_VIEW("not a name")));
    gyre__hosts_free(&hosts);
    return 0;
}

// Prints docs/errors.md from the one list of errors (base/error.h): make docs.

#include "base/error.h"

#include <stdio.h>

int main(void)
{
    puts("# Errors\n");
    puts("Made from the list in `base/error.h` by `make docs`. System errors are `-errno`.\n");
    puts("| code | value | class | phase | safe to send again | meaning |");
    puts("|---|---|---|---|---|---|");
#define ROW(code, value, class_, phase, safe, text) \
    printf("| `%s` | %d | %s | %s | %s | %s |\n", #code, value, class_, phase, safe ? "yes" : "", text);
    GYRE_ERROR_LIST(ROW)
#undef ROW
    return 0;
}

#include "http/scan_int.h"

#define T GYRE__BYTE_TOKEN
#define V GYRE__BYTE_VALUE
#define G GYRE__BYTE_TARGET
#define H GYRE__BYTE_HOST
#define U GYRE__BYTE_USERINFO
#define X GYRE__BYTE_HEX

// Control bytes and DEL are of no class. "#" is a token byte but ends a target.
const uint8_t gyre__byte_class[256] = {
    ['\t'] = V,
    [' '] = V,
    ['!'] = T | V | G | U,
    ['"'] = V | G,
    ['#'] = T | V,
    ['$' ... '\''] = T | V | G | U, // $ % & '
    ['(' ... ')'] = V | G | U,
    ['*' ... '+'] = T | V | G | U,
    [','] = V | G | U,
    ['-' ... '.'] = T | V | G | U | H,
    ['/'] = V | G,
    ['0' ... '9'] = T | V | G | U | H | X | GYRE__BYTE_DIGIT,
    [':' ... ';'] = V | G | U,
    ['<'] = V | G,
    ['='] = V | G | U,
    ['>' ... '@'] = V | G, // > ? @
    ['A' ... 'F'] = T | V | G | U | H | X,
    ['G' ... 'Z'] = T | V | G | U | H,
    ['[' ... ']'] = V | G, // [ \ ]
    ['^'] = T | V | G,
    ['_'] = T | V | G | U | H,
    ['`'] = T | V | G,
    ['a' ... 'f'] = T | V | G | U | H | X,
    ['g' ... 'z'] = T | V | G | U | H,
    ['{'] = V | G,
    ['|'] = T | V | G,
    ['}'] = V | G,
    ['~'] = T | V | G | U,
    [0x80 ... 0xff] = V,
};

uint8_t gyre__hex_value(char digit)
{
    if (digit >= '0' && digit <= '9') return (uint8_t)(digit - '0');
    char lower = gyre__lower(digit);
    if (lower >= 'a' && lower <= 'f') return (uint8_t)(lower - 'a' + 10);
    return 255;
}

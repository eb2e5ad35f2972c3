// One line of JSON per URL (RFC 8259).

#include "cli/gyre_fetch/fetch.h"

#include <string.h>

// ---- Texts -----------------------------------------------------------------------------------

// The length of the UTF-8 sequence at `at`, 0 when there is none (RFC 3629 section 4).
static size_t sequence_len(const unsigned char *at, size_t left)
{
    size_t len = *at < 0x80   ? 1
                 : *at < 0xc2 ? 0
                 : *at < 0xe0 ? 2
                 : *at < 0xf0 ? 3
                 : *at < 0xf5 ? 4
                              : 0;
    if (len == 0 || len > left) return 0;
    for (size_t i = 1; i < len; i++)
        if ((at[i] & 0xc0) != 0x80) return 0;
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f)) return 0;
    if ((at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f)) return 0;
    return len;
}

static bool is_utf8(gyre_view text)
{
    const unsigned char *at = (const unsigned char *)text.ptr;
    for (size_t i = 0, len; i < text.len; i += len) {
        len = sequence_len(at + i, text.len - i);
        if (len == 0) return false;
    }
    return true;
}

// Bytes that are not UTF-8 are written as if they were Latin-1, so that none is lost.
static void write_text(FILE *to, gyre_view text)
{
    bool utf8 = is_utf8(text);
    putc('"', to);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        if (byte == '"' || byte == '\\')
            fprintf(to, "\\%c", byte);
        else if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !utf8))
            fprintf(to, "\\u%04x", byte);
        else
            putc(byte, to);
    }
    putc('"', to);
}

static void write_text_or_null(FILE *to, const char *name, const char *text)
{
    fprintf(to, ", \"%s\": ", name);
    if (text && *text)
        write_text(to, gyre_view_of(text));
    else
        fputs("null", to);
}

// ---- A result --------------------------------------------------------------------------------

// The classes of the library that are none of a fetch's are told as the nearest one.
static const char *class_of(int err)
{
    const char *class = gyre_err_class(err);
    if (strcmp(class, "misuse") == 0) return "invalid_request";
    if (strcmp(class, "system") == 0) return "connect";
    return class;
}

static void write_timing(FILE *to, const gyre_timing *timing)
{
    const struct {
        const char *name;
        gyre_duration value;
    } parts[] = {{"queue", timing->queue},     {"namelookup", timing->namelookup},
                 {"connect", timing->connect}, {"starttransfer", timing->starttransfer},
                 {"total", timing->total},     {"redirect", timing->redirect}};
    fputs(", \"timing\": {", to);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        fprintf(to, "%s\"%s\": %.6f", i ? ", " : "", parts[i].name, (double)parts[i].value / 1e9);
    putc('}', to);
}

static void write_fields(FILE *to, const gyre_response *response)
{
    fputs(", \"headers\": [", to);
    for (size_t i = 0; i < response->field_count; i++) {
        fputs(i ? ", [" : "[", to);
        write_text(to, response->fields[i].name);
        fputs(", ", to);
        write_text(to, response->fields[i].value);
        putc(']', to);
    }
    putc(']', to);
}

static void write_response(FILE *to, const gyre_response *response)
{
    char hash[65], peer[GYRE_ADDRESS_TEXT];
    gyre_sha256(response->body, hash);
    fputs(", \"effective_url\": ", to);
    write_text(to, response->url);
    fprintf(to, ", \"status\": %d, \"error\": null, \"phase\": null, \"message\": null",
            response->status);
    write_fields(to, response);
    fprintf(to, ", \"body_len\": %zu, \"body_sha256\": \"%s\"", response->body.len, hash);
    write_timing(to, &response->timing);
    fprintf(to, ", \"reused\": %s, \"peer\": ", response->reused ? "true" : "false");
    write_text(to, gyre_view_of(gyre_address_text(&response->peer, peer, sizeof peer)));
}

static void write_error(FILE *to, const struct result *result)
{
    fputs(", \"effective_url\": null, \"status\": null", to);
    write_text_or_null(to, "error", class_of(result->err));
    write_text_or_null(to, "phase", gyre_err_phase(result->err));
    const char *message =
        result->message && *result->message ? result->message : gyre_strerror(result->err);
    write_text_or_null(to, "message", message);
    fputs(", \"headers\": [], \"body_len\": null, \"body_sha256\": null, \"timing\": null, "
          "\"reused\": null, \"peer\": null",
          to);
}

void json_write(FILE *to, const char *url, const struct result *result)
{
    fputs("{\"url\": ", to);
    write_text(to, gyre_view_of(url));
    if (result->response)
        write_response(to, result->response);
    else
        write_error(to, result);
    fputs("}\n", to);
}

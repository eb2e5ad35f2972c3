// Start lines and whole heads: see parser_int.h.
//
// head->stage says what the bytes at progress.scanned belong to, so that a call goes straight to
// where the last one stopped. Only short parts of bounded length (the version, the status) are
// looked at again from their beginning.

#include "base/error.h"
#include "http/impl.h"
#include "http/parser_int.h"
#include "http/scan_int.h"
#include "http/target_int.h"
#include <string.h>

enum { BLANKS_MAX = 4 }; // empty lines before a request (RFC 9112 section 2.2)

void gyre__head_init(gyre__head *head, gyre__field *items, uint32_t cap)
{
    *head = (gyre__head){.fields = {.item = items, .cap = cap}};
}

// What a step of a start line returns besides errors. A step moves *at as far as it got; with DONE
// that is where the next stage begins.
enum { MORE = 0, DONE = 1 };

static uint32_t offset(const gyre__head *head, const char *at)
{
    return (uint32_t)(at - head->fields.base);
}

// The byte that has just been read at *at is the last of its stage.
static int enter(gyre__head *head, gyre__head_stage stage, const char **at)
{
    head->stage = (uint8_t)stage;
    ++*at;
    return DONE;
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

// "HTTP/1.x" at `at`: DONE with *minor set, MORE, or the error.
static int version(const char *at, const char *end, uint8_t *minor)
{
    static const char pattern[8] = {'H', 'T', 'T', 'P', '/', '1', '.', '0'};
    size_t len = (size_t)(end - at);
    if (len >= 8 && memcmp(at, pattern, 7) == 0 && is_digit(at[7])) {
        *minor = (uint8_t)(at[7] - '0');
        return DONE;
    }
    for (size_t i = 0; i < 8 && i < len; i++) {
        if (at[i] == pattern[i] || (i == 7 && is_digit(at[i]))) continue;
        return i == 5 && is_digit(at[i]) ? GYRE_EVERSION : GYRE_ESTARTLINE;
    }
    return MORE;
}

// What ends a start line at *at; the fields begin behind it.
static int line_end(gyre__head *head, const char **at, const char *end, unsigned rules)
{
    int next = gyre__line_end(*at, end, rules);
    if (next < 0) return GYRE_ESTARTLINE;
    if (next == 0) return MORE;
    *at += next;
    head->stage = GYRE__STAGE_FIELDS;
    head->progress.line = offset(head, *at);
    return DONE;
}

// ---- Requests ------------------------------------------------------------------------------

static int skip_blank_lines(gyre__head *head, const char **at, const char *end)
{
    for (; *at < end && **at == '\r'; *at += 2) {
        if (end - *at < 2) return MORE;
        if ((*at)[1] != '\n' || head->blanks == BLANKS_MAX) return GYRE_ESTARTLINE;
        head->blanks++;
    }
    if (*at == end) return MORE;
    head->progress.line = offset(head, *at);
    head->stage = GYRE__STAGE_METHOD;
    return DONE;
}

static int method(gyre__head *head, const char **at, const char *end)
{
    *at = gyre__scan_token_table(*at, end); // methods are short
    if (*at == end) return MORE;
    uint32_t len = offset(head, *at) - head->progress.line;
    if (**at != ' ' || len == 0) return GYRE_ESTARTLINE;
    head->method = (gyre__span){head->progress.line, len};
    head->target.at = head->progress.line + len + 1;
    return enter(head, GYRE__STAGE_TARGET, at);
}

// The form is looked at only where it is not plain: what the scan let through is sound otherwise.
static int check_target(const gyre__head *head)
{
    gyre_view verb = gyre__span_view(head->fields.base, head->method);
    gyre_view text = gyre__span_view(head->fields.base, head->target);
    if (text.len > 0 && text.ptr[0] == '/' && verb.len != sizeof "CONNECT" - 1) return 0;
    gyre__target ignored;
    return gyre__target_parse(&ignored, verb, text);
}

static int target(gyre__head *head, const char **at, const char *end)
{
    *at = gyre__scan_target(*at, end);
    if (*at == end) return MORE;
    if (**at != ' ') return GYRE_ESTARTLINE;
    head->target.len = offset(head, *at) - head->target.at;
    int err = check_target(head);
    return err ? err : enter(head, GYRE__STAGE_VERSION, at);
}

// *at stays before the version until the whole line is there.
static int request_version(gyre__head *head, const char **at, const char *end)
{
    int step = version(*at, end, &head->minor);
    if (step != DONE) return step;
    const char *behind = *at + 8;
    step = line_end(head, &behind, end, 0);
    if (step == DONE) *at = behind;
    return step;
}

// One part after the other, from where the last call stopped. The line may not reach beyond its
// limit and CRLF, which the parts see as the end of the bytes.
static int request_line(gyre__head *head, gyre_view bytes, uint32_t line_max)
{
    const char *at = bytes.ptr + head->progress.scanned;
    const char *end = bytes.ptr + bytes.len;
    size_t most = SIZE_MAX;
    int step = DONE;
    if (head->stage == GYRE__STAGE_BLANK) step = skip_blank_lines(head, &at, end);
    if (step == DONE) most = (size_t)head->progress.line + line_max + 2;
    if (bytes.len > most) end = bytes.ptr + most;
    if (step == DONE && head->stage == GYRE__STAGE_METHOD) step = method(head, &at, end);
    if (step == DONE && head->stage == GYRE__STAGE_TARGET) step = target(head, &at, end);
    if (step == DONE && head->stage == GYRE__STAGE_VERSION) step = request_version(head, &at, end);
    head->progress.scanned = offset(head, at);
    return step == MORE && bytes.len >= most ? GYRE_EHEADSIZE : step;
}

// ---- Responses -----------------------------------------------------------------------------

// "HTTP/1.x SP 3DIGIT", 12 bytes, and what is behind it: a blank before the reason, or nothing.
static int status(gyre__head *head, const char **at, const char *end)
{
    const char *line = *at;
    size_t len = (size_t)(end - line);
    int step = version(line, end, &head->minor);
    if (step != DONE) return step;
    if (len > 8 && line[8] != ' ') return GYRE_ESTARTLINE;
    if (len > 9 && (line[9] < '1' || line[9] > '5')) return GYRE_ESTARTLINE;
    if (len > 10 && !is_digit(line[10])) return GYRE_ESTARTLINE;
    if (len > 11 && !is_digit(line[11])) return GYRE_ESTARTLINE;
    if (len < 13) return MORE;
    bool blank = line[12] == ' ';
    if (!blank && gyre__line_end(line + 12, end, GYRE__RULES_RESPONSE) < 0) return GYRE_ESTARTLINE;
    head->status = (uint16_t)((line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0'));
    head->stage = GYRE__STAGE_REASON;
    *at = line + 12 + blank;
    head->reason.at = offset(head, *at);
    return DONE;
}

static int reason(gyre__head *head, const char **at, const char *end)
{
    *at = gyre__value_end(*at, end, GYRE__RULES_RESPONSE);
    head->reason.len = offset(head, *at) - head->reason.at;
    return line_end(head, at, end, GYRE__RULES_RESPONSE);
}

static int status_line(gyre__head *head, gyre_view bytes)
{
    const char *at = bytes.ptr + head->progress.scanned;
    const char *end = bytes.ptr + bytes.len;
    int step = DONE;
    if (head->stage == GYRE__STAGE_BLANK) step = status(head, &at, end);
    if (step == DONE && head->stage == GYRE__STAGE_REASON) step = reason(head, &at, end);
    head->progress.scanned = offset(head, at);
    return step;
}

// ---- Whole heads ---------------------------------------------------------------------------

// The parsers see no more than head_max bytes, so a head that is not complete in them is too long.
static int within(gyre_view *bytes, const gyre__head_limits *limits)
{
    if (!bytes->ptr) bytes->ptr = ""; // no arithmetic on NULL
    if (bytes->len < limits->head_max) return MORE;
    bytes->len = limits->head_max;
    return GYRE_EHEADSIZE;
}

int gyre__request_parse(gyre__head *head, gyre_view bytes, const gyre__head_limits *limits)
{
    int unfinished = within(&bytes, limits);
    int step = DONE;
    head->fields.base = bytes.ptr;
    if (head->stage != GYRE__STAGE_FIELDS) step = request_line(head, bytes, limits->start_line_max);
    if (step == DONE) step = gyre__fields_parse(&head->fields, &head->progress, bytes, 0);
    return step == MORE ? unfinished : step;
}

int gyre__response_parse(gyre__head *head, gyre_view bytes, const gyre__head_limits *limits)
{
    int unfinished = within(&bytes, limits);
    int step = DONE;
    head->fields.base = bytes.ptr;
    if (head->stage != GYRE__STAGE_FIELDS) step = status_line(head, bytes);
    if (step == DONE)
        step = gyre__fields_parse(&head->fields, &head->progress, bytes, GYRE__RULES_RESPONSE);
    return step == MORE ? unfinished : step;
}

int gyre__refusal_status(const gyre__head *head, int err)
{
    switch (err) {
    case GYRE_ESTARTLINE:
    case GYRE_EFIELD:
    case GYRE_EFRAMING:
    case GYRE_ECHUNK: return 400;
    case GYRE_EBODYSIZE: return 413;
    case GYRE_EHEADSIZE: return head->stage == GYRE__STAGE_FIELDS ? 431 : 414;
    case GYRE_ECODING: return 501;
    case GYRE_EVERSION: return 505;
    default: return 0;
    }
}

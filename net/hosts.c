// The hosts file, read whole and kept as a table.
//
// Design notes. The names are views into the file's text; records of one bucket are chained in the
// order of the file, so a look-up gives a name's addresses as they were written. A regular file of
// a few lines is the only kind of blocking read the resolver makes, and only when stat(2) says that
// it changed.

#include "net/dns_impl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    HOSTS_TEXT_MAX = 4 << 20, // what lies behind is left out
    HOSTS_END = -1,
};

// ---- Parsing -------------------------------------------------------------------------------

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

// Cuts the next word off a line; an empty view at its end.
static gyre_view next_word(gyre_view *line)
{
    while (line->len > 0 && is_blank(*line->ptr)) line->ptr++, line->len--;
    gyre_view word = {line->ptr, 0};
    while (line->len > 0 && !is_blank(*line->ptr)) line->ptr++, line->len--, word.len++;
    return word;
}

// Cuts the next line off a text, without its newline and its comment.
static gyre_view next_line(gyre_view *text)
{
    const char *end = memchr(text->ptr, '\n', text->len);
    gyre_view line = {text->ptr, end ? (size_t)(end - text->ptr) : text->len};
    size_t used = end ? line.len + 1 : line.len;
    *text = (gyre_view){text->ptr + used, text->len - used};
    const char *comment = line.len ? memchr(line.ptr, '#', line.len) : NULL;
    if (comment) line.len = (size_t)(comment - line.ptr);
    return line;
}

static bool read_address(gyre__hosts_record *to, gyre_view word)
{
    char text[INET6_ADDRSTRLEN];
    if (word.len < 1 || word.len >= sizeof text) return false;
    memcpy(text, word.ptr, word.len);
    text[word.len] = '\0';
    if (inet_pton(AF_INET, text, to->ip.bytes) == 1) {
        to->family = AF_INET;
        return true;
    }
    to->family = AF_INET6;
    return inet_pton(AF_INET6, text, to->ip.bytes) == 1;
}

static int add_record(gyre__hosts *hosts, size_t *room, const gyre__hosts_record *record)
{
    if (hosts->count == *room) {
        size_t more = *room ? *room * 2 : 16;
        void *moved =
            gyre__realloc_array(hosts->alloc, hosts->records, more, sizeof hosts->records[0]);
        if (!moved) return -ENOMEM;
        hosts->records = moved;
        *room = more;
    }
    hosts->records[hosts->count++] = *record;
    return 0;
}

static int read_line(gyre__hosts *hosts, size_t *room, gyre_view line)
{
    gyre__hosts_record record = {0};
    if (!read_address(&record, next_word(&line))) return 0;
    for (gyre_view word; (word = next_word(&line)).len > 0;) {
        char name[GYRE__HOSTNAME_SIZE];
        if (word.ptr[word.len - 1] == '.') word.len--;
        if (!gyre__hostname_read(name, word)) continue;
        record.name = word;
        record.hash = gyre__hostname_hash(word);
        int err = add_record(hosts, room, &record);
        if (err) return err;
    }
    return 0;
}

static int make_buckets(gyre__hosts *hosts)
{
    if (hosts->count == 0) return 0;
    hosts->bucket_count = 1;
    while (hosts->bucket_count < hosts->count) hosts->bucket_count *= 2;
    hosts->buckets =
        gyre__realloc_array(hosts->alloc, NULL, hosts->bucket_count, sizeof hosts->buckets[0]);
    if (!hosts->buckets) return -ENOMEM;
    for (size_t i = 0; i < hosts->bucket_count; i++) hosts->buckets[i] = (uint32_t)HOSTS_END;
    // From the end, so that each chain begins with what stands first in the file.
    for (size_t i = hosts->count; i-- > 0;) {
        uint32_t *bucket = &hosts->buckets[hosts->records[i].hash & (hosts->bucket_count - 1)];
        hosts->records[i].next = *bucket;
        *bucket = (uint32_t)i;
    }
    return 0;
}

int gyre__hosts_parse(gyre__hosts *hosts, const gyre_allocator *alloc, char *text, size_t len)
{
    gyre__hosts made = {.alloc = alloc};
    size_t room = 0;
    int err = 0;
    for (gyre_view rest = {text, len}; !err && rest.len > 0;)
        err = read_line(&made, &room, next_line(&rest));
    if (!err) err = make_buckets(&made);
    if (err) {
        gyre__hosts_free(&made);
        return err;
    }
    made.text = text;
    *hosts = made;
    return 0;
}

void gyre__hosts_free(gyre__hosts *hosts)
{
    if (!hosts->alloc) return;
    gyre__free(hosts->alloc, hosts->text);
    gyre__free(hosts->alloc, hosts->records);
    gyre__free(hosts->alloc, hosts->buckets);
    *hosts = (gyre__hosts){0};
}

// ---- Looking up ----------------------------------------------------------------------------

static const gyre__hosts_record *from(const gyre__hosts *hosts, uint32_t at, uint32_t hash,
                                      gyre_view name)
{
    while (at != (uint32_t)HOSTS_END) {
        const gyre__hosts_record *record = &hosts->records[at];
        if (record->hash == hash && gyre_view_equal_nocase(record->name, name)) return record;
        at = record->next;
    }
    return NULL;
}

const gyre__hosts_record *gyre__hosts_first(const gyre__hosts *hosts, gyre_view name)
{
    if (hosts->bucket_count == 0) return NULL;
    uint32_t hash = gyre__hostname_hash(name);
    return from(hosts, hosts->buckets[hash & (hosts->bucket_count - 1)], hash, name);
}

const gyre__hosts_record *gyre__hosts_next(const gyre__hosts *hosts, const gyre__hosts_record *at)
{
    return from(hosts, at->next, at->hash, at->name);
}

// ---- The file ------------------------------------------------------------------------------

bool gyre__file_changed(gyre__watched_file *file, gyre_time now)
{
    if (file->known && now - file->checked < GYRE_SECONDS(1)) return false;
    gyre__stamp stamp = {.size = -1};
    struct stat found;
    if (stat(file->path, &found) == 0)
        stamp =
            (gyre__stamp){found.st_mtim.tv_sec, found.st_mtim.tv_nsec, found.st_size, found.st_ino};
    bool is_same = file->known && stamp.seconds == file->stamp.seconds &&
                   stamp.nanoseconds == file->stamp.nanoseconds && stamp.size == file->stamp.size &&
                   stamp.inode == file->stamp.inode;
    file->known = true;
    file->checked = now;
    file->stamp = stamp;
    return !is_same;
}

// Reads up to `size` bytes; how many, or -errno.
static ssize_t read_whole(int fd, char *to, size_t size)
{
    size_t len = 0;
    while (len < size) {
        ssize_t n = read(fd, to + len, size - len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -errno;
        if (n == 0) break;
        len += (size_t)n;
    }
    return (ssize_t)len;
}

static int load_open(gyre__hosts *hosts, const gyre_allocator *alloc, int fd)
{
    struct stat found;
    if (fstat(fd, &found) < 0 || !S_ISREG(found.st_mode)) return 0;
    size_t size = found.st_size < HOSTS_TEXT_MAX ? (size_t)found.st_size : HOSTS_TEXT_MAX;
    char *text = gyre__alloc(alloc, size + 1);
    if (!text) return -ENOMEM;
    ssize_t len = read_whole(fd, text, size);
    int err = len < 0 ? (int)len : gyre__hosts_parse(hosts, alloc, text, (size_t)len);
    if (err) gyre__free(alloc, text);
    return err;
}

int gyre__hosts_load(gyre__hosts *hosts, const gyre_allocator *alloc, const char *path)
{
    gyre__hosts loaded = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno != EMFILE && errno != ENFILE && errno != ENOMEM && errno != EINTR) {
        gyre__hosts_free(hosts);
        return 0;
    }
    if (fd < 0) return -errno;
    int err = load_open(&loaded, alloc, fd);
    close(fd);
    if (err) return err;
    gyre__hosts_free(hosts);
    *hosts = loaded;
    return 0;
}

// What an error code means: two tables and one look-up.
//
// The library's own codes come from GYRE_ERROR_LIST. The table of system errors holds those
// that belong to a class, with the names and texts that POSIX and glibc give them, so that they
// read the same on every platform; the C library is asked for the rest where it can answer
// with static text. An error is looked up on the way out of a failure, so a scan will do.
#include "base/error.h"

#include <errno.h>
#include <string.h>

typedef struct row {
    int code; // negative
    const char *name;
    const char *class_;
    const char *phase;
    bool retry_safe;
    const char *text;
} row;

static const row own_errors[] = {
#define OWN_ROW(code, value, class_, phase, safe, text) {code, #code, class_, phase, safe, text},
    GYRE_ERROR_LIST(OWN_ROW)
#undef OWN_ROW
};

#define CONNECT(code, text)       -code, #code, "connect", "connect", true, text
#define OTHER(code, class_, text) -code, #code, class_, "", false, text

static const row system_errors[] = {
    {CONNECT(ECONNREFUSED, "Connection refused")},
    {CONNECT(EHOSTUNREACH, "No route to host")},
    {CONNECT(ENETUNREACH, "Network is unreachable")},
    {CONNECT(EHOSTDOWN, "Host is down")},
    {CONNECT(ENETDOWN, "Network is down")},
    {CONNECT(EADDRNOTAVAIL, "Cannot assign requested address")},
    {OTHER(ETIMEDOUT, "timeout", "Connection timed out")},
    {OTHER(ECONNRESET, "closed", "Connection reset by peer")},
    {OTHER(EPIPE, "closed", "Broken pipe")},
    {OTHER(ECONNABORTED, "closed", "Software caused connection abort")},
    {OTHER(ENOTCONN, "closed", "Transport endpoint is not connected")},
    {OTHER(EMFILE, "resource", "Too many open files")},
    {OTHER(ENFILE, "resource", "Too many open files in system")},
    {OTHER(ENOSPC, "resource", "No space left on device")},
    {OTHER(ENOBUFS, "resource", "No buffer space available")},
    {OTHER(EAGAIN, "resource", "Resource temporarily unavailable")},
    {OTHER(ENOMEM, "nomem", "Cannot allocate memory")},
    {OTHER(ECANCELED, "cancelled", "Operation canceled")},
    {OTHER(EINVAL, "misuse", "Invalid argument")},
    {OTHER(EPERM, "misuse", "Operation not permitted")},
    {OTHER(EBUSY, "misuse", "Device or resource busy")},
    {OTHER(EDEADLK, "misuse", "Resource deadlock avoided")},
    {OTHER(EEXIST, "misuse", "File exists")},
    {OTHER(EBADF, "misuse", "Bad file descriptor")},
    // No class of their own, but frequent enough to have a name everywhere.
    {OTHER(EACCES, "system", "Permission denied")},
    {OTHER(EADDRINUSE, "system", "Address already in use")},
    {OTHER(EAFNOSUPPORT, "system", "Address family not supported by protocol")},
    {OTHER(EALREADY, "system", "Operation already in progress")},
    {OTHER(ECHILD, "system", "No child processes")},
    {OTHER(EFAULT, "system", "Bad address")},
    {OTHER(EINPROGRESS, "system", "Operation now in progress")},
    {OTHER(EINTR, "system", "Interrupted system call")},
    {OTHER(EIO, "system", "Input/output error")},
    {OTHER(EISCONN, "system", "Transport endpoint is already connected")},
    {OTHER(EISDIR, "system", "Is a directory")},
    {OTHER(EMSGSIZE, "system", "Message too long")},
    {OTHER(ENAMETOOLONG, "system", "File name too long")},
    {OTHER(ENOENT, "system", "No such file or directory")},
    {OTHER(ENOSYS, "system", "Function not implemented")},
    {OTHER(ENOTDIR, "system", "Not a directory")},
    {OTHER(ENOTSOCK, "system", "Socket operation on non-socket")},
    {OTHER(EOVERFLOW, "system", "Value too large for defined data type")},
    {OTHER(EPROTO, "system", "Protocol error")},
    {OTHER(ESRCH, "system", "No such process")},
};

static const row success = {0, "OK", "ok", "", false, "success"};
static const row unknown = {0, "UNKNOWN", "system", "", false, "unknown error"};

static const row *find(const row *rows, size_t count, int err)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].code == err) return &rows[i];
    }
    return &unknown;
}

// Never NULL: what is in no table is `unknown`.
static const row *row_of(int err)
{
    if (err == 0) return &success;
    if (err < -4095) return find(own_errors, sizeof own_errors / sizeof *own_errors, err);
    return find(system_errors, sizeof system_errors / sizeof *system_errors, err);
}

// strerror(3) will not do: its text for unknown numbers need not be static, nor safe in threads.
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 32)
static const char *libc_name(int number)
{
    return strerrorname_np(number);
}

static const char *libc_text(int number)
{
    return strerrordesc_np(number);
}
#else
static const char *libc_name(int number)
{
    (void)number;
    return NULL;
}

static const char *libc_text(int number)
{
    (void)number;
    return NULL;
}
#endif

// Only these can be an errno of the kernel; it also keeps -err from overflowing.
static bool is_system(int err)
{
    return err < 0 && err >= -4095;
}

const char *gyre_errname(int err)
{
    const row *found = row_of(err);
    const char *name = found == &unknown && is_system(err) ? libc_name(-err) : NULL;
    return name ? name : found->name;
}

const char *gyre_strerror(int err)
{
    const row *found = row_of(err);
    const char *text = found == &unknown && is_system(err) ? libc_text(-err) : NULL;
    return text ? text : found->text;
}

const char *gyre_err_class(int err)
{
    return row_of(err)->class_;
}

const char *gyre_err_phase(int err)
{
    return row_of(err)->phase;
}

bool gyre_err_is_retry_safe(int err)
{
    return row_of(err)->retry_safe;
}

// Wrappers of the calls that transfer bytes: cut short or failed as faults.h says.
//
// After a cut or an injected EAGAIN the kernel knows of no change and would send no edge, so the
// descriptor is armed again (wrap_rearm).
#include <string.h>

#include "test/support/wrap_int.h"

// More parts than a cut can need: the library's calls have a handful.
enum { IOV_MOST = 64 };

static ssize_t refuse(int fd, int err)
{
    if (err == EAGAIN) wrap_rearm(fd);
    errno = err;
    return -1;
}

// Books the end of a call that was given `given` of the `asked` bytes: only one that used all of
// them was really cut. Keeps errno.
static ssize_t settle(int fd, size_t asked, size_t given, ssize_t result)
{
    if (given < asked && result == (ssize_t)given) {
        fault_note();
        wrap_rearm(fd);
    }
    return result;
}

// `params` name the descriptor `fd` and the length `len`; `args` use `given` in its place.
#define WRAP_IO(name, call, params, args) \
    ssize_t __wrap_##name params; \
    ssize_t __wrap_##name params \
    { \
        int err = fault_take(FAULT_##call); \
        if (err) return refuse(fd, err); \
        size_t given = fault_cut(FAULT_##call, fd, len); \
        return settle(fd, len, given, real_##name args); \
    }

WRAP_IO(read, READ, (int fd, void *buf, size_t len), (fd, buf, given))
WRAP_IO(write, WRITE, (int fd, const void *buf, size_t len), (fd, buf, given))
WRAP_IO(send, SEND, (int fd, const void *buf, size_t len, int flags), (fd, buf, given, flags))
WRAP_IO(sendto, SENDTO,
        (int fd, const void *buf, size_t len, int flags, const struct sockaddr *addr,
         socklen_t addr_len),
        (fd, buf, given, flags, addr, addr_len))
WRAP_IO(sendfile, SENDFILE, (int fd, int in, off_t *offset, size_t len), (fd, in, offset, given))
WRAP_IO(recv, RECV, (int fd, void *buf, size_t len, int flags), (fd, buf, given, flags))
WRAP_IO(recvfrom, RECVFROM,
        (int fd, void *buf, size_t len, int flags, struct sockaddr *addr, socklen_t *addr_len),
        (fd, buf, given, flags, addr, addr_len))

static size_t iov_len(const struct iovec *iov, size_t count)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++) len += iov[i].iov_len;
    return len;
}

// Copies the parts that hold the first `given` bytes; returns how many parts, and in *given how
// many bytes they hold (less if there are too many parts).
static size_t iov_cut(struct iovec *out, const struct iovec *iov, size_t *given)
{
    size_t left = *given, count = 0;
    for (; left && count < IOV_MOST; count++) {
        out[count] = iov[count];
        if (out[count].iov_len > left) out[count].iov_len = left;
        left -= out[count].iov_len;
    }
    *given -= left;
    return count;
}

#define WRAP_IOV(name, call) \
    ssize_t __wrap_##name(int fd, const struct iovec *iov, int count); \
    ssize_t __wrap_##name(int fd, const struct iovec *iov, int count) \
    { \
        int err = fault_take(FAULT_##call); \
        if (err) return refuse(fd, err); \
        size_t asked = count > 0 ? iov_len(iov, (size_t)count) : 0; \
        size_t given = fault_cut(FAULT_##call, fd, asked); \
        if (given == asked) return real_##name(fd, iov, count); \
        struct iovec part[IOV_MOST]; \
        int parts = (int)iov_cut(part, iov, &given); \
        return settle(fd, asked, given, real_##name(fd, part, parts)); \
    }

WRAP_IOV(readv, READV)
WRAP_IOV(writev, WRITEV)

// The other fields of the message are the caller's: what the kernel writes there goes back.
ssize_t __wrap_recvmsg(int fd, struct msghdr *msg, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *msg, int flags)
{
    int err = fault_take(FAULT_RECVMSG);
    if (err) return refuse(fd, err);
    size_t asked = iov_len(msg->msg_iov, msg->msg_iovlen);
    size_t given = fault_cut(FAULT_RECVMSG, fd, asked);
    if (given == asked) return real_recvmsg(fd, msg, flags);
    struct iovec part[IOV_MOST], *iov = msg->msg_iov;
    size_t count = msg->msg_iovlen;
    msg->msg_iovlen = iov_cut(part, iov, &given);
    msg->msg_iov = part;
    ssize_t result = real_recvmsg(fd, msg, flags);
    msg->msg_iov = iov;
    msg->msg_iovlen = count;
    return settle(fd, asked, given, result);
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags)
{
    int err = fault_take(FAULT_SENDMSG);
    if (err) return refuse(fd, err);
    size_t asked = iov_len(msg->msg_iov, msg->msg_iovlen);
    size_t given = fault_cut(FAULT_SENDMSG, fd, asked);
    if (given == asked) return real_sendmsg(fd, msg, flags);
    struct iovec part[IOV_MOST];
    struct msghdr cut = *msg;
    cut.msg_iovlen = iov_cut(part, msg->msg_iov, &given);
    cut.msg_iov = part;
    return settle(fd, asked, given, real_sendmsg(fd, &cut, flags));
}

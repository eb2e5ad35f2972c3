// The system calls behind the wrappers, for the test's own side of a connection: not counted, not
// failed, not moved by virtual time. ld --wrap resolves `__real_X` to the X of libc.
#ifndef TEST_SUPPORT_REAL_H
#define TEST_SUPPORT_REAL_H

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>

#define REAL(name) __asm__("__real_" #name)

ssize_t real_read(int fd, void *buf, size_t len) REAL(read);
ssize_t real_write(int fd, const void *buf, size_t len) REAL(write);
ssize_t real_readv(int fd, const struct iovec *iov, int count) REAL(readv);
ssize_t real_writev(int fd, const struct iovec *iov, int count) REAL(writev);
ssize_t real_send(int fd, const void *buf, size_t len, int flags) REAL(send);
ssize_t real_sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *addr,
                    socklen_t addr_len) REAL(sendto);
ssize_t real_sendmsg(int fd, const struct msghdr *msg, int flags) REAL(sendmsg);
ssize_t real_sendfile(int out, int in, off_t *offset, size_t len) REAL(sendfile);
ssize_t real_recv(int fd, void *buf, size_t len, int flags) REAL(recv);
ssize_t real_recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *addr,
                      socklen_t *addr_len) REAL(recvfrom);
ssize_t real_recvmsg(int fd, struct msghdr *msg, int flags) REAL(recvmsg);

int real_accept4(int fd, struct sockaddr *addr, socklen_t *addr_len, int flags) REAL(accept4);
int real_connect(int fd, const struct sockaddr *addr, socklen_t addr_len) REAL(connect);
int real_socket(int domain, int type, int protocol) REAL(socket);
int real_bind(int fd, const struct sockaddr *addr, socklen_t addr_len) REAL(bind);
int real_listen(int fd, int backlog) REAL(listen);
int real_shutdown(int fd, int how) REAL(shutdown);
int real_getsockopt(int fd, int level, int name, void *value, socklen_t *len) REAL(getsockopt);
int real_setsockopt(int fd, int level, int name, const void *value, socklen_t len) REAL(setsockopt);
int real_getsockname(int fd, struct sockaddr *addr, socklen_t *addr_len) REAL(getsockname);
int real_close(int fd) REAL(close);

int real_epoll_create1(int flags) REAL(epoll_create1);
int real_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event) REAL(epoll_ctl);
int real_epoll_wait(int epfd, struct epoll_event *events, int max, int timeout) REAL(epoll_wait);
int real_epoll_pwait2(int epfd, struct epoll_event *events, int max, const struct timespec *timeout,
                      const sigset_t *mask) REAL(epoll_pwait2);
int real_poll(struct pollfd *fds, nfds_t count, int timeout) REAL(poll);
int real_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
               const sigset_t *mask) REAL(ppoll);
int real_clock_gettime(clockid_t id, struct timespec *out) REAL(clock_gettime);

int real_eventfd(unsigned initial, int flags) REAL(eventfd);
int real_signalfd(int fd, const sigset_t *mask, int flags) REAL(signalfd);
int real_pipe2(int fds[2], int flags) REAL(pipe2);
void *real_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset) REAL(mmap);
void *real_mmap64(void *addr, size_t len, int prot, int flags, int fd, off64_t offset) REAL(mmap64);
int real_munmap(void *addr, size_t len) REAL(munmap);
int real_mprotect(void *addr, size_t len, int prot) REAL(mprotect);
int real_madvise(void *addr, size_t len, int advice) REAL(madvise);
int real_sigaction(int signo, const struct sigaction *act, struct sigaction *old) REAL(sigaction);
int real_open(const char *path, int flags, ...) REAL(open);
int real_open64(const char *path, int flags, ...) REAL(open64);
int real_stat(const char *path, struct stat *out) REAL(stat);
int real_stat64(const char *path, struct stat64 *out) REAL(stat64);
int real_fcntl(int fd, int command, ...) REAL(fcntl);
int real_fcntl64(int fd, int command, ...) REAL(fcntl64);
ssize_t real_getrandom(void *buf, size_t len, unsigned flags) REAL(getrandom);
int real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *),
                        void *arg) REAL(pthread_create);

#endif

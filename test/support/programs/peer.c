// A peer for scripts, on a port of 127.0.0.1 that the kernel chooses; prints the port first.
//
//     peer silent       a UDP socket that never answers; prints "datagram" for each that came
//     peer says FILE    answers each request head with the bytes of FILE, and closes
//     peer stalls FILE  the same, but does not close
//     peer refuses      holds the port and does not listen

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char text[1 << 20];
static size_t text_len;

static int bound(int type)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, type, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) != 0) exit(1);
    if (getsockname(fd, (struct sockaddr *)&at, &len) != 0) exit(1);
    printf("%u\n", ntohs(at.sin_port));
    fflush(stdout);
    return fd;
}

static void read_head(int fd)
{
    char head[65536];
    size_t len = 0;
    while (len < sizeof head && !memmem(head, len, "\r\n\r\n", 4)) {
        ssize_t got = read(fd, head + len, sizeof head - len);
        if (got <= 0) return;
        len += (size_t)got;
    }
}

static void answer(int fd, int stalls)
{
    read_head(fd);
    for (size_t at = 0; at < text_len;) {
        ssize_t sent = send(fd, text + at, text_len - at, MSG_NOSIGNAL);
        if (sent <= 0) break;
        at += (size_t)sent;
    }
    if (!stalls) close(fd);
}

int main(int argc, char **argv)
{
    if (argc < 2) return 2;
    if (strcmp(argv[1], "refuses") == 0) {
        bound(SOCK_STREAM);
        pause();
    }
    if (strcmp(argv[1], "silent") == 0) {
        int fd = bound(SOCK_DGRAM);
        while (recv(fd, text, sizeof text, 0) >= 0) {
            puts("datagram");
            fflush(stdout);
        }
        return 1;
    }
    FILE *file = argc > 2 ? fopen(argv[2], "rb") : NULL;
    if (!file) return 2;
    text_len = fread(text, 1, sizeof text, file);
    int listener = bound(SOCK_STREAM);
    if (listen(listener, 64) != 0) return 1;
    for (int fd; (fd = accept(listener, NULL, NULL)) >= 0;)
        answer(fd, strcmp(argv[1], "stalls") == 0);
    return 1;
}

// SPDX-License-Identifier: Apache-2.0
// Full handshakes with many servers by OpenSSL and epoll: what a scanner can reach that finishes each handshake.
// Reads IPv4 addresses, one a line; writes how many certificates it got.
//   full_handshakes PORT AT_ONCE < addresses
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct talk {
    int fd;
    SSL *tls;
};

static int poller, port, open_now;
static long found;
static SSL_CTX *context;

static void finish(struct talk *talk, int good)
{
    struct linger at_once = {1, 0};
    if (good) {
        X509 *leaf = SSL_get1_peer_certificate(talk->tls);
        if (leaf != NULL) {
            found++;
            X509_free(leaf);
        }
    }
    setsockopt(talk->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    SSL_free(talk->tls);
    close(talk->fd);
    free(talk);
    open_now--;
}

static void go_on(struct talk *talk)
{
    int result = SSL_do_handshake(talk->tls);
    int error = result == 1 ? SSL_ERROR_NONE : SSL_get_error(talk->tls, result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return;
    finish(talk, result == 1);
}

static void dial(const char *address)
{
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET};
    struct talk *talk = calloc(1, sizeof *talk);
    if (talk == NULL || inet_pton(AF_INET, address, &place.sin_addr) != 1)
        exit(2);
    talk->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (talk->fd < 0)
        exit(2);
    if (connect(talk->fd, (struct sockaddr *)&place, sizeof place) != 0 && errno != EINPROGRESS) {
        close(talk->fd);
        free(talk);
        return;
    }
    talk->tls = SSL_new(context);
    SSL_set_fd(talk->tls, talk->fd);
    SSL_set_connect_state(talk->tls);
    event.data.ptr = talk;
    epoll_ctl(poller, EPOLL_CTL_ADD, talk->fd, &event);
    open_now++;
}

int main(int count, char **words)
{
    char line[64];
    struct epoll_event events[256];
    int more = 1;
    if (count != 3)
        return 2;
    port = atoi(words[1]);
    poller = epoll_create1(0);
    context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    while (more || open_now > 0) {
        while (more && open_now < atoi(words[2])) {
            if (fgets(line, sizeof line, stdin) == NULL) {
                more = 0;
                break;
            }
            line[strcspn(line, "\n")] = 0;
            dial(line);
        }
        int ready = epoll_wait(poller, events, 256, 1000);
        for (int at = 0; at < ready; at++)
            go_on(events[at].data.ptr);
    }
    printf("%ld\n", found);
    return 0;
}

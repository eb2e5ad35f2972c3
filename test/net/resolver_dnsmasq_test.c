// Look-ups against a real name server: dnsmasq.

#include "test/net/names.h"

#include "test/support/child.h"
#include "test/support/sockets.h"

static void names_of_a_real_dnsmasq_are_resolved(void **state)
{
    (void)state;
    if (!child_is_installed("dnsmasq")) SKIP("dnsmasq is not installed");
    struct names names;
    child dnsmasq;
    names_open(&names, NULL, 0);
    uint16_t port = free_port();
    char port_option[32];
    snprintf(port_option, sizeof port_option, "--port=%u", port);
    child_start(&dnsmasq,
                (const char *const[]){
                    "dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--pid-file=", "--user=root",
                    "--no-resolv", "--no-hosts", "--bind-interfaces", "--listen-address=127.0.0.1",
                    port_option, "--local=/test/",
                    "--host-record=both.test,192.0.2.1,2001:db8::1,60",
                    "--host-record=four.test,192.0.2.4,60", "--cname=alias.test,both.test", NULL});
    child_wait_udp(&dnsmasq, port);
    snprintf(names.dns.text, sizeof names.dns.text, "127.0.0.1:%u", port);
    expect(&names, "both.test", "[2001:db8::1]:80 192.0.2.1:80");
    expect(&names, "alias.test", "[2001:db8::1]:80 192.0.2.1:80");
    expect(&names, "four.test", "192.0.2.4:80");
    expect_in(&names, "four.test", AF_INET6, "GYRE_ENOADDRESS");
    expect(&names, "nosuch.test", "GYRE_ENOTFOUND");
    expect(&names, "elsewhere.example", "GYRE_ERESOLVE"); // it has nobody to ask
    child_stop(&dnsmasq);
    names_close(&names);
}

TESTS(cmocka_unit_test(names_of_a_real_dnsmasq_are_resolved))

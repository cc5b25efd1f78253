package openwrt

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// hook runs one of the scripts of ip-up and its neighbours as the program does.
func (r *root) hook(name string, argv []string, env ...string) []string {
	r.t.Helper()
	path := "/lib/netifd/" + name
	record, code, output := r.run("/", env, append([]string{path}, argv...)...)
	assert.Zero(r.t, code)
	assert.Empty(r.t, output)
	return record
}

// TestHooksTellNetifd what the tunnel has, and that it has gone.
func TestHooksTellNetifd(t *testing.T) {
	four := strings.Fields("arc4-vpn 192.0.2.1 0 10.99.0.100 10.99.0.1 vpn")
	six := strings.Fields("arc4-vpn 192.0.2.1 0 fe80::1 fe80::2 vpn")
	begun := []string{noted("proto_init_update", "arc4-vpn", "1", "1"), noted("proto_set_keep", "1")}
	update := func(told ...string) []string {
		return append(append(append([]string{}, begun...), told...), noted("proto_send_update", "vpn"))
	}
	address := noted("proto_add_ipv4_address", "10.99.0.100", "32", "", "10.99.0.1")
	route := noted("proto_add_ipv4_route", "0.0.0.0", "0", "10.99.0.1")
	for name, test := range map[string]struct {
		hook string
		argv []string
		env  string
		want []string
	}{
		"up": {"arc4-up", four, "IPLOCAL=10.99.0.100 IPREMOTE=10.99.0.1", update(address, route)},
		"up with name servers": {"arc4-up", four, "IPLOCAL=10.99.0.100 IPREMOTE=10.99.0.1 DNS1=9.9.9.9 DNS2=1.1.1.1",
			update(address, route, noted("proto_add_dns_server", "9.9.9.9"), noted("proto_add_dns_server", "1.1.1.1"))},
		"up with one name server twice": {"arc4-up", four, "IPLOCAL=10.99.0.100 IPREMOTE=10.99.0.1 DNS1=9.9.9.9 DNS2=9.9.9.9",
			update(address, route, noted("proto_add_dns_server", "9.9.9.9"))},
		"up without a remote address": {"arc4-up", strings.Fields("arc4-vpn 192.0.2.1 0 10.99.0.100 0.0.0.0 vpn"), "IPLOCAL=10.99.0.100",
			update(noted("proto_add_ipv4_address", "10.99.0.100", "32", "", ""), noted("proto_add_ipv4_route", "0.0.0.0", "0", ""))},
		"IPv6 up": {"arc4-up", six, "IPLOCAL=10.99.0.100 LLLOCAL=fe80::1 LLREMOTE=fe80::2 DNS1=9.9.9.9",
			update(noted("proto_add_ipv6_address", "fe80::1", "128"))},
		"down": {"arc4-down", four, "IPLOCAL=10.99.0.100 CONNECT_TIME=5", []string{noted("proto_init_update", "arc4-vpn", "0"), noted("proto_send_update", "vpn")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoot(t)
			assert.Equal(t, test.want, r.hook(test.hook, test.argv, append(strings.Fields(test.env), "IFNAME=arc4-vpn")...))
		})
	}
}

// TestHooksOfPPPD, which who comes from pppd has, are run after netifd was told, and only those
// that can be.
func TestHooksOfPPPD(t *testing.T) {
	t.Parallel()
	r := newRoot(t)
	for _, when := range []string{"up", "down"} {
		r.write("etc/ppp/ip-"+when+".d/10-mine", "#!/bin/sh\n. /lib/functions.sh\nnote mine "+when+" \"$@\"\n", 0o755)
		r.write("etc/ppp/ip-"+when+".d/20-off", "#!/bin/sh\n. /lib/functions.sh\nnote off\n", 0o644)
	}
	r.write("var/run/arc4/vpn.failures", "3\n", 0o644)
	argv := strings.Fields("arc4-vpn 192.0.2.1 0 10.99.0.100 10.99.0.1 vpn")
	for _, when := range []string{"up", "down"} {
		record := r.hook("arc4-"+when, argv, "IFNAME=arc4-vpn", "IPLOCAL=10.99.0.100", "IPREMOTE=10.99.0.1")
		assert.Equal(t, noted(append([]string{"mine", when}, argv...)...), record[len(record)-1])
	}
	assert.Empty(t, r.read("var/run/arc4/vpn.failures"), "a tunnel that was up has not failed")
}

package openwrt

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/tunnel/secrets"
)

// service runs the init script.
func (r *root) service(command string) []string {
	r.t.Helper()
	record, code, output := r.run("/", nil, "/bin/sh", "/etc/rc.common", "/etc/init.d/arc4", command)
	require.Zero(r.t, code)
	require.Empty(r.t, output)
	return record
}

// commands puts each instance's words together, which procd gets one by one, and leaves them out of
// what else was noted.
func commands(record []string) (all, rest []string) {
	for _, line := range record {
		name, words, _ := strings.Cut(line, " ")
		words = strings.NewReplacer("] [", " ", "[", "", "]", "").Replace(words)
		switch text, is := strings.CutPrefix(words, "command "); {
		case is && name == "procd_set_param":
			all = append(all, text)
		case is && name == "procd_append_param":
			all[len(all)-1] += " " + text
		default:
			rest = append(rest, line)
		}
	}
	return all, rest
}

// instance is what else procd is told of an instance.
func instance(name string, more ...string) []string {
	all := append([]string{noted("procd_open_instance", name)}, more...)
	return append(all,
		noted("procd_set_param", "file", "/var/etc/arc4.secrets"), noted("procd_set_param", "reload_signal", "HUP"), noted("procd_set_param", "respawn"),
		noted("procd_set_param", "stdout", "1"), noted("procd_set_param", "stderr", "1"))
}

const serve = "/usr/sbin/arc4 serve --secrets /var/etc/arc4.secrets "

// TestServiceStart: what procd is told to run, option by option.
func TestServiceStart(t *testing.T) {
	const first = "config server 'server'\n\toption enabled '1'\n\tlist listen ':1723'\n\toption local_ip '10.99.0.1'\n\toption pool '10.99.0.100-10.99.0.120'\n"
	const flags = "--listen :1723 --local-ip 10.99.0.1 --pool 10.99.0.100-10.99.0.120"
	for name, test := range map[string]struct {
		config string
		want   []string
	}{
		"as it is installed": {"", nil},
		"switched on":        {first, []string{flags}},
		"switched off":       {strings.Replace(first, "'1'", "'0'", 1), nil},
		"two addresses":      {first + "\tlist listen '192.0.2.1:1724'\n", []string{strings.Replace(flags, ":1723", ":1723 --listen 192.0.2.1:1724", 1)}},
		"lists": {first + "\tlist dns '9.9.9.9'\n\tlist dns '1.1.1.1'\n\tlist wins '10.0.0.1'\n", []string{
			flags + " --dns 9.9.9.9 --dns 1.1.1.1 --wins 10.0.0.1"}},
		"all flags": {first + "\toption device 'pptp'\n\toption name 'office'\n\toption max_sessions '9'\n\toption sessions_per_user '1'\n\toption mtu '1380'\n\toption mppe 'require'\n" +
			"\toption mppe_stateful 'allow'\n\toption auth 'mschapv2'\n\toption backend 'u32'\n\toption io 'raw'\n\toption reorder_window '512'\n\toption reorder_timeout '50ms'\n\toption reorder_policy 'drop'\n" +
			"\toption ip_pre_up '/a'\n\toption ip_up '/b'\n\toption ip_down '/c'\n\toption ipparam 'in'\n\toption ipv6 '1'\n\toption trace 'on'\n\toption keepalive '5 10'\n", []string{
			strings.Replace(flags, "--pool 10.99.0.100-10.99.0.120", "--pool 10.99.0.100-10.99.0.120 --tun pptp --name office --max-sessions 9 --sessions-per-user 1 --mtu 1380 --mppe require "+
				"--mppe-stateful allow --auth mschapv2 --backend u32 --io raw --reorder-window 512 --reorder-timeout 50ms --reorder-policy drop "+
				"--ip-pre-up /a --ip-up /b --ip-down /c --ipparam in --ipv6 --trace --echo-failures 5 --echo-interval 10s", 1)}},
		"switches that are off": {first + "\toption ipv6 '0'\n\toption trace 'off'\n", []string{flags}},
		"an interface":          {first + "\toption interface 'wan'\n", []string{strings.Replace(flags, "--listen :1723", "--listen 192.0.2.1 --listen 192.0.2.2", 1)}},
		"two servers": {first + "config server 'other'\n\toption enabled '1'\n\tlist listen '192.0.2.9'\n", []string{
			flags, "--listen 192.0.2.9"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoot(t)
			r.option("addresses_wan", "192.0.2.1 192.0.2.2")
			if test.config != "" {
				r.write("etc/config/arc4", test.config, 0o600)
			}
			all, _ := commands(r.service("start"))
			var want []string
			for _, flags := range test.want {
				want = append(want, serve+flags)
			}
			assert.Equal(t, want, all)
		})
	}
}

// TestServiceTellsProcd and the firewall more than the command.
func TestServiceTellsProcd(t *testing.T) {
	t.Parallel()
	r := newRoot(t)
	r.write("etc/config/arc4", "config server 'server'\n\toption enabled '1'\n\tlist listen '192.0.2.1:11723'\n\tlist open_zone 'wan'\n\tlist open_zone 'guest'\n"+
		"\toption gomemlimit '16MiB'\n\toption gogc '50'\n\toption gomaxprocs '1'\n", 0o600)
	_, rest := commands(r.service("start"))
	want := instance("server",
		noted("procd_append_param", "env", "GOMEMLIMIT=16MiB"), noted("procd_append_param", "env", "GOGC=50"), noted("procd_append_param", "env", "GOMAXPROCS=1"))
	want = append(want, noted("procd_open_data"), noted("json_add_array", "firewall"))
	for _, zone := range []string{"wan", "guest"} {
		for _, proto := range []string{"tcp", "gre"} {
			want = append(want, noted("json_add_object", ""), noted("json_add_string", "type", "rule"), noted("json_add_string", "name", "arc4-"+proto+"-"+zone),
				noted("json_add_string", "src", zone), noted("json_add_string", "family", "ipv4"), noted("json_add_string", "proto", proto))
			if proto == "tcp" {
				want = append(want, noted("json_add_string", "dest_port", "11723"))
			}
			want = append(want, noted("json_add_string", "target", "ACCEPT"), noted("json_close_object"))
		}
	}
	want = append(want, noted("json_close_array"), noted("procd_close_data"), noted("procd_close_instance"), noted("procd_set_config_changed", "firewall"))
	assert.Equal(t, want, rest)

	r.write("etc/config/arc4", "config server 'server'\n\toption enabled '1'\n\toption interface 'wan'\n", 0o600)
	all, rest := commands(r.service("start"))
	assert.Empty(t, all, "the interface has no address yet")
	assert.Contains(t, rest[0], "interface wan has no IPv4 address yet")
	assert.Equal(t, []string{
		noted("procd_add_reload_trigger", "arc4"), noted("procd_add_interface_trigger", "interface.*.up", "wan", "/etc/init.d/arc4", "restart"),
	}, r.service("triggers"), "and so it is started when there is one")
}

// TestServiceUsers: the program reads what the init script writes, whatever is in a password.
func TestServiceUsers(t *testing.T) {
	t.Parallel()
	r := newRoot(t)
	r.write("etc/config/arc4", `config user
	option username 'alice'
	option password 'correct "horse" \ # $(reboot)'
config user
	option username 'OFFICE\bob'
	option password 'hunter2'
	option address '10.99.0.0/24 !10.99.0.1'
config user 'third'
	option username 'carol'
config user 'fourth'
	option username 'dave'
	option password 'two
lines'
`, 0o600)
	_, rest := commands(r.service("start"))
	for _, want := range []string{"user third: username or password is missing, and it is left out", "user fourth: has a line break in it, and is left out"} {
		assert.Contains(t, rest, noted("logger", "-t", "arc4", "-p", "daemon.err", want))
	}
	path := filepath.Join(r.path, "var/etc/arc4.secrets")
	assert.Equal(t, os.FileMode(0o600), r.mode("var/etc/arc4.secrets"))
	assert.Equal(t, os.FileMode(0o755), r.mode("var/etc"), "other programs have files there")
	assert.Equal(t, "\"alice\" * \"correct \\\"horse\\\" \\\\ # $(reboot)\" *\n\"OFFICE\\\\bob\" * \"hunter2\" 10.99.0.0/24 !10.99.0.1\n", r.read("var/etc/arc4.secrets"))
	users, err := secrets.Open(path, secrets.Options{})
	require.NoError(t, err)
	for name, want := range map[string]string{"alice": `correct "horse" \ # $(reboot)`, `OFFICE\bob`: "hunter2"} {
		secret, known := users.Lookup(name, "arc4")
		require.True(t, known, name)
		assert.Equal(t, want, secret.Password)
		assert.True(t, secret.Allowed(netip.MustParseAddr("10.99.0.7")))
	}
	r.service("stop")
	assert.Empty(t, r.read("var/etc/arc4.secrets"))
}

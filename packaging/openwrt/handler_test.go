package openwrt

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// handler runs netifd's protocol handler for the interface vpn.
func (r *root) handler(command string, env ...string) (record []string, code int) {
	r.t.Helper()
	record, code, output := r.run("/lib/netifd/proto", env, "/lib/netifd/proto/arc4.sh", "arc4", command, "vpn", "{}")
	require.Empty(r.t, output, "a script of netifd's writes nothing")
	return record, code
}

// pptp is an interface as it was with `option proto pptp`.
var pptp = map[string]string{"server": "vpn.example.net", "username": "alice", "password": "wonderland", "resolved": "192.0.2.1\n"}

func (r *root) options(options ...map[string]string) *root {
	for _, o := range options {
		for name, value := range o {
			r.option(name, value)
		}
	}
	return r
}

// command is what the handler has netifd run for pptp, with more flags at the end.
func command(server, flags string) []string {
	words := "/usr/sbin/arc4 connect " + server + " --user alice --password-file /var/etc/arc4-vpn.password --tun arc4-vpn --ip-up /lib/netifd/arc4-up --ip-down /lib/netifd/arc4-down --ipparam vpn " + flags
	return append([]string{"proto_run_command", "vpn"}, strings.Fields(words)...)
}

func unused(text string) string {
	return noted("logger", "-t", "arc4-vpn", "-p", "daemon.warn", text)
}

// TestHandlerSetup: what netifd is told, option by option.
func TestHandlerSetup(t *testing.T) {
	const ipv6Flags = "--ipv6 --ipv6-up /lib/netifd/arc4-up"
	for name, test := range map[string]struct {
		options map[string]string
		flags   string
		log     []string
	}{
		"nothing else":           {nil, "", nil},
		"keepalive":              {map[string]string{"keepalive": "5 10"}, "--echo-interval 10s --echo-failures 5", nil},
		"keepalive with a comma": {map[string]string{"keepalive": "5,10"}, "--echo-interval 10s --echo-failures 5", nil},
		"keepalive of one":       {map[string]string{"keepalive": "3"}, "--echo-interval 5s --echo-failures 3", nil},
		"no keepalive":           {map[string]string{"keepalive": "0 5"}, "--echo-interval 0", nil},
		"mtu":                    {map[string]string{"mtu": "1380"}, "--mtu 1380", nil},
		"ipv6":                   {map[string]string{"ipv6": "1"}, ipv6Flags, nil},
		"ipv6 auto":              {map[string]string{"ipv6": "auto"}, ipv6Flags, nil},
		"no ipv6":                {map[string]string{"ipv6": "0"}, "", nil},
		"persist":                {map[string]string{"persist": "1"}, "--reconnect", nil},
		"persist, holdoff":       {map[string]string{"persist": "1", "holdoff": "20"}, "--reconnect --hold-off 20", nil},
		"holdoff alone":          {map[string]string{"holdoff": "20"}, "", nil},
		"maxfail":                {map[string]string{"maxfail": "1"}, "", nil},
		"persist, maxfail":       {map[string]string{"persist": "1", "maxfail": "3"}, "--reconnect --max-fail 3", nil},
		"persist, no maxfail":    {map[string]string{"persist": "1", "maxfail": "0"}, "--reconnect", nil},
		"persist, pppd's":        {map[string]string{"persist": "1", "pppd_options": "maxfail 4"}, "--reconnect --max-fail 4", nil},
		"authfail":               {map[string]string{"authfail": "1"}, "", nil},
		"demand":                 {map[string]string{"demand": "60"}, "", []string{unused("option demand '60' is not used: netifd has routes to a tunnel only while it is up")}},
		"no demand":              {map[string]string{"demand": "0"}, "", nil},
		"keepalive adaptive":     {map[string]string{"keepalive_adaptive": "1"}, "", nil},
		"no keepalive adaptive":  {map[string]string{"keepalive_adaptive": "0"}, "", []string{unused("option keepalive_adaptive '0' is not used: a peer that is heard is never asked")}},
		"options of a modem": {map[string]string{"connect": "/etc/chat", "disconnect": "/etc/bye"}, "", []string{
			unused("option connect '/etc/chat' is not used: there is no modem"), unused("option disconnect '/etc/bye' is not used: there is no modem")}},
		"unnumbered": {map[string]string{"unnumbered": "lan"}, "", []string{unused("option unnumbered 'lan' is not used: the server gives the address")}},
		"prefixes of IPv6": {map[string]string{"reqprefix": "auto", "sourcefilter": "0", "delegate": "0", "norelease": "1"}, "", []string{
			unused("option reqprefix 'auto' is not used: IPv6 addresses in the tunnel are link-local"),
			unused("option sourcefilter '0' is not used: IPv6 addresses in the tunnel are link-local"),
			unused("option delegate '0' is not used: IPv6 addresses in the tunnel are link-local"),
			unused("option norelease '1' is not used: IPv6 addresses in the tunnel are link-local")}},
		"flags of arc4": {map[string]string{"mppe": "allow", "mppe_stateful": "allow", "auth": "mschapv2,pap", "backend": "u32", "io": "raw",
			"reorder_window": "1024", "reorder_timeout": "50ms", "reorder_policy": "immediate", "trace": "1"},
			"--mppe allow --mppe-stateful allow --auth mschapv2,pap --backend u32 --io raw --reorder-window 1024 --reorder-timeout 50ms --reorder-policy immediate --trace", nil},
		"no trace":            {map[string]string{"trace": "0"}, "", nil},
		"pppd: what is usual": {map[string]string{"pppd_options": "noipdefault noauth nobsdcomp nodeflate refuse-eap require-mschap-v2 mppe required,no40,no56,stateless"}, "--mppe require-128 --auth mschapv2", nil},
		"pppd: mppe weak":     {map[string]string{"pppd_options": "mppe required,stateful"}, "--mppe require --mppe-stateful allow", nil},
		"pppd: mppe optional": {map[string]string{"pppd_options": "mppe optional,no40"}, "--mppe allow", nil},
		"pppd: mppe wrong":    {map[string]string{"pppd_options": "mppe required,no40,fast"}, "--mppe require-128", []string{unused("pppd_options: mppe fast is not used")}},
		"pppd: nomppe":        {map[string]string{"pppd_options": "nomppe"}, "--mppe off", nil},
		"pppd: weak keys":     {map[string]string{"pppd_options": "require-mppe-40 mppe-stateful"}, "--mppe require --mppe-stateful allow", nil},
		"pppd and mppe":       {map[string]string{"pppd_options": "nomppe", "mppe": "require"}, "--mppe require", nil},
		"pppd: mtu and mru":   {map[string]string{"pppd_options": "mru 1390 mtu 1380"}, "--mtu 1380", nil},
		"pppd: mru":           {map[string]string{"pppd_options": "mru 1390"}, "--mtu 1390", nil},
		"pppd and mtu":        {map[string]string{"pppd_options": "mtu 1380", "mtu": "1400"}, "--mtu 1400", nil},
		"pppd: echo":          {map[string]string{"pppd_options": "lcp-echo-interval 20 lcp-echo-failure 3"}, "--echo-interval 20s --echo-failures 3", nil},
		"pppd and keepalive":  {map[string]string{"pppd_options": "lcp-echo-interval 20", "keepalive": "2 7"}, "--echo-interval 7s --echo-failures 2", nil},
		"pppd: no echo":       {map[string]string{"pppd_options": "lcp-echo-failure 0"}, "--echo-interval 0", nil},
		"pppd: switches":      {map[string]string{"pppd_options": "debug persist holdoff 9 +ipv6"}, ipv6Flags + " --reconnect --hold-off 9 --trace", nil},
		"pppd: no switches":   {map[string]string{"pppd_options": "nopersist noipv6", "ipv6": "1"}, "", nil},
		"pppd: no value":      {map[string]string{"pppd_options": "mtu"}, "", []string{unused("pppd_options: mtu has no value")}},
		"pppd: unknown": {map[string]string{"pppd_options": "plugin * $(reboot)"}, "", []string{
			unused("pppd_options: plugin is not used"), unused("pppd_options: * is not used"), unused("pppd_options: $(reboot) is not used")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoot(t).options(pptp, test.options)
			require.NoError(t, os.MkdirAll(filepath.Join(r.path, "proc/sys/net/ipv6"), 0o755))
			record, code := r.handler("setup")
			want := append(append([]string{}, test.log...),
				noted("resolveip", "-4", "-t", "5", "vpn.example.net"), noted("proto_add_host_dependency", "vpn", "192.0.2.1", ""),
				noted(command("vpn.example.net", test.flags)...))
			assert.Equal(t, want, record)
			assert.Zero(t, code)
		})
	}
}

// TestHandlerSetupOfOneThing at a time that is more than a flag.
func TestHandlerSetupOfOneThing(t *testing.T) {
	for name, test := range map[string]struct {
		options map[string]string
		want    []string
		code    int
	}{
		"interface, several addresses and a port": {
			map[string]string{"interface": "wan", "resolved": "192.0.2.1\n192.0.2.2\n", "server": "vpn.example.net:11723"}, []string{
				noted("resolveip", "-4", "-t", "5", "vpn.example.net"),
				noted("proto_add_host_dependency", "vpn", "192.0.2.1", "wan"), noted("proto_add_host_dependency", "vpn", "192.0.2.2", "wan"),
				noted(command("vpn.example.net:11723", "")...)}, 0},
		"no such server": {map[string]string{"resolved": ""}, []string{
			noted("resolveip", "-4", "-t", "5", "vpn.example.net"), unused("the address of server vpn.example.net cannot be looked up"),
			noted("sleep", "5"), noted("proto_setup_failed", "vpn")}, 1},
		"no server":   {map[string]string{"server": ""}, refused("option server is missing"), 1},
		"no user":     {map[string]string{"username": ""}, refused("option username is missing"), 1},
		"no password": {map[string]string{"password": ""}, refused("option password is missing"), 1},
		"a long name": {map[string]string{"pppname": "a-name-of-sixteen"},
			refused("device a-name-of-sixteen: the name is longer than 15 bytes: give the interface a shorter name, or option pppname"), 1},
		"a name of its own": {map[string]string{"pppname": "office"}, []string{
			noted("resolveip", "-4", "-t", "5", "vpn.example.net"), noted("proto_add_host_dependency", "vpn", "192.0.2.1", ""),
			strings.Replace(noted(command("vpn.example.net", "")...), "arc4-vpn] [--ip-up", "office] [--ip-up", 1)}, 0},
		"a system without IPv6": {map[string]string{"ipv6": "1"}, []string{
			noted("resolveip", "-4", "-t", "5", "vpn.example.net"), noted("proto_add_host_dependency", "vpn", "192.0.2.1", ""),
			unused("option ipv6 '1' is not used: this system has no IPv6"), noted(command("vpn.example.net", "")...)}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			record, code := newRoot(t).options(pptp, test.options).handler("setup")
			assert.Equal(t, test.want, record)
			assert.Equal(t, test.code, code)
		})
	}
}

func refused(why string) []string {
	return []string{unused(why), noted("proto_notify_error", "vpn", "OPTION_ERROR"), noted("proto_block_restart", "vpn")}
}

// TestHandlerKeepsThePassword to root, in a file that is gone when the interface is.
func TestHandlerKeepsThePassword(t *testing.T) {
	t.Parallel()
	const password = `won'der"land $(reboot) \`
	r := newRoot(t).options(pptp, map[string]string{"password": password})
	r.write("var/etc/arc4-vpn.password", "an old one, open to all", 0o644)
	record, _ := r.handler("setup")
	assert.NotContains(t, strings.Join(record, "\n"), "der", "no argument has the password in it")
	assert.Equal(t, password+"\n", r.read("var/etc/arc4-vpn.password"))
	assert.Equal(t, os.FileMode(0o600), r.mode("var/etc/arc4-vpn.password"))
	r.handler("teardown")
	assert.Empty(t, r.read("var/etc/arc4-vpn.password"))
}

// TestHandlerLeavesTheFolderOpen in which programs of other users have their files, too, where it
// is the first that makes it.
func TestHandlerLeavesTheFolderOpen(t *testing.T) {
	t.Parallel()
	r := newRoot(t).options(pptp)
	r.handler("setup")
	assert.Equal(t, os.FileMode(0o755), r.mode("var/etc"))
	assert.Equal(t, os.FileMode(0o600), r.mode("var/etc/arc4-vpn.password"))
}

// TestHandlerTeardown: what each exit code of the program means to netifd.
func TestHandlerTeardown(t *testing.T) {
	for name, test := range map[string]struct {
		code     string // "": the program has not ended by itself
		authfail string
		error    string
		blocks   bool
		failures string
	}{
		"taken down":               {"", "1", "", false, ""},
		"ended by a signal":        {"0", "1", "", false, ""},
		"any other failure":        {"1", "1", "FATAL_ERROR", false, "3\n"},
		"usage":                    {"2", "0", "OPTION_ERROR", true, "3\n"},
		"authentication":           {"3", "0", "AUTH_FAILED", false, "7\n"},
		"authentication, unset":    {"3", "", "AUTH_FAILED", false, "7\n"},
		"authentication, authfail": {"3", "1", "AUTH_FAILED", true, "7\n"},
		"network":                  {"4", "1", "CONNECT_FAILED", false, "3\n"},
		"policy":                   {"5", "1", "NEGOTIATION_FAILED", false, "3\n"},
		"permission":               {"6", "1", "NO_PERMISSION", false, "3\n"},
		"interrupted":              {"130", "1", "FATAL_ERROR", false, "3\n"},
		"a code that nobody knows": {"77", "1", "FATAL_ERROR", false, "3\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoot(t)
			if test.authfail != "" {
				r.option("authfail", test.authfail)
			}
			r.write("var/run/arc4/vpn.failures", "2\n", 0o644)
			var env, want []string
			if test.code != "" {
				env = append(env, "ERROR="+test.code)
			}
			if test.error != "" {
				want = append(want, noted("proto_notify_error", "vpn", test.error))
			}
			if test.blocks {
				want = append(want, noted("proto_block_restart", "vpn"))
			}
			record, code := r.handler("teardown", env...)
			assert.Equal(t, append(want, noted("proto_kill_command", "vpn")), record)
			assert.Zero(t, code)
			assert.Equal(t, test.failures, r.read("var/run/arc4/vpn.failures"))
		})
	}
}

// TestHandlerPauses before another attempt, since netifd makes it at once.
func TestHandlerPauses(t *testing.T) {
	for failures, want := range map[int]string{0: "", 1: "1", 2: "2", 3: "4", 6: "32", 7: "60", 100: "60"} {
		for _, holdoff := range []string{"", "9"} {
			t.Run(fmt.Sprintf("%d failures, holdoff %s", failures, holdoff), func(t *testing.T) {
				t.Parallel()
				r := newRoot(t).options(pptp)
				want := want
				if holdoff != "" {
					r.option("holdoff", holdoff)
					if want != "" {
						want = holdoff
					}
				}
				if failures > 0 {
					r.write("var/run/arc4/vpn.failures", fmt.Sprintln(failures), 0o644)
				}
				record, _ := r.handler("setup")
				require.NotEmpty(t, record)
				if want == "" {
					assert.NotContains(t, strings.Join(record, "\n"), "sleep")
				} else {
					assert.Equal(t, noted("sleep", want), record[0])
				}
			})
		}
	}
}

// TestHandlerIsAProtocol that netifd takes, with all options of OpenWrt's pptp.
func TestHandlerIsAProtocol(t *testing.T) {
	t.Parallel()
	record, _ := newRoot(t).handler("dump")
	text := strings.Join(record, "\n")
	for _, option := range strings.Fields("server interface username password keepalive keepalive_adaptive demand pppd_options connect disconnect ipv6 authfail mtu pppname unnumbered reqprefix persist maxfail holdoff sourcefilter delegate norelease") {
		assert.Regexp(t, `(?m)^proto_config_add_(string|int|boolean) \[`+option+`\]$`, text)
	}
	assert.Contains(t, record, noted("flags", "no_device=1", "available=1", "lasterror=1"))
}

// TestHandlerWithoutTheProgram is none.
func TestHandlerWithoutTheProgram(t *testing.T) {
	t.Parallel()
	r := newRoot(t).options(pptp)
	require.NoError(t, os.Remove(filepath.Join(r.path, "usr/sbin/arc4")))
	record, code := r.handler("setup")
	assert.Empty(t, record)
	assert.Zero(t, code)
}

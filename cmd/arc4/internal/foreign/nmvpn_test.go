package foreign

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestNetworkManagerVPN: what NetworkManager gives its plugin comes to the same as its file.
func TestNetworkManagerVPN(t *testing.T) {
	with := func(pairs ...string) map[string]string {
		data := map[string]string{"gateway": "vpn.example.net", "user": "alice"}
		for i := 0; i < len(pairs); i += 2 {
			data[pairs[i]] = pairs[i+1]
		}
		return data
	}
	for _, tc := range []struct {
		name     string
		data     map[string]string
		settings []string
		err      string
	}{
		{name: "as the editor writes it, encryption not asked for", data: with("password-flags", "1"), settings: []string{"server=vpn.example.net", "user=alice"}},
		{
			name: "all that carries over",
			data: with("domain", "OFFICE", "require-mppe", "yes", "mppe-stateful", "yes", "lcp-echo-interval", "30", "lcp-echo-failure", "5", "mtu", "1300", "mru", "1300",
				"unit", "7", "refuse-eap", "yes", "nobsdcomp", "yes", "no-vj-comp", "no"),
			settings: []string{"server=vpn.example.net", `user=OFFICE\alice`, "auth=[mschapv2]", "mppe-stateful=allow", "echo-interval=30s", "echo-failures=5", "mtu=1300", "tun=ppp7"},
		},
		{name: "the user of this machine", data: map[string]string{"gateway": "192.0.2.1"}, settings: []string{"server=192.0.2.1", "user=carol"}},
		{name: "40 bits", data: with("require-mppe-40", "yes"), settings: []string{"server=vpn.example.net", "user=alice", "mppe=require"}},
		{name: "in clear, where nothing is asked for", data: with("mppe", "allow"), settings: []string{"server=vpn.example.net", "user=alice", "mppe=allow"}},
		{name: "in clear", data: with("mppe", "off"), settings: []string{"server=vpn.example.net", "user=alice", "mppe=off"}},
		{
			name: "EAP, since it must be encrypted", data: with("refuse-mschapv2", "yes", "require-mppe-128", "yes"),
			settings: []string{"server=vpn.example.net", "user=alice", "auth=[eap]"},
		},
		{
			name: "without MS-CHAPv2 in CHAP", data: with("refuse-mschapv2", "yes", "refuse-chap", "yes"),
			settings: []string{"server=vpn.example.net", "user=alice", "auth=[eap pap]", "mppe=allow"},
		},
		{
			name: "without MS-CHAPv2", data: with("refuse-mschapv2", "yes", "refuse-chap", "yes", "refuse-eap", "yes"),
			settings: []string{"server=vpn.example.net", "user=alice", "auth=[pap]", "mppe=off"},
		},
		{name: "no gateway", data: map[string]string{"user": "alice"}, err: "there is no gateway, and so no server"},
		{name: "a key that nobody knows, with a value", data: with("colour", "red"), err: "colour red: arc4 has nothing of the kind"},
		{name: "one that may be a secret", data: with("token-secret", "xyzzy"), err: "token-secret ...: arc4 has nothing of the kind"},
		{name: "neither yes nor no", data: with("require-mppe", "maybe"), err: `require-mppe "maybe": must be yes or no`},
		{name: "no number", data: with("lcp-echo-interval", "often"), err: `an echo interval of "often": arc4 takes 0 to 86400`},
		{name: "a unit that makes no name", data: with("unit", "-1"), err: `unit "-1": arc4 takes 0 to 99999`},
		{name: "no mode", data: with("mppe", "strong"), err: `mppe "strong": must be require-128, require, allow or off`},
		{name: "40 and 128 bits", data: with("require-mppe-40", "yes", "require-mppe-128", "yes"), err: "require-mppe-128 and require-mppe-40 contradict each other"},
		{name: "required and off", data: with("require-mppe", "yes", "mppe", "off"), err: "mppe off and require-mppe contradict each other"},
		{name: "40 bits and none of them", data: with("require-mppe-40", "yes", "mppe", "require-128"), err: "mppe require-128 and require-mppe-40 contradict each other"},
		{name: "off and stateful", data: with("mppe", "off", "mppe-stateful", "yes"), err: "mppe off and mppe-stateful contradict each other"},
		{
			name: "encryption without its login", data: with("refuse-mschapv2", "yes", "refuse-eap", "yes", "require-mppe-128", "yes"),
			err: "MS-CHAPv2 is refused and encryption required",
		},
		{
			name: "no login at all", data: with("refuse-mschapv2", "yes", "refuse-chap", "yes", "refuse-eap", "yes", "refuse-pap", "yes"),
			err: "all methods to log in are refused",
		},
		{name: "several at once", data: with("mtu", "9", "colour", "red"), err: `mtu "9": arc4 takes 576 to 1500; colour red: arc4 has nothing of the kind`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := NetworkManagerVPN(tc.data, map[string]string{"password": "wonderland"}, "carol")
			if tc.err != "" {
				require.ErrorContains(t, err, tc.err)
				assert.NotContains(t, err.Error(), "wonderland")
				assert.NotContains(t, err.Error(), "xyzzy")
				return
			}
			require.NoError(t, err)
			settings, notes := shown(p)
			var rest []string
			for _, s := range settings {
				if s != "password=wonderland" {
					rest = append(rest, s)
				}
			}
			assert.Len(t, rest, len(settings)-1)
			assert.Equal(t, tc.settings, rest)
			for _, n := range notes {
				assert.NotContains(t, n, "wonderland")
			}
		})
	}
}

package foreign

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// given are the files that a file may name.
func given(files map[string]string) Files {
	return func(path string) ([]byte, error) {
		if text, there := files[path]; there {
			return []byte(text), nil
		}
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
}

// shown gives settings and notes, one a line.
func shown(p *Profile) (settings, notes []string) {
	for _, s := range p.Settings {
		settings = append(settings, fmt.Sprintf("%s=%v", s.Key, s.Value))
	}
	for _, n := range p.Notes {
		notes = append(notes, fmt.Sprintf("%d %s", n.Line, n.Text))
	}
	return settings, notes
}

// same holds settings to what is wanted, and notes to their beginnings.
func same(t *testing.T, p *Profile, settings, notes []string) {
	t.Helper()
	gotSettings, gotNotes := shown(p)
	assert.Equal(t, settings, gotSettings)
	if !assert.Len(t, gotNotes, len(notes), strings.Join(gotNotes, "\n")) {
		return
	}
	for i, want := range notes {
		assert.Contains(t, gotNotes[i], want)
	}
}

const (
	encryptionNote = "0 encryption is not required there"
	persistNote    = "0 without persist pppd ends"
	scriptsNote    = "0 pppd runs /etc/ppp/ip-up"
)

var debianFiles = given(map[string]string{
	"/etc/ppp/options.pptp": "# for all peers of pptp\nlock noauth refuse-pap refuse-eap refuse-chap refuse-mschap\nnobsdcomp nodeflate\n",
	"/etc/ppp/chap-secrets": "# client server secret addresses\nalice PPTP \"won der\" *\n'OFFICE\\\\bob' * @/etc/ppp/bob *\ntwice one first *\ntwice two second *\n",
	"/etc/ppp/bob":          "builder\n",
	"/etc/ppp/peers/common": "file /etc/ppp/options.pptp\nusepeerdns\n",
	"/etc/ppp/peers/round":  "call round\n",
	"/etc/ppp/peers/wide":   strings.Repeat("call wide ", 100),
})

func TestPPPD(t *testing.T) {
	for _, tc := range []struct {
		name, text      string
		settings, notes []string
	}{
		{
			name: "as pptpsetup writes it",
			text: "# written by pptpsetup\npty \"pptp vpn.example.net --nolaunchpppd\"\nlock\nnoauth\nnobsdcomp\nnodeflate\nname alice\nremotename PPTP\nipparam office\nrequire-mppe-128\n",
			settings: []string{
				"server=vpn.example.net", "user=alice", "password=won der", "dns=off",
			},
			notes: []string{"9 ipparam office: it is for programs", persistNote, scriptsNote},
		},
		{
			name: "everything that carries over",
			text: `pty "/usr/sbin/pptp --loglevel 0 --rtmark=7 192.0.2.1 --nolaunchpppd"
file /etc/ppp/options.pptp
user "OFFICE\\bob"
name elsewhere
require-mppe mppe-stateful
persist maxfail 5 holdoff 30 idle 600 demand
defaultroute defaultroute-metric 50 usepeerdns +ipv6
mtu 1400 lcp-echo-interval 20 lcp-echo-failure 3
ifname office ipparam x
ip-up-script /etc/office/up
`,
			settings: []string{
				"server=192.0.2.1", `user=OFFICE\bob`, "password=builder", "default-route=true",
				"fwmark=7", "reconnect=true", "max-fail=5", "hold-off=30s", "idle-timeout=600s", "on-demand=true", "metric=50", "ipv6=true", "mtu=1400", "tun=office", "ip-up=/etc/office/up",
				"auth=[mschapv2]", "mppe-stateful=allow", "echo-interval=20s", "echo-failures=3", "ipparam=x",
			},
		},
		{
			name: "through other files, in clear, by the plugin of accel-pptp",
			text: "plugin pptp.so pptp_server 192.0.2.1:1724\ncall common\nname twice\nnomppe refuse-mschap-v2 unit 3 persist\n# refuse-mppe\n",
			settings: []string{
				"server=192.0.2.1:1724", "user=twice", "password=first", "tun=ppp3", "reconnect=true", "mppe=off",
			},
			notes: []string{
				"4 all methods to log in are refused", "0 /etc/ppp/chap-secrets has several passwords", scriptsNote,
			},
		},
		{
			name:     "PAP only",
			text:     "pty 'pptp 192.0.2.1 --nolaunchpppd'\nname carol password x persist refuse-mschap-v2 refuse-chap refuse-eap ip-up-script /x usepeerdns",
			settings: []string{"server=192.0.2.1", "user=carol", "password=x", "reconnect=true", "ip-up=/x", "auth=[pap]", "mppe=off"},
			notes:    []string{"2 without MS-CHAPv2 nothing is encrypted"},
		},
		{
			name:     "EAP only, as it must be encrypted",
			text:     "pty 'pptp 192.0.2.1 --nolaunchpppd'\nname carol password x persist usepeerdns ip-up-script /x\nrefuse-mschap-v2 refuse-chap require-mppe-128",
			settings: []string{"server=192.0.2.1", "user=carol", "password=x", "reconnect=true", "ip-up=/x", "auth=[eap]"},
		},
		{
			name:     "EAP only, whether encrypted or not",
			text:     "pty 'pptp 192.0.2.1 --nolaunchpppd'\nname carol password x persist usepeerdns ip-up-script /x\nrefuse-mschap-v2 refuse-chap refuse-pap",
			settings: []string{"server=192.0.2.1", "user=carol", "password=x", "reconnect=true", "ip-up=/x", "auth=[eap]"},
			notes:    []string{encryptionNote},
		},
		{
			name:     "EAP or PAP",
			text:     "pty 'pptp 192.0.2.1 --nolaunchpppd'\nname carol password x persist usepeerdns ip-up-script /x\nrefuse-mschap-v2 refuse-chap",
			settings: []string{"server=192.0.2.1", "user=carol", "password=x", "reconnect=true", "ip-up=/x", "auth=[eap pap]", "mppe=allow"},
			notes:    []string{"3 of EAP arc4 has MSCHAPv2"},
		},
		{
			name:     "no EAP",
			text:     "pty 'pptp 192.0.2.1 --nolaunchpppd'\nname carol password x persist usepeerdns ip-up-script /x\nrefuse-eap require-mppe require-eap",
			settings: []string{"server=192.0.2.1", "user=carol", "password=x", "reconnect=true", "ip-up=/x", "auth=[mschapv2]"},
			notes:    []string{"3 require-eap: EAP-MSCHAPv2 proves the server's identity"},
		},
		{
			name:     "what is out of bounds, unknown or nobody's",
			text:     "pty \"ssh host pppd\"\nmtu 9000 holdoff never\n/dev/ttyS0 115200 10.0.0.2:10.0.0.1\nfrobnicate plugin radius.so\nfile /none\ncall round\nconnect\n",
			settings: []string{"dns=off"},
			notes: []string{
				`1 pty "ssh host pppd": not pptp`, `2 mtu "9000": arc4 takes 576 to 1500`, `2 holdoff "never"`, "3 /dev/ttyS0: there is no terminal", "3 10.0.0.2:10.0.0.1: the server gives the addresses",
				"4 frobnicate: no option", "4 plugin radius.so", "5 /none cannot be read", "6 /etc/ppp/peers/round: files name each other too deep", "7 connect has no value",
				encryptionNote, `0 there is no server`, persistNote, "0 there is no name to log in with", scriptsNote,
			},
		},
		{
			name:     "a password that is nowhere",
			text:     "pty \"pptp h --nolaunchpppd\" name dave require-mppe persist demand usepeerdns metric",
			settings: []string{"server=h", "user=dave", "reconnect=true"},
			notes:    []string{"1 metric: no option of pppd", "1 on-demand true: nothing is routed", `0 /etc/ppp/chap-secrets has no password for "dave"`, scriptsNote},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := Read([]byte(tc.text), "", debianFiles)
			require.NoError(t, err)
			assert.Equal(t, "pppd", p.Program)
			same(t, p, tc.settings, tc.notes)
		})
	}
}

// TestPPPDIsBounded: files that name each other many times end somewhere.
func TestPPPDIsBounded(t *testing.T) {
	p := PPPD([]byte("call wide"), debianFiles)
	assert.Less(t, len(p.Notes), 3*mostWords)
}

const officeConnection = `[connection]
id=Office
uuid=6a1c5a2e-0000-4000-8000-000000000000
type=vpn
autoconnect=false
permissions=user:alice:;

[vpn]
domain=OFFICE
gateway=vpn.example.net
lcp-echo-failure=5
lcp-echo-interval=30
mppe-stateful=yes
password-flags=0
refuse-chap=yes
refuse-eap=yes
refuse-mschap=yes
refuse-pap=yes
require-mppe=yes
user=alice
service-type=org.freedesktop.NetworkManager.pptp

[vpn-secrets]
password=won\sder;\\land

[ipv4]
dns=10.0.0.53;10.0.0.54;
dns-search=office.example;~lab.example;
method=auto
never-default=true
route1=10.0.0.0/8
route2=192.168.5.1/24,10.0.0.1,5
route10=172.16.0.0/12

[ipv6]
addr-gen-mode=stable-privacy
method=auto

[proxy]
`

func TestNetworkManager(t *testing.T) {
	for _, tc := range []struct {
		name, text      string
		settings, notes []string
	}{
		{
			name: "as the editor writes it",
			text: officeConnection,
			settings: []string{
				"server=vpn.example.net", `user=OFFICE\alice`, `password=won der;\land`, "route=[10.0.0.0/8 192.168.5.0/24 172.16.0.0/12]",
				"dns=[10.0.0.53 10.0.0.54]", "dns-domain=[office.example ~lab.example]", "auth=[mschapv2]", "mppe-stateful=allow", "echo-interval=30s", "echo-failures=5",
			},
			notes: []string{"6 permissions user:alice:;", "32 route2 192.168.5.1/24", "37 ipv6 method auto"},
		},
		{
			name:     "all through it, the password in the keyring, no name servers",
			text:     "[connection]\nid=x\ntype=vpn\nautoconnect=true\n[vpn]\nservice-type=org.freedesktop.NetworkManager.pptp\ngateway=192.0.2.1\nuser=a\npassword-flags=1\nlcp-echo-interval=0\nrequire-mppe-40=yes\nsecret-token=1234\n[ipv4]\nmethod=auto\nignore-auto-dns=true\nroute1=nowhere\nroute-metric=30\n",
			settings: []string{"server=192.0.2.1", "user=a", "default-route=true", "dns=off", "mppe=require", "metric=30"},
			notes:    []string{"4 autoconnect: systemctl enable", "9 the password is in the user's keyring", "10 lcp-echo-interval 0", "12 vpn.secret-token ...", "16 route1 nowhere: no network"},
		},
		{
			name:     "almost nothing",
			text:     "[vpn]\nservice-type=org.freedesktop.NetworkManager.pptp\npassword-flags=2\n",
			settings: []string{"default-route=true"},
			notes:    []string{"3 the password is asked for each time", encryptionNote, "0 the connection has no id", "0 there is no gateway"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := Read([]byte(tc.text), "", given(nil))
			require.NoError(t, err)
			same(t, p, tc.settings, tc.notes)
		})
	}
	_, err := Read([]byte("[connection]\ntype=wifi\n"), "", given(nil))
	assert.EqualError(t, err, `it is a connection of type "", and not of org.freedesktop.NetworkManager.pptp`)
}

const routerNetwork = `
config interface 'lan'
	option device 'br-lan'
	option proto 'static'

config interface 'vpn'
	option proto 'pptp'
	option server 'vpn.example.net'
	option username "alice"
	option password 'won"der#land'
	option keepalive '5 20'
	option ipv6 '0'
	option mtu '1420'
	option defaultroute '0'
	option peerdns '0'
	list dns '10.0.0.53'
	list dns '10.0.0.54'
	list dns_search 'office.example'
	option metric '20'
	option demand 300
	option interface 'wan'
	option pppd_options 'nomppe-stateful require-mppe-40 refuse-eap novj debug frob'
	option unnumbered 'lan'
	option password2 'x'

config route
	option interface 'vpn'
	option target '10.1.2.3'
	option netmask '255.0.0.0'

config route
	option interface 'lan'
	option target '10.9.0.0/16'

config route 'third'
	option interface 'vpn'
	option target '192.168.5.0/24'

config route
	option interface 'vpn'
	option target 'x'
`

func TestOpenWrt(t *testing.T) {
	p, err := Read([]byte(routerNetwork), "", given(nil))
	require.NoError(t, err)
	assert.Equal(t, "vpn", p.Name)
	same(t, p, []string{
		"server=vpn.example.net", "user=alice", `password=won"der#land`, "route=[10.0.0.0/8 192.168.5.0/24]", "dns=[10.0.0.53 10.0.0.54]", "dns-domain=[office.example]",
		"mtu=1420", "metric=20", "on-demand=true", "idle-timeout=300s", "auth=[mschapv2]", "mppe=require", "echo-interval=20s", "echo-failures=5",
	}, []string{"21 interface wan", "22 frob: no option of pppd", "23 unnumbered lan", "24 password2 ...", "39 route to x", "0 firewall"})

	p, err = Read([]byte("config interface a\n\toption proto pptp\nconfig interface b\n\toption proto pptp\n\toption server h\n\toption authfail 0\n\toption persist 0\n\toption auto 1\n\toption holdoff 5\n\toption ip4table 7"), "b", given(nil))
	require.NoError(t, err)
	same(t, p, []string{"server=h", "default-route=true", "retry-auth=true", "reconnect=false", "hold-off=5s", "table=7"}, []string{"8 auto", "0 there is no password", "0 firewall"})

	for which, want := range map[string]string{
		"":  "there are several interfaces of proto pptp in it: say which, of a, b",
		"c": `there is no interface "c" of proto pptp in it: it has a, b`,
	} {
		_, err := Read([]byte("config interface a\noption proto pptp\nconfig interface b\noption proto pptp"), which, given(nil))
		assert.EqualError(t, err, want)
	}
	_, err = Read([]byte("package network\nconfig interface lan\n"), "", given(nil))
	assert.EqualError(t, err, "there is no interface of proto pptp in it")
}

func TestReadOfSomethingElse(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "\x7fELF\x00", "hello world"} {
		_, err := Read([]byte(text), "", given(nil))
		assert.ErrorContains(t, err, "it is no file of pppd's peers")
	}
	_, err := Read([]byte("noauth"), "vpn", given(nil))
	assert.ErrorContains(t, err, "leave --interface vpn out")
}

func TestLines(t *testing.T) {
	for text, want := range map[string]string{
		"a b\n\n c":                 "1a,1b|3c",
		"a # b\n#c\nd#e":            "1a|3d#e",
		`"a b" 'c\d' "e\"f" g\ h`:   `1a b,1c\d,1e"f,1g h`,
		"a\\\nb c":                  "1ab,2c",
		`''""x y`:                   "1x,1y",
		"'a\nb' c":                  "1a\nb,2c",
		`a ''`:                      "1a,1",
		"'never ended":              "1never ended",
		"a\\":                       `1a\`,
		`option password 'a'"b"'c'`: "1option,1password,1abc",
	} {
		var got []string
		for _, l := range lines(text) {
			var words []string
			for _, w := range l {
				words = append(words, fmt.Sprintf("%d%s", w.line, w.text))
			}
			got = append(got, strings.Join(words, ","))
		}
		assert.Equal(t, want, strings.Join(got, "|"), "%q", text)
	}
}

// FuzzRead: whatever a file holds, it is read to its end, a key has one value, and no note has the
// password in it.
func FuzzRead(f *testing.F) {
	for _, text := range []string{officeConnection, routerNetwork, "pty \"pptp h\"\ncall common\nname alice password 'xyzzy-secret'", "config interface a\noption proto pptp\noption pppd_options 'file /etc/ppp/peers/wide'"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Read([]byte(text), "", debianFiles)
		if err != nil {
			return
		}
		keys := make(map[string]bool)
		for _, s := range p.Settings {
			require.False(t, keys[s.Key], s.Key)
			keys[s.Key] = true
		}
		if strings.Contains(text, "won") {
			return // what stands behind no secret's name is no secret, whatever it was
		}
		for _, n := range p.Notes {
			require.NotContains(t, n.Text, "won der", "the secret that chap-secrets holds")
		}
	})
}

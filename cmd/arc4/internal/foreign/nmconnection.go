package foreign

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// keyfile is what NetworkManager keeps a connection in: sections of keys (nm-settings-keyfile(5)).
type keyfile map[string]map[string]value

type value struct {
	text string
	line int
}

func parseKeyfile(text string) keyfile {
	k := make(keyfile)
	section, number := "", 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
			section = strings.TrimSpace(line[1 : len(line)-1])
			continue
		}
		key, text, is := strings.Cut(line, "=")
		if !is {
			continue
		}
		if k[section] == nil {
			k[section] = make(map[string]value)
		}
		k[section][strings.TrimSpace(key)] = value{unescape(strings.TrimLeft(text, " \t")), number}
	}
	return k
}

// unescape reads the escapes of a keyfile's strings.
func unescape(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		i++
		switch text[i] {
		case 's':
			b.WriteByte(' ')
		case 't':
			b.WriteByte('\t')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		default:
			b.WriteByte(text[i])
		}
	}
	return b.String()
}

// list splits at semicolons, or at commas where there is none.
func (v value) list() []string {
	separator := ";"
	if !strings.Contains(v.text, ";") {
		separator = ","
	}
	var all []string
	for item := range strings.SplitSeq(v.text, separator) {
		if item = strings.TrimSpace(item); item != "" {
			all = append(all, item)
		}
	}
	return all
}

func (v value) yes() bool { return v.text == "yes" || v.text == "true" || v.text == "1" }

// PPTPService is the type of NetworkManager's connections by PPTP.
const PPTPService = "org.freedesktop.NetworkManager.pptp"

// nmconnection reads a connection of the plugin for PPTP.
type nmconnection struct {
	*Profile
	file keyfile
	used map[string]map[string]bool
}

// NetworkManager reads a *.nmconnection. An error says that it is none of PPTP.
func NetworkManager(text []byte) (*Profile, error) {
	n := &nmconnection{Profile: &Profile{Program: "NetworkManager"}, file: parseKeyfile(string(text)), used: make(map[string]map[string]bool)}
	if service := n.take("vpn", "service-type").text; service != PPTPService {
		return nil, fmt.Errorf("it is a connection of type %q, and not of %s", service, PPTPService)
	}
	n.Name = n.take("connection", "id").text
	n.take("connection", "type")
	if n.Name == "" {
		n.note(0, "the connection has no id")
	}
	for _, key := range []string{"uuid", "timestamp", "interface-name", "autoconnect-priority", "permissions", "stable-id"} {
		if v := n.take("connection", key); key == "permissions" && v.text != "" {
			n.note(v.line, "permissions %s: who may use a profile is a matter of its file", v.text)
		}
	}
	if v := n.take("connection", "autoconnect"); v.yes() {
		n.note(v.line, "autoconnect: systemctl enable arc4@NAME dials at boot, as soon as the network is there")
	}
	n.vpn()
	n.ipv4()
	if method := n.take("ipv6", "method"); method.text == "auto" || method.text == "link-local" {
		n.note(method.line, "ipv6 method %s: arc4 carries link-local addresses of IPv6 only, with ipv6 = true", method.text)
	}
	n.take("ipv6", "addr-gen-mode")
	n.rest()
	return n.finish(), nil
}

// NetworkManagerVPN reads the setting "vpn" of such a connection as NetworkManager gives it to its
// plugin: data and secrets, and the name of the user who is logged in to this machine, which counts
// where the data names none. Keys that nobody knows, values that are none and what contradicts
// itself are errors, all of them in one; what only need not be there is in the notes.
func NetworkManagerVPN(data, secrets map[string]string, userName string) (*Profile, error) {
	n := &nmconnection{Profile: &Profile{Program: "NetworkManager"}, file: make(keyfile), used: make(map[string]map[string]bool)}
	for section, pairs := range map[string]map[string]string{"vpn": data, "vpn-secrets": secrets} {
		n.file[section] = make(map[string]value)
		for key, text := range pairs {
			n.file[section][key] = value{text: text}
		}
	}
	if _, given := data["user-name"]; !given && userName != "" {
		n.file["vpn"]["user-name"] = value{text: userName}
	}
	n.vpn()
	n.rest()
	var wrong []string
	for _, note := range n.finish().Notes {
		if note.Wrong {
			wrong = append(wrong, strings.TrimPrefix(note.Text, "vpn."))
		}
	}
	if len(wrong) > 0 {
		return nil, errors.New(strings.Join(wrong, "; "))
	}
	return n.Profile, nil
}

// take gives a key, which may be missing, and marks that it has been looked at.
func (n *nmconnection) take(section, key string) value {
	if n.used[section] == nil {
		n.used[section] = make(map[string]bool)
	}
	n.used[section][key] = true
	return n.file[section][key]
}

// rest notes every key that nobody has looked at.
func (n *nmconnection) rest() {
	for section, keys := range n.file {
		for key, v := range keys {
			if n.used[section][key] || section == "proxy" || section == "vpn-secrets" {
				continue
			}
			n.noteUnknown(v.line, section+"."+key, v.text)
		}
	}
	slices.SortFunc(n.Notes, func(a, b Note) int { return strings.Compare(a.Text, b.Text) })
}

func (n *nmconnection) vpn() {
	if v := n.take("vpn", "gateway"); v.text != "" {
		n.set(v.line, keyServer, v.text)
	} else {
		n.wrong(0, "there is no gateway, and so no server")
	}
	user, domain := n.take("vpn", "user"), n.take("vpn", "domain")
	if name := n.take("vpn", "user-name"); user.text == "" {
		user = name
	}
	n.setUser(user.line, user.text, domain.text)
	n.password()
	n.setLogin(n.login())
	interval, failures := n.take("vpn", "lcp-echo-interval"), n.take("vpn", "lcp-echo-failure")
	switch {
	case interval.text == "0":
		n.note(interval.line, "lcp-echo-interval 0, which the plugin has by itself: arc4 looks whether the server is there, and ends or dials again if not")
	default:
		n.setEcho(max(interval.line, failures.line), interval.text, failures.text)
	}
	if v := n.take("vpn", "mtu"); v.text != "" {
		n.setMTU(v.line, "mtu", v.text)
	}
	if v := n.take("vpn", "mru"); v.text != "" {
		n.note(v.line, "mru %s: arc4 takes packets of any length it is sent", v.text)
	}
	if v := n.take("vpn", "unit"); v.text != "" {
		if unit, ok := n.number(v.line, "unit", v.text, 0, maxUnit); ok {
			n.set(v.line, "tun", fmt.Sprintf("ppp%d", unit))
		}
	}
	// Compressions that arc4 does not have, and addresses that the server gives anyway.
	for _, key := range []string{"nobsdcomp", "nodeflate", "no-vj-comp", "nopcomp", "noaccomp", "ipcp-accept-local", "ipcp-accept-remote"} {
		n.yes(key)
	}
}

// maxUnit is the largest number of a device that leaves its name short enough.
const maxUnit = 99999

// yes reports whether a key says so, and where.
func (n *nmconnection) yes(key string) (yes bool, line int) {
	v := n.take("vpn", key)
	if !v.yes() && !slices.Contains([]string{"", "no", "false", "0"}, v.text) {
		n.wrong(v.line, "%s %q: must be yes or no", key, v.text)
	}
	return v.yes(), v.line
}

// login reads what the connection says about authentication and encryption. The key mppe is none of
// NetworkManager's: it is that of a profile, for what the others cannot say.
func (n *nmconnection) login() login {
	l := login{refused: make(map[string]bool)}
	for _, refused := range []struct{ key, method string }{
		{"refuse-mschapv2", "mschapv2"}, {"refuse-chap", "chap-md5"}, {"refuse-pap", "pap"}, {"refuse-mschap", ""}, {"refuse-eap", "eap"},
	} {
		if yes, line := n.yes(refused.key); yes {
			l.refused[refused.method], l.line = true, max(l.line, line)
		}
	}
	var required []string
	for _, key := range []string{"require-mppe", "require-mppe-128", "require-mppe-40"} {
		if yes, line := n.yes(key); yes {
			required = append(required, key)
			l.required, l.weak, l.line = true, key == "require-mppe-40", max(l.line, line)
		}
	}
	if slices.Contains(required, "require-mppe-128") && slices.Contains(required, "require-mppe-40") {
		n.wrong(l.line, "require-mppe-128 and require-mppe-40 contradict each other: leave one of them out")
	}
	if yes, line := n.yes("mppe-stateful"); yes {
		l.stateful, l.line = true, max(l.line, line)
	}
	switch v := n.take("vpn", "mppe"); {
	case v.text == "":
	case !slices.Contains([]string{"require-128", "require", "allow", "off"}, v.text):
		n.wrong(v.line, "mppe %q: must be require-128, require, allow or off", v.text)
	case l.required && (v.text == "allow" || v.text == "off"), l.weak && v.text == "require-128":
		n.wrong(v.line, "mppe %s and %s contradict each other: leave one of them out", v.text, required[len(required)-1])
	case v.text == "off":
		l.off, l.line = true, v.line
	default:
		l.mode, l.line = v.text, v.line
		l.required = l.required || v.text == "require-128" || v.text == "require"
	}
	if l.off && l.stateful {
		n.wrong(l.line, "mppe off and mppe-stateful contradict each other: leave one of them out")
	}
	return l
}

// password takes it from the file, or says where it is.
func (n *nmconnection) password() {
	flags := n.take("vpn", "password-flags")
	if v := n.file["vpn-secrets"]["password"]; v.text != "" {
		n.set(v.line, keyPassword, v.text)
		return
	}
	switch flags.text {
	case "", "0":
		n.note(flags.line, "there is no password in the file: add password, or password-file")
	case "2":
		n.note(flags.line, "the password is asked for each time: so does arc4 connect, and a service takes password-file or a credential")
	default:
		n.note(flags.line, "the password is in the user's keyring, which arc4 does not read: add password, or password-file")
	}
}

func (n *nmconnection) ipv4() {
	n.take("ipv4", "method")
	if v := n.take("ipv4", "never-default"); !v.yes() {
		n.set(v.line, "default-route", true)
	}
	var routes []string
	at := 0
	for _, key := range numbered(n.file["ipv4"], "route") {
		v := n.take("ipv4", key)
		network, hop, _ := strings.Cut(v.text, ",")
		p, err := netip.ParsePrefix(network)
		if err != nil {
			n.note(v.line, "%s %s: no network", key, v.text)
			continue
		}
		if hop != "" && !strings.HasPrefix(hop, "0.0.0.0") {
			n.note(v.line, "%s %s: the tunnel has two ends, and so the next hop says nothing; the network is carried over", key, v.text)
		}
		routes, at = append(routes, p.Masked().String()), v.line
	}
	if len(routes) > 0 {
		n.set(at, "route", routes)
	}
	if v := n.take("ipv4", "route-metric"); v.text != "" && v.text != "-1" {
		n.setMetric(v.line, v.text)
	}
	n.take("ipv4", "ignore-auto-routes") // a PPTP server gives none
	dns, ignored := n.take("ipv4", "dns"), n.take("ipv4", "ignore-auto-dns")
	switch {
	case dns.text != "":
		n.setServers(dns.line, dns.list())
	case ignored.yes():
		n.set(ignored.line, "dns", "off")
	}
	if search := n.take("ipv4", "dns-search"); len(search.list()) > 0 && n.text("dns") != "off" {
		n.set(search.line, "dns-domain", search.list())
	}
	n.take("ipv4", "dns-priority")
	n.take("ipv4", "may-fail")
}

// numbered are the keys of a prefix and a number, in the order of those.
func numbered(keys map[string]value, prefix string) (all []string) {
	for key := range keys {
		if rest, is := strings.CutPrefix(key, prefix); is && rest != "" && strings.Trim(rest, "0123456789") == "" {
			all = append(all, key)
		}
	}
	slices.SortFunc(all, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	return all
}

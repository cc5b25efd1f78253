// Package foreign reads how other programs keep a PPTP client: /etc/ppp/peers/NAME of pppd with
// pptp, a *.nmconnection of NetworkManager, and an interface of OpenWrt's /etc/config/network. What
// comes out are keys of a profile of arc4, and notes about all that has no counterpart there.
//
// The readers are pure: other files that a file names come through a function.
package foreign

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// The keys of a profile that are no flags.
const (
	keyServer   = "server"
	keyPassword = "password"
)

// Profile is what a file comes to.
type Profile struct {
	Program  string // that the file is of
	Name     string // what it calls the connection; it need not do as a profile's name
	Settings []Setting
	Notes    []Note
}

// Setting is a key of a profile with its value: a string, a bool, an int, or a []string.
type Setting struct {
	Key   string
	Value any
	Line  int // that it comes from; 0: none in particular
}

// Note says what could not be carried over, and why. It never holds a password.
type Note struct {
	Line int // 0: none in particular
	Text string
	// Wrong says that the value is none, that two contradict each other, or that nothing here knows
	// the key: what was meant is not what comes out.
	Wrong bool
}

// set gives a key its value; the last one counts, as in the programs themselves.
func (p *Profile) set(line int, key string, value any) {
	s := Setting{key, value, line}
	if at := p.at(key); at >= 0 {
		p.Settings[at] = s
		return
	}
	p.Settings = append(p.Settings, s)
}

func (p *Profile) unset(key string) {
	p.Settings = slices.DeleteFunc(p.Settings, func(s Setting) bool { return s.Key == key })
}

func (p *Profile) at(key string) int {
	return slices.IndexFunc(p.Settings, func(s Setting) bool { return s.Key == key })
}

// text is a key's value if that is a string, else empty.
func (p *Profile) text(key string) string {
	if at := p.at(key); at >= 0 {
		text, _ := p.Settings[at].Value.(string)
		return text
	}
	return ""
}

func (p *Profile) note(line int, format string, args ...any) {
	p.Notes = append(p.Notes, Note{Line: line, Text: fmt.Sprintf(format, args...)})
}

// wrong notes what cannot be meant as it is.
func (p *Profile) wrong(line int, format string, args ...any) {
	p.Notes = append(p.Notes, Note{Line: line, Text: fmt.Sprintf(format, args...), Wrong: true})
}

// order is that of a profile's lines; other keys follow as they come.
var order = []string{keyServer, "user", keyPassword, "default-route", "route", "dns", "dns-domain"}

// finish brings everything into the order in which it is read best.
func (p *Profile) finish() *Profile {
	if at := p.at("default-route"); p.at("route") < 0 && (at < 0 || p.Settings[at].Value == false) {
		for _, key := range []string{"metric", "table", "on-demand"} {
			if at := p.at(key); at >= 0 {
				p.note(p.Settings[at].Line, "%s %v: nothing is routed into the tunnel; add route or default-route, and it", key, p.Settings[at].Value)
				p.unset(key)
			}
		}
	}
	place := func(s Setting) int {
		if at := slices.Index(order, s.Key); at >= 0 {
			return at
		}
		return len(order)
	}
	slices.SortStableFunc(p.Settings, func(a, b Setting) int { return cmp.Compare(place(a), place(b)) })
	slices.SortStableFunc(p.Notes, func(a, b Note) int {
		if a.Line == 0 || b.Line == 0 {
			return cmp.Compare(b.Line, a.Line) // what has no line comes last
		}
		return cmp.Compare(a.Line, b.Line)
	})
	return p
}

// number reads one within bounds, and notes what is none.
func (p *Profile) number(line int, what, text string, low, high int) (int, bool) {
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		p.wrong(line, "%s %q: arc4 takes %d to %d", what, text, low, high)
		return 0, false
	}
	return n, true
}

// setMTU takes an MTU.
func (p *Profile) setMTU(line int, what, text string) {
	if n, ok := p.number(line, what, text, 576, 1500); ok {
		p.set(line, "mtu", n)
	}
}

// setEcho takes the interval of LCP echoes, in seconds, and the number that may be missed; either
// may be empty. 0 is none of them.
func (p *Profile) setEcho(line int, interval, failures string) {
	if n, ok := 0, interval != ""; ok {
		if n, ok = p.number(line, "an echo interval of", interval, 0, 86400); ok {
			p.set(line, "echo-interval", strconv.Itoa(n)+"s")
		}
	}
	if failures == "" {
		return
	}
	if failures == "0" {
		p.set(line, "echo-interval", "0s")
	} else if n, ok := p.number(line, "echoes to miss:", failures, 1, 1000); ok {
		p.set(line, "echo-failures", n)
	}
}

// setSeconds takes a length of time.
func (p *Profile) setSeconds(line int, key, what, text string, low, high int) {
	if n, ok := p.number(line, what, text, low, high); ok {
		p.set(line, key, strconv.Itoa(n)+"s")
	}
}

// setHoldOff, setIdle, setMaxFail and setMetric take what they are called, in the programs' own
// numbers.
func (p *Profile) setHoldOff(line int, text string) {
	p.setSeconds(line, "hold-off", "holdoff", text, 1, 86400)
}

func (p *Profile) setIdle(line int, text string) {
	if text != "0" {
		p.setSeconds(line, "idle-timeout", "idle", text, 1, 604800)
	}
}

func (p *Profile) setMaxFail(line int, text string) {
	if n, ok := p.number(line, "maxfail", text, 0, math.MaxInt32); ok && n > 0 { // 0 is any number, as with arc4
		p.set(line, "max-fail", n)
	}
}

func (p *Profile) setMetric(line int, text string) {
	if n, ok := p.number(line, "metric", text, 0, math.MaxInt32); ok && n > 0 {
		p.set(line, "metric", n)
	}
}

// setServers takes addresses of name servers.
func (p *Profile) setServers(line int, servers []string) {
	if len(servers) > 3 {
		p.note(line, "dns %s: three at most", strings.Join(servers[3:], " "))
		servers = servers[:3]
	}
	p.set(line, "dns", slices.Clone(servers))
}

// noteUnknown says that nothing here is like an option, and not what it is if that may be a secret.
func (p *Profile) noteUnknown(line int, option, value string) {
	for _, secret := range []string{"pass", "secret", "key", "token"} {
		if strings.Contains(option, secret) {
			value = "..."
		}
	}
	p.wrong(line, "%s %s: arc4 has nothing of the kind", option, value)
}

// setUser takes a user's name, and the domain of Windows that may belong to it.
func (p *Profile) setUser(line int, user, domain string) {
	if domain != "" && user != "" && !strings.Contains(user, `\`) {
		user = domain + `\` + user
	}
	if user != "" {
		p.set(line, "user", user)
	}
}

// login is what a file says about authentication and encryption.
type login struct {
	line     int             // of the last word about it
	refused  map[string]bool // methods, as arc4 calls them
	required bool            // MPPE
	mode     string          // what arc4 calls it, where that is said
	weak     bool            // also with 40 or 56 bits
	off      bool            // no MPPE at all
	stateful bool
}

// setLogin takes that. What arc4 wants by itself is the strictest there is, and stays unless the
// file cannot be meant so.
func (p *Profile) setLogin(l login) {
	switch {
	case l.refused["mschapv2"] && p.setOtherMethods(l):
		return
	case l.refused["mschapv2"] && !l.refused["eap"]:
		p.set(l.line, "auth", []string{"eap"})
	case l.refused["eap"] && !l.refused["mschapv2"]:
		p.set(l.line, "auth", []string{"mschapv2"})
	}
	switch {
	case l.off:
		p.set(l.line, "mppe", "off")
		return
	case l.mode != "":
		p.set(l.line, "mppe", l.mode)
	case l.required && l.weak:
		p.set(l.line, "mppe", "require")
	case !l.required:
		p.note(0, `encryption is not required there, and with arc4 it is: if the server has none, add mppe = "allow", and auth = ["mschapv2", "pap"] if it knows no MS-CHAPv2`)
	}
	if l.stateful {
		p.set(l.line, "mppe-stateful", "allow")
	}
}

// setOtherMethods reports whether the login is by methods that give no keys, too.
func (p *Profile) setOtherMethods(l login) bool {
	rest, mppe, note := []string(nil), "off", "without MS-CHAPv2 nothing is encrypted: arc4 says so at each start"
	if !l.refused["eap"] {
		rest, note = []string{"eap"}, "of EAP arc4 has MSCHAPv2, which gives keys as MS-CHAPv2 does; without it nothing is encrypted"
		if !l.off {
			mppe = "allow"
		}
	}
	for _, m := range []string{"chap-md5", "pap"} {
		if !l.refused[m] {
			rest = append(rest, m)
		}
	}
	switch {
	case len(rest) == 0:
		p.wrong(l.line, "all methods to log in are refused that arc4 has (MS-CHAPv2, in CHAP and EAP, CHAP with MD5, PAP): it keeps MS-CHAPv2")
		return false
	case rest[0] == "eap" && (l.required || len(rest) == 1):
		return false
	case l.required:
		p.wrong(l.line, "MS-CHAPv2 is refused and encryption required, which takes MS-CHAPv2: arc4 keeps both")
		return false
	}
	p.set(l.line, "auth", rest)
	p.set(l.line, "mppe", mppe)
	p.note(l.line, "%s", note)
	return true
}

package foreign

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/arc4tun/arc4tun/tunnel/secrets"
)

// Files reads another file that a file names; its error is noted.
type Files func(path string) ([]byte, error)

const (
	// deepest is how many files may name the next one, as pppd has no bound for.
	deepest = 8
	// mostWords bounds all of them together: a file may name another several times.
	mostWords = 10000
)

// pppd reads options of pppd(8).
type pppd struct {
	*Profile
	files  Files
	login  login
	remote string // whose secret it is
	named  bool   // by user, which counts more than name
	param  word   // ipparam
	dns    bool   // usepeerdns
	echo   struct{ interval, failures string }
	echoAt int
	words  int // that were read
}

// PPPD reads a file of /etc/ppp/peers, and the files that it names. The password comes from
// chap-secrets, where it is not in there.
func PPPD(text []byte, files Files) *Profile {
	p := newPPPD(files)
	p.Program = "pppd"
	p.read(string(text), 0, 0)
	p.end()
	if !p.dns {
		p.set(0, "dns", "off") // pppd leaves name servers alone, too
	}
	if p.text(keyServer) == "" {
		p.note(0, `there is no server: it stands in pty "pptp SERVER --nolaunchpppd"`)
	}
	if p.at("reconnect") < 0 && p.at("on-demand") < 0 {
		p.note(0, "without persist pppd ends with the connection, and a profile of arc4 dials again: reconnect = false if that is not wanted")
	}
	if p.text(keyPassword) == "" {
		p.secret("/etc/ppp/chap-secrets")
	}
	if p.at("ip-up") < 0 && p.at("ip-down") < 0 {
		p.note(0, `pppd runs /etc/ppp/ip-up and ip-down by itself: if they do something, add ip-up = "/etc/ppp/ip-up" and ip-down = "/etc/ppp/ip-down"`)
	}
	return p.finish()
}

func newPPPD(files Files) *pppd {
	return &pppd{Profile: new(Profile), files: files, login: login{refused: make(map[string]bool)}}
}

// end sets what several options say together.
func (p *pppd) end() {
	p.setLogin(p.login)
	p.setEcho(p.echoAt, p.echo.interval, p.echo.failures)
	hooks := slices.ContainsFunc(p.Settings, func(s Setting) bool { return strings.HasPrefix(s.Key, "ip-") || strings.HasPrefix(s.Key, "ipv6-") })
	switch {
	case p.param.text == "":
	case hooks:
		p.set(p.param.line, "ipparam", p.param.text)
	default:
		p.note(p.param.line, "ipparam %s: it is for programs such as ip-up; add those, and ipparam", p.param.text)
	}
}

// read takes the options of a text. at is the line that led there, 0 if the text's own lines count.
func (p *pppd) read(text string, at, depth int) {
	words := flat(lines(text))
	for len(words) > 0 {
		if p.words++; p.words > mostWords {
			p.note(0, "more than %d words: the rest is not read", mostWords)
			return
		}
		w := words[0]
		words = words[1:]
		if at != 0 {
			w.line = at
		}
		o, known := pppdOptions[w.text]
		switch {
		case !known && strings.HasPrefix(w.text, "/dev/"):
			p.note(w.line, "%s: there is no terminal", w.text)
		case !known && strings.Contains(w.text, ":"):
			if w.text != ":" {
				p.note(w.line, "%s: the server gives the addresses", w.text)
			}
		case !known && isSpeed(w.text): // of a terminal
		case !known:
			p.note(w.line, "%s: no option of pppd that is known here", w.text)
		case !o.value:
			o.take(p, w, "")
		case len(words) == 0:
			p.note(w.line, "%s has no value", w.text)
		default:
			value := words[0].text
			words = words[1:]
			switch w.text {
			case "file":
				p.include(w.line, value, depth)
			case "call":
				p.include(w.line, "/etc/ppp/peers/"+value, depth)
			default:
				o.take(p, w, value)
			}
		}
	}
}

func isSpeed(text string) bool {
	n, err := strconv.Atoi(text)
	return err == nil && n > 0
}

// include reads a file that another names.
func (p *pppd) include(line int, name string, depth int) {
	if depth >= deepest {
		p.note(line, "%s: files name each other too deep", name)
		return
	}
	text, err := p.files(name)
	if err != nil {
		p.note(line, "%s cannot be read, and so its options are not carried over: %v", name, err)
		return
	}
	p.read(string(text), line, depth+1)
}

// pty takes the command whose standard input and output pppd talks to: pptp(8).
func (p *pppd) pty(w word, command string) {
	words := flat(lines(command))
	if at := slices.IndexFunc(words, func(w word) bool { return path.Base(w.text) == "pptp" }); at >= 0 {
		words = words[at+1:]
	} else {
		p.note(w.line, "pty %q: not pptp, and so no server", command)
		return
	}
	for len(words) > 0 {
		name, value, inOne := strings.Cut(words[0].text, "=")
		words = words[1:]
		if !strings.HasPrefix(name, "-") {
			if p.text(keyServer) == "" {
				p.set(w.line, keyServer, name)
			}
			continue
		}
		if !inOne && slices.Contains(pptpValues, name) && len(words) > 0 {
			value = words[0].text
			words = words[1:]
		}
		switch {
		case name == "--rtmark":
			p.set(w.line, "fwmark", value)
		case slices.Contains(pptpSilent, name):
		default:
			p.note(w.line, "pptp %s %s: arc4 has nothing of the kind", name, value)
		}
	}
}

// Options of pptp(8): those with a value, and those that are about the program alone.
var (
	pptpValues = []string{"--phone", "--quirks", "--timeout", "--loglevel", "--localbind", "--logstring", "--rtmark", "--test-type", "--missing-window", "--idle-wait", "--max-echo-wait", "--test-rate"}
	pptpSilent = []string{"--nolaunchpppd", "--nobuffer", "--nohostroute", "--sync", "--debug", "--loglevel", "--logstring", "--timeout", "--missing-window", "--idle-wait", "--max-echo-wait"}
)

// secret looks the password up as pppd does.
func (p *pppd) secret(file string) {
	user := p.text("user")
	if user == "" {
		p.note(0, "there is no name to log in with: add user")
		return
	}
	text, err := p.files(file)
	if err != nil {
		p.note(0, "the password is not in there, and %s cannot be read: add password, or password-file: %v", file, err)
		return
	}
	table, err := secrets.Parse(text, file, func(name string) (string, error) {
		content, err := p.files(name)
		first, _, _ := strings.Cut(strings.TrimSpace(string(content)), "\n")
		return first, err
	})
	if err != nil {
		p.note(0, "the password is not in there, and %s has a mistake: add password, or password-file: %v", file, err)
		return
	}
	servers := table.ServersOf(user)
	server := p.remote
	if server == "" && len(servers) > 0 {
		server = servers[0]
	}
	found, ok := table.Lookup(user, server)
	switch {
	case !ok:
		p.note(0, "%s has no password for %q: add password, or password-file", file, user)
	case p.remote == "" && len(servers) > 1:
		p.note(0, "%s has several passwords for %q, by server, and no remotename says which: the one for %s is taken", file, user, server)
		p.set(0, keyPassword, found.Password)
	default:
		p.set(0, keyPassword, found.Password)
	}
}

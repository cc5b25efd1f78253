package foreign

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// section is one of a file of UCI.
type section struct {
	kind, name string
	line       int
	options    []option
}

type option struct {
	key, text string
	line      int
	list      bool
}

func (s *section) get(key string) string {
	for _, o := range s.options {
		if o.key == key {
			return o.text
		}
	}
	return ""
}

// parseUCI reads a file of /etc/config. What is no word of UCI is left out.
func parseUCI(text string) (all []*section) {
	for _, line := range lines(text) {
		switch {
		case line[0].text == "config" && len(line) > 1:
			s := &section{kind: line[1].text, line: line[0].line}
			if len(line) > 2 {
				s.name = line[2].text
			}
			all = append(all, s)
		case (line[0].text == "option" || line[0].text == "list") && len(line) > 2 && len(all) > 0:
			s := all[len(all)-1]
			s.options = append(s.options, option{line[1].text, line[2].text, line[0].line, line[0].text == "list"})
		}
	}
	return all
}

// OpenWrt reads an interface of proto pptp out of /etc/config/network; which names it, and may be
// empty if there is one only.
func OpenWrt(text []byte, which string, files Files) (*Profile, error) {
	var found []*section
	var names []string
	all := parseUCI(string(text))
	for _, s := range all {
		if s.kind == "interface" && (s.get("proto") == "pptp" || s.get("proto") == "arc4") {
			names = append(names, s.name)
			if which == "" || s.name == which {
				found = append(found, s)
			}
		}
	}
	switch {
	case len(names) == 0:
		return nil, fmt.Errorf("there is no interface of proto pptp in it")
	case len(found) == 0:
		return nil, fmt.Errorf("there is no interface %q of proto pptp in it: it has %s", which, strings.Join(names, ", "))
	case len(found) > 1:
		return nil, fmt.Errorf("there are several interfaces of proto pptp in it: say which, of %s", strings.Join(names, ", "))
	}
	o := &openwrt{pppd: newPPPD(files)}
	for _, s := range all {
		if (s.kind == "route" || s.kind == "route6") && s.get("interface") == found[0].name {
			o.route(s)
		}
	}
	return o.read(found[0]), nil
}

// route takes a section of a route into the tunnel.
func (o *openwrt) route(s *section) {
	target, mask := s.get("target"), s.get("netmask")
	p, err := netip.ParsePrefix(target)
	if err != nil {
		bits := -1
		if a, err := netip.ParseAddr(mask); err == nil && a.Is4() {
			ones, size := net.IPMask(a.AsSlice()).Size()
			if size == 32 {
				bits = ones
			}
		} else if mask == "" {
			bits = 32
		}
		if a, err := netip.ParseAddr(target); err == nil && bits >= 0 {
			p = netip.PrefixFrom(a, bits)
		}
	}
	if !p.IsValid() || p.Addr().Is6() {
		o.note(s.line, "route to %s %s: only networks of IPv4 are carried over", target, mask)
		return
	}
	o.routes, o.routesAt = append(o.routes, p.Masked().String()), s.line
}

// openwrt reads one interface. Its options of pppd are read as pppd's own.
type openwrt struct {
	*pppd
	servers, search, routes       []string // name servers, domains, networks
	serversAt, searchAt, routesAt int
	noDefault, noDNS              bool
}

func (o *openwrt) read(s *section) *Profile {
	o.Program, o.Name = "OpenWrt", s.name
	o.login.required = true // by its /etc/ppp/options.pptp
	for _, opt := range s.options {
		if take, known := openwrtOptions[opt.key]; known {
			take(o, opt)
		} else {
			o.noteUnknown(opt.line, opt.key, opt.text)
		}
	}
	if o.text(keyServer) == "" {
		o.note(0, "there is no server")
	}
	if !o.noDefault && o.at("default-route") < 0 {
		o.set(0, "default-route", true)
	}
	if len(o.routes) > 0 {
		o.set(o.routesAt, "route", o.routes)
	}
	o.pppd.end()
	switch {
	case len(o.servers) > 0:
		o.setServers(o.serversAt, o.servers)
	case o.noDNS:
		o.set(0, "dns", "off")
	}
	if len(o.search) > 0 && o.text("dns") != "off" {
		o.set(o.searchAt, "dns-domain", o.search)
	}
	if o.text(keyPassword) == "" {
		o.note(0, "there is no password: add password, or password-file")
	}
	o.note(0, "firewall: what a zone says of this interface is a matter of the firewall here")
	return o.finish()
}

func (o *openwrt) keepalive(opt option) {
	words := strings.FieldsFunc(opt.text, func(c rune) bool { return c == ' ' || c == ',' || c == '\t' })
	o.echoAt = opt.line
	if len(words) > 0 {
		o.echo.failures = words[0]
	}
	o.echo.interval = "5"
	if len(words) > 1 {
		o.echo.interval = words[1]
	}
}

func off(text string) bool { return text == "0" || text == "off" || text == "no" || text == "false" }

var openwrtOptions = map[string]func(*openwrt, option){
	"proto":     func(*openwrt, option) {},
	"server":    func(o *openwrt, opt option) { o.set(opt.line, keyServer, opt.text) },
	"username":  func(o *openwrt, opt option) { o.set(opt.line, "user", opt.text) },
	"password":  func(o *openwrt, opt option) { o.set(opt.line, keyPassword, opt.text) },
	"keepalive": (*openwrt).keepalive,
	"mtu":       func(o *openwrt, opt option) { o.setMTU(opt.line, "mtu", opt.text) },
	"defaultroute": func(o *openwrt, opt option) {
		o.noDefault = off(opt.text)
	},
	"peerdns": func(o *openwrt, opt option) { o.noDNS = off(opt.text) },
	"dns": func(o *openwrt, opt option) {
		o.servers, o.serversAt = append(o.servers, strings.Fields(opt.text)...), opt.line
	},
	"dns_search": func(o *openwrt, opt option) {
		o.search, o.searchAt = append(o.search, strings.Fields(opt.text)...), opt.line
	},
	"ipv6": func(o *openwrt, opt option) {
		if opt.text != "auto" && !off(opt.text) {
			o.set(opt.line, "ipv6", true)
		}
	},
	"metric":   func(o *openwrt, opt option) { o.setMetric(opt.line, opt.text) },
	"ip4table": func(o *openwrt, opt option) { o.set(opt.line, "table", opt.text) },
	"pppname":  func(o *openwrt, opt option) { o.set(opt.line, "tun", opt.text) },
	"persist":  func(o *openwrt, opt option) { o.set(opt.line, "reconnect", !off(opt.text)) },
	"maxfail":  func(o *openwrt, opt option) { o.setMaxFail(opt.line, opt.text) },
	"holdoff":  func(o *openwrt, opt option) { o.setHoldOff(opt.line, opt.text) },
	"demand": func(o *openwrt, opt option) {
		if !off(opt.text) {
			o.set(opt.line, "on-demand", true)
			o.setIdle(opt.line, opt.text)
		}
	},
	"authfail": func(o *openwrt, opt option) {
		if off(opt.text) {
			o.set(opt.line, "retry-auth", true)
		}
	},
	"pppd_options": func(o *openwrt, opt option) {
		o.pppd.read(opt.text, opt.line, 0)
	},
	"interface": func(o *openwrt, opt option) {
		o.note(opt.line, "interface %s: a network of OpenWrt's; give bind-interface the device that it stands for", opt.text)
	},
	"auto": func(o *openwrt, opt option) {
		if !off(opt.text) {
			o.note(opt.line, "auto: systemctl enable arc4@NAME dials at boot")
		}
	},
	"disabled": func(o *openwrt, opt option) {
		if !off(opt.text) {
			o.note(opt.line, "disabled: arc4 dials a profile when it is told to")
		}
	},
	// Names and looks.
	"ifname": func(*openwrt, option) {}, "device": func(*openwrt, option) {}, "force_link": func(*openwrt, option) {}, "buffering": func(*openwrt, option) {},
	"delegate": func(*openwrt, option) {}, "keepalive_adaptive": func(*openwrt, option) {},
}

func init() {
	for key, flag := range map[string]string{"mppe": "mppe", "mppe_stateful": "mppe-stateful", "backend": "backend", "io": "io", "reorder_timeout": "reorder-timeout", "reorder_policy": "reorder-policy"} {
		openwrtOptions[key] = func(o *openwrt, opt option) { o.set(opt.line, flag, opt.text) }
	}
}

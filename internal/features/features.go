// Package features lists what a build of arc4 may leave out, each under a build tag of its own.
// Nothing else says which tags there are: `arc4 version`, tools/build, the tests of what is
// shipped and the pages are made of this list, or compared with it.
package features

import "slices"

// Feature is a part of the program that a build tag leaves out.
type Feature struct {
	Name  string // as users call it
	Tag   string // for go build -tags
	What  string // what goes, in a sentence
	Built bool   // whether it is in this build
}

// All are the features, by name.
func All() []Feature {
	return []Feature{
		{"bugreport", "nobugreport", "arc4 bugreport", Bugreport},
		{"capture", "nocapture", "--capture of arc4 connect, with gopacket", Capture},
		{"check", "nocheck", "arc4 check, which finds out why a tunnel does not come up", Check},
		{"decrypt", "nodecrypt", "arc4 decrypt, which reads the calls in a capture, with gopacket", Decrypt},
		{"demo", "nodemo", "arc4 demo; with nospeedtunnel also the laboratory, and with noproxy besides the TCP/IP stack (gVisor)", Demo},
		{"dns", "nodns", "setting name servers: --dns and --dns-domain of arc4 connect, which leaves name service as it is", DNS},
		{"kill switch", "nokillswitch", "--kill-switch of arc4 connect, with nftables", KillSwitch},
		{"man", "noman", "arc4 man, which writes the manual pages", Man},
		{"nm", "nonm", "the plugin for NetworkManager: arc4 nm-service and arc4 nm-auth-dialog, which NetworkManager and its clients start", NetworkManager},
		{"plot", "noplot", "--plot of arc4 speed tunnel, with the fonts for it", Plot},
		{"profiles", "noprofiles", "profiles (--profile, --save, --config), arc4 up, down, restart, list, logs and import, and readiness for systemd; the environment stays", Profiles},
		{"proxy", "noproxy", "the proxies of arc4 connect in the place of a device: --socks5, --http-proxy, --forward and --reverse; with nodemo and nospeedtunnel also the TCP/IP stack (gVisor)", Proxy},
		{"speed tunnel", "nospeedtunnel", "arc4 speed tunnel, which measures whole tunnels; arc4 speed stays", SpeedTunnel},
	}
}

// Commands are the commands that the feature is, or has.
func (f Feature) Commands() []string {
	switch f.Name {
	case "profiles":
		return []string{"up", "down", "restart", "list", "logs"}
	case "nm":
		return []string{"nm-service", "nm-auth-dialog"}
	}
	return []string{f.Name}
}

// LeftOut are the features that this build does not have.
func LeftOut() []Feature {
	var list []Feature
	for _, f := range All() {
		if !f.Built {
			list = append(list, f)
		}
	}
	return list
}

// onRouters are the features, by name, that a router's build has: tunnels fail where routers are.
var onRouters = []string{"check"}

// RouterTags are the build tags for a router: of all that nobody needs there.
func RouterTags() []string {
	var tags []string
	for _, f := range All() {
		if !slices.Contains(onRouters, f.Name) {
			tags = append(tags, f.Tag)
		}
	}
	return tags
}

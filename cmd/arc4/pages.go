package main

import (
	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/clidoc"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/report"
)

var security = clidoc.Section{Title: "Security", InHelp: true, Text: `PPTP protects against nobody who tries. Whoever records an MS-CHAPv2 login recovers the key with one search through
2^56 DES keys, a day's work that is for hire; MPPE has no integrity check, so packets can be altered on the way; and RC4
itself is broken. Use it to reach what speaks nothing else, and put nothing through it that is not encrypted already
(TLS, SSH). For a tunnel of your own use WireGuard or IPsec.`}

// securityOnPaper is the same for the pages of the tunnels, whose help is long enough and which
// warn when they start.
var securityOnPaper = clidoc.Section{Title: security.Title, Text: security.Text}

// traceOnPaper describes what --trace writes.
var traceOnPaper = clidoc.Section{Title: "Trace", Text: "With --trace, a tunnel writes what it says to its peers to standard error, in words. " + traceRules}

// hooksOnPaper describes what the programs of --ip-up and its neighbours get.
var hooksOnPaper = clidoc.Section{Title: "Hooks", Text: `Programs can be run when a tunnel comes up and goes down, as pppd runs its scripts, and those work unchanged. Each is
started by its path, without a shell, in /, with nothing on its standard input, output and error, and with six
arguments: interface, the peer's outer address (where pppd has a tty), speed (0), local address, remote address,
--ipparam. 0.0.0.0 stands for an address that is missing or not used.

Its environment is DEVICE (the peer's outer address), IFNAME, LINKNAME, SPEED, ORIG_UID, PPPLOGNAME, PPPD_PID; where
there are such, IPLOCAL, IPREMOTE, LLLOCAL, LLREMOTE, DNS1, DNS2 and USEPEERDNS=1; PEERNAME, the user, in a server;
and when the tunnel has gone CONNECT_TIME (seconds), BYTES_SENT and BYTES_RCVD. There is nothing else in it, no PATH
either.

--ip-pre-up is run when the device has its addresses and is not up yet, and is waited for, for 10 s at most. The
others run side by side with the tunnel, those of one tunnel one after the other, and are killed after a minute. When
this program ends it waits for them for 3 s. A server runs twice as many at once as the machine has processors, and
lets the others wait.`}

// usersFile describes the users of arc4 serve; in the help it is a topic.
var usersFile = clidoc.Section{Title: "Secrets file", Text: `One user a line, as in pppd's chap-secrets: user, server, secret, addresses. # begins a comment, even within a word; a
word with blanks or a # goes into quotation marks; the file is UTF-8; DOMAIN\user is written with two backslashes, and @/PATH is a file with the secret in it.

    # user         server  secret           addresses
    alice          *       "correct horse"  *
    bob            arc4    hunter2          10.99.0.110
    OFFICE\\carol  *       @/etc/arc4/carol 10.99.0.0/24 !10.99.0.101

The server is the --name of arc4 serve, or *. The fourth word and those after it say which addresses the user may have in
the tunnel: * for any of the pool, one address that is the user's own (of the pool, for to others this machine has no
route), networks, or either with ! before it for what is left out. A user with one address has one session: a later login
ends the earlier. A line of three words, USER SERVER SECRET, allows no address at all, as with pppd: the password is
accepted, and then the call is ended. arc4 serve names, by line and user, what probably is not meant when it reads the
file: such lines, a user twice, a # within a word, addresses outside of --pool, no line for this --name.

Only its owner may be able to read the file: chmod 600 FILE. It is read again when it changes; while it holds a mistake,
the old users stay.`}

const (
	backendVariable = `the RC4 backend to use instead of the fastest; "arc4 backends" lists them`
	flagVariable    = "ARC4_FLAG"
	flagVariables   = `any flag that is not on the command line, by its name in capitals with _ for -: ARC4_DEFAULT_ROUTE=true; lists with commas; an empty one counts as not set`
	tunDevice       = `makes TUN devices; this user must be able to open it`
	anyTunnelSocket = `where "arc4 status" and "arc4 trace" ask; without root in $XDG_RUNTIME_DIR/arc4 or /tmp/arc4-UID`
)

// Where status and trace find the tunnels.
var (
	socketsEnvironment = []clidoc.Entry{{Name: "XDG_RUNTIME_DIR", What: "where the sockets of this user's tunnels are, in its folder arc4"}}
	socketsFiles       = []clidoc.Entry{
		{Name: "/run/arc4/*.sock", What: "the tunnels that root runs"},
		{Name: "/tmp/arc4-UID/*.sock", What: "those of a user without XDG_RUNTIME_DIR"},
	}
)

// Where profiles are, and the logs of those in the background.
var (
	profileFiles = []clidoc.Entry{
		{Name: "~/.config/arc4/NAME.toml", What: "a profile, with XDG_CONFIG_HOME below that; this is looked for first"},
		{Name: "/etc/arc4/NAME.toml", What: "a profile of the machine"},
		{Name: "/run/arc4/NAME.pid", What: "the process that runs it, which holds a lock on the file"},
	}
	logFiles = []clidoc.Entry{
		{Name: "/var/log/arc4/NAME.log", What: "what root's tunnels in the background log"},
		{Name: "~/.local/state/arc4/NAME.log", What: "what those of others do, with XDG_STATE_HOME below that"},
	}
)

// documentation is the text of the help, the manual pages and the completion, beside that of the
// commands and flags themselves.
var documentation = clidoc.Docs{Version: versionString(), Pages: pages}

// pages are the commands' own, by name.
var pages = map[string]clidoc.Page{
	programName: {
		Sections:    []clidoc.Section{security},
		Environment: []clidoc.Entry{{Name: arc4.Environment, What: backendVariable}, {Name: passwordVariable, What: `the password of "arc4 connect"`}},
		Exits:       exit.Entries(programName),
		SeeAlso:     []string{"pppd(8)", "wg(8)"},
	},
	"connect": {
		Sections: []clidoc.Section{hooksOnPaper, traceOnPaper, securityOnPaper},
		Environment: append([]clidoc.Entry{
			{Name: passwordVariable, What: "the password, if there is no --password-file; other programs of this user can read it there"},
			{Name: "ARC4_PASSWORD_FILE", What: "as --password-file; others may read a file below /run/secrets, where containers have theirs"},
			{Name: serverVariable, What: "the argument, if there is none"},
			{Name: flagVariable, What: flagVariables},
			{Name: arc4.Environment, What: backendVariable + "; --backend comes first"},
			{Name: "CREDENTIALS_DIRECTORY", What: "where systemd keeps the password for a service, under the name password (LoadCredential=password:FILE); what else has one comes first"},
		}, proxyEnvironment...),
		Files: append([]clidoc.Entry{
			{Name: "/dev/net/tun", What: tunDevice},
			{Name: "/run/arc4/connect.sock", What: anyTunnelSocket + "; connect-NAME.sock of a profile"},
			{Name: "FILE, FILE.1, ...", What: "what --capture has written, for its owner alone"},
			{Name: "/etc/resolv.conf", What: "replaced while the tunnel is up where neither systemd-resolved nor resolvconf is in charge of it; /etc/resolv.conf.before-arc4 is the one before, with its inode's number behind it if it is mounted there, as ip-netns(8) does it"},
		}, profileFiles...),
		Exits:   exit.Entries("connect", exit.OK, exit.Failure, exit.Usage, exit.Auth, exit.Network, exit.Policy, exit.Permission, exit.Interrupted),
		SeeAlso: []string{"arc4-profile(5)", "arc4-serve(1)", "arc4-status(1)", "arc4-trace(1)", "pptp(8)", "pppd(8)", "ip-route(8)"},
	},
	"serve": {
		Sections: []clidoc.Section{usersFile, hooksOnPaper, traceOnPaper, securityOnPaper},
		Environment: []clidoc.Entry{
			{Name: flagVariable, What: flagVariables},
			{Name: arc4.Environment, What: backendVariable + "; --backend comes first"},
		},
		Files: []clidoc.Entry{
			{Name: "/etc/arc4/serve.toml", What: "the usual place for --config, which has no default"},
			{Name: "/etc/arc4/chap-secrets", What: "the usual place for --secrets, which has no default"},
			{Name: "/dev/net/tun", What: tunDevice},
			{Name: "/run/arc4/serve.sock", What: anyTunnelSocket},
		},
		Exits:   exit.Entries("serve", exit.OK, exit.Failure, exit.Usage, exit.Network, exit.Permission),
		SeeAlso: []string{"arc4-secrets-file(5)", "arc4-profile(5)", "arc4-connect(1)", "arc4-status(1)", "arc4-trace(1)", "pptpd(8)", "pppd(8)", "nft(8)"},
	},
	"check": {
		Environment: []clidoc.Entry{
			{Name: passwordVariable, What: "the password, if there is no --password-file"},
			{Name: flagVariable, What: "as with arc4 connect, whose flags these are, but for --json and --echoes"},
		},
		Files:   profileFiles,
		Exits:   exit.Entries("check", exit.OK, exit.Failure, exit.Usage, exit.Auth, exit.Network, exit.Policy, exit.Permission, exit.Interrupted),
		SeeAlso: []string{"arc4-connect(1)", "arc4-profile(5)", "arc4-trace(1)", "nft(8)", "tcpdump(8)"},
	},
	"up": {
		Environment: []clidoc.Entry{{Name: flagVariable, What: "as with arc4 connect, which it runs"}},
		Files:       append(profileFiles, logFiles...),
		Exits:       exit.Entries("up", exit.OK, exit.Failure, exit.Usage, exit.Auth, exit.Network, exit.Policy, exit.Permission, exit.Interrupted),
		SeeAlso:     []string{"arc4-profile(5)", "arc4-down(1)", "arc4-connect(1)", "arc4-logs(1)", "wg-quick(8)", "systemctl(1)"},
	},
	"down": {
		Files:   profileFiles,
		Exits:   exit.Entries("down", exit.OK, exit.Failure, exit.Usage, exit.Permission),
		SeeAlso: []string{"arc4-profile(5)", "arc4-up(1)", "arc4-list(1)"},
	},
	"bugreport": {
		Files: append([]clidoc.Entry{
			{Name: "arc4-bugreport-NAME-TIME.tar.gz", What: "what it writes, where it is called, for its owner alone"},
			{Name: "/proc/PID/environ, /proc/PID/cmdline", What: "of the tunnels that run: names of variables, arguments, and the secrets to be taken out"},
		}, append(append([]clidoc.Entry(nil), profileFiles...), logFiles...)...),
		Exits:   exit.Entries("bugreport", exit.OK, exit.Failure, exit.Usage, exit.Interrupted),
		SeeAlso: []string{"arc4-status(1)", "arc4-logs(1)", "arc4-connect(1)", "tcpdump(8)", "wireshark(1)"},
	},
	"import": {
		Files: append([]clidoc.Entry{
			{Name: "/etc/ppp/peers/NAME, /etc/ppp/chap-secrets", What: "pppd's"},
			{Name: "/etc/NetworkManager/system-connections/*.nmconnection", What: "NetworkManager's"},
			{Name: "/etc/config/network", What: "OpenWrt's"},
		}, profileFiles...),
		Exits:   exit.Entries("import", exit.OK, exit.Failure, exit.Usage, exit.Permission),
		SeeAlso: []string{"arc4-profile(5)", "arc4-up(1)", "arc4-connect(1)", "pppd(8)", "nm-settings-keyfile(5)"},
	},
	"restart": {
		Files:   profileFiles,
		Exits:   exit.Entries("restart", exit.OK, exit.Failure, exit.Usage, exit.Auth, exit.Network, exit.Policy, exit.Permission, exit.Interrupted),
		SeeAlso: []string{"arc4-profile(5)", "arc4-up(1)", "arc4-down(1)"},
	},
	"list": {
		Files:   profileFiles,
		Exits:   exit.Entries("list", exit.OK, exit.Failure, exit.Usage, exit.Permission),
		SeeAlso: []string{"arc4-profile(5)", "arc4-status(1)", "jq(1)"},
	},
	"logs": {
		Files:   logFiles,
		Exits:   exit.Entries("logs", exit.OK, exit.Failure, exit.Usage, exit.Permission),
		SeeAlso: []string{"arc4-up(1)", "journalctl(1)"},
	},
	"status": {
		Sections:    []clidoc.Section{{Title: "JSON", Text: report.FieldsText}},
		Environment: socketsEnvironment,
		Files:       socketsFiles,
		Exits:       exit.Entries("status", exit.OK, exit.Failure, exit.Usage, exit.Permission, exit.Down),
		SeeAlso:     []string{"arc4-status-fields(7)", "arc4-connect(1)", "arc4-serve(1)", "arc4-trace(1)"},
	},
	"trace": {
		Environment: socketsEnvironment,
		Files:       socketsFiles,
		Exits:       exit.Entries("trace", exit.OK, exit.Failure, exit.Usage, exit.Permission),
		SeeAlso:     []string{"arc4-connect(1)", "arc4-serve(1)", "arc4-status(1)", "pppd(8)", "tcpdump(8)"},
	},
	"decrypt": {
		Sections: []clidoc.Section{security},
		Environment: []clidoc.Entry{
			{Name: passwordVariable, What: "the password, where no file is named"},
			{Name: arc4.Environment, What: backendVariable + "; --backend comes first"},
		},
		Exits:   exit.Entries("decrypt", exit.OK, exit.Failure, exit.Usage, exit.Auth, exit.Permission, exit.Interrupted),
		SeeAlso: []string{"arc4-secrets-file(5)", "arc4-trace(1)", "tcpdump(8)", "editcap(1)", "pcap-savefile(5)"},
	},
	"demo": {
		Environment: []clidoc.Entry{{Name: arc4.Environment, What: backendVariable + "; --backend comes first"}},
		Exits:       exit.Entries("demo", exit.OK, exit.Failure, exit.Usage),
		SeeAlso:     []string{"arc4-connect(1)", "arc4-speed(1)", "tc-netem(8)"},
	},
	"speed": {
		Environment: []clidoc.Entry{{Name: arc4.Environment, What: `the backend that is reported as selected`}},
		Exits:       exit.Entries("speed", exit.OK, exit.Failure, exit.Usage),
		SeeAlso:     []string{"arc4-speed-tunnel(1)", "arc4-backends(1)", "openssl-speed(1)"},
	},
	"speed tunnel": {
		Environment: []clidoc.Entry{{Name: arc4.Environment, What: backendVariable + "; --backend comes first"}},
		Exits:       exit.Entries("speed tunnel", exit.OK, exit.Failure, exit.Usage),
		SeeAlso:     []string{"arc4-speed(1)", "arc4-demo(1)", "tc-netem(8)"},
	},
	"backends": {
		Environment: []clidoc.Entry{{Name: arc4.Environment, What: `the backend to select instead of the fastest`}},
		Exits:       exit.Entries("backends", exit.OK, exit.Failure, exit.Usage, exit.Permission),
		SeeAlso:     []string{"arc4-speed(1)"},
	},
	"man": {
		Environment: []clidoc.Entry{{Name: "SOURCE_DATE_EPOCH", What: "the pages' date, in seconds since 1970, for packages that are to be reproducible"}},
		Exits:       exit.Entries("man", exit.OK, exit.Failure, exit.Usage, exit.Permission),
		SeeAlso:     []string{"man(1)", "manpath(1)"},
	},
	"profile":       {Section: "5", SeeAlso: []string{"arc4-connect(1)", "arc4-serve(1)", "wg-quick(8)"}},
	"secrets-file":  {Section: "5", SeeAlso: []string{"arc4-serve(1)", "pppd(8)"}},
	"exit-codes":    {SeeAlso: []string{"arc4-connect(1)", "arc4-serve(1)"}},
	"status-fields": {SeeAlso: []string{"arc4-status(1)", "jq(1)"}},
	"completion":    {Exits: exit.Entries("completion", exit.OK, exit.Usage)},
	"version":       {Exits: exit.Entries("version", exit.OK, exit.Usage)},
}

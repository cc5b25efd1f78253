package main

import (
	"github.com/arc4tun/arc4tun/arc4"
)

var security = pageSection{title: "Security", inHelp: true, text: `PPTP protects against nobody who tries. Whoever records an MS-CHAPv2 login recovers the key with one search through
2^56 DES keys, a day's work that is for hire; MPPE has no integrity check, so packets can be altered on the way; and RC4
itself is broken. Use it to reach what speaks nothing else, and put nothing through it that is not encrypted already
(TLS, SSH). For a tunnel of your own use WireGuard or IPsec.`}

// securityOnPaper is the same for the pages of the tunnels, whose help is long enough and which
// warn when they start.
var securityOnPaper = pageSection{title: security.title, text: security.text}

// traceOnPaper describes what --trace writes.
var traceOnPaper = pageSection{title: "Trace", text: "With --trace, a tunnel writes what it says to its peers to standard error, in words. " + traceRules}

// usersFile describes the users of arc4 serve; in the help it is a topic.
var usersFile = pageSection{title: "Secrets file", text: `One user a line, as in pppd's chap-secrets: user, server, secret, addresses. # begins a comment, even within a word; a
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
	tunDevice       = `makes TUN devices; this user must be able to open it`
	anyTunnelSocket = `where "arc4 status" and "arc4 trace" ask; without root in $XDG_RUNTIME_DIR/arc4 or /tmp/arc4-UID`
)

// Where status and trace find the tunnels.
var (
	socketsEnvironment = []textEntry{{"XDG_RUNTIME_DIR", "where the sockets of this user's tunnels are, in its folder arc4"}}
	socketsFiles       = []textEntry{
		{"/run/arc4/*.sock", "the tunnels that root runs"},
		{"/tmp/arc4-UID/*.sock", "those of a user without XDG_RUNTIME_DIR"},
	}
)

// documentation is the text of the help, the manual pages and the completion, beside that of the
// commands and flags themselves.
var documentation = docs{version: versionString(), pages: pages}

// pages are the commands' own, by name.
var pages = map[string]page{
	programName: {
		sections:    []pageSection{security},
		environment: []textEntry{{arc4.Environment, backendVariable}, {passwordVariable, `the password of "arc4 connect"`}},
		exits:       exits(programName),
		seeAlso:     []string{"pppd(8)", "wg(8)"},
	},
	"connect": {
		sections: []pageSection{traceOnPaper, securityOnPaper},
		environment: []textEntry{
			{passwordVariable, "the password, if there is no --password-file; other programs of this user can read it there"},
			{arc4.Environment, backendVariable + "; --backend comes first"},
		},
		files: []textEntry{
			{"/dev/net/tun", tunDevice},
			{"/run/arc4/connect.sock", anyTunnelSocket},
		},
		exits:   exits("connect", exitOK, exitFailure, exitUsage, exitAuth, exitNetwork, exitPolicy, exitPermission, exitInterrupted),
		seeAlso: []string{"arc4-serve(1)", "arc4-status(1)", "arc4-trace(1)", "pptp(8)", "pppd(8)", "ip-route(8)"},
	},
	"serve": {
		sections:    []pageSection{usersFile, traceOnPaper, securityOnPaper},
		environment: []textEntry{{arc4.Environment, backendVariable + "; --backend comes first"}},
		files: []textEntry{
			{"/etc/arc4/chap-secrets", "the usual place for --secrets, which has no default"},
			{"/dev/net/tun", tunDevice},
			{"/run/arc4/serve.sock", anyTunnelSocket},
		},
		exits:   exits("serve", exitOK, exitFailure, exitUsage, exitNetwork, exitPermission),
		seeAlso: []string{"arc4-secrets-file(5)", "arc4-connect(1)", "arc4-status(1)", "arc4-trace(1)", "pptpd(8)", "pppd(8)", "nft(8)"},
	},
	"status": {
		sections:    []pageSection{{title: "JSON", text: statusFieldsText}},
		environment: socketsEnvironment,
		files:       socketsFiles,
		exits:       exits("status", exitOK, exitFailure, exitUsage, exitPermission),
		seeAlso:     []string{"arc4-status-fields(7)", "arc4-connect(1)", "arc4-serve(1)", "arc4-trace(1)"},
	},
	"trace": {
		environment: socketsEnvironment,
		files:       socketsFiles,
		exits:       exits("trace", exitOK, exitFailure, exitUsage, exitPermission),
		seeAlso:     []string{"arc4-connect(1)", "arc4-serve(1)", "arc4-status(1)", "pppd(8)", "tcpdump(8)"},
	},
	"demo": {
		environment: []textEntry{{arc4.Environment, backendVariable + "; --backend comes first"}},
		exits:       exits("demo", exitOK, exitFailure, exitUsage),
		seeAlso:     []string{"arc4-connect(1)", "arc4-speed(1)", "tc-netem(8)"},
	},
	"speed": {
		environment: []textEntry{{arc4.Environment, `the backend that is reported as selected`}},
		exits:       exits("speed", exitOK, exitFailure, exitUsage),
		seeAlso:     []string{"arc4-speed-tunnel(1)", "arc4-backends(1)", "openssl-speed(1)"},
	},
	"speed tunnel": {
		environment: []textEntry{{arc4.Environment, backendVariable + "; --backend comes first"}},
		exits:       exits("speed tunnel", exitOK, exitFailure, exitUsage),
		seeAlso:     []string{"arc4-speed(1)", "arc4-demo(1)", "tc-netem(8)"},
	},
	"backends": {
		environment: []textEntry{{arc4.Environment, `the backend to select instead of the fastest`}},
		exits:       exits("backends", exitOK, exitFailure, exitUsage),
		seeAlso:     []string{"arc4-speed(1)"},
	},
	"man": {
		environment: []textEntry{{"SOURCE_DATE_EPOCH", "the pages' date, in seconds since 1970, for packages that are to be reproducible"}},
		exits:       exits("man", exitOK, exitFailure, exitUsage, exitPermission),
		seeAlso:     []string{"man(1)", "manpath(1)"},
	},
	"secrets-file":  {manSection: "5", seeAlso: []string{"arc4-serve(1)", "pppd(8)"}},
	"exit-codes":    {seeAlso: []string{"arc4-connect(1)", "arc4-serve(1)"}},
	"status-fields": {seeAlso: []string{"arc4-status(1)", "jq(1)"}},
	"completion":    {exits: exits("completion", exitOK, exitUsage)},
	"version":       {exits: exits("version", exitOK, exitUsage)},
}

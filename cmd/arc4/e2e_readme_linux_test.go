package main

import (
	"net"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/lab/labtest"
)

// documentedLines is the block of indented lines of a page that holds a line.
func documentedLines(t *testing.T, page, line string) string {
	t.Helper()
	before, after, found := strings.Cut(document(t, page), "\n    "+line+"\n")
	require.True(t, found, "%s has no line %q", page, line)
	lines := []string{line}
	for _, l := range strings.Split(after, "\n") {
		if !strings.HasPrefix(l, "    ") {
			break
		}
		lines = append(lines, strings.TrimSpace(l))
	}
	all := strings.Split(before, "\n")
	for n := len(all) - 1; n >= 0 && strings.HasPrefix(all[n], "    "); n-- {
		lines = append([]string{strings.TrimSpace(all[n])}, lines...)
	}
	return strings.Join(lines, "\n")
}

// shell runs lines on the machine, as somebody does who copies them from a page.
func (m *machine) shell(t *testing.T, lines string) {
	t.Helper()
	for _, tool := range []string{"nft", "sysctl"} {
		if _, err := exec.LookPath(tool); strings.Contains(lines, tool) && err != nil {
			labtest.Skip(t, "no %s here (apt-get install nftables procps)", tool)
		}
	}
	cmd := exec.Command("sh", "-e", "-c", lines)
	var written record
	cmd.Stdout, cmd.Stderr = &written, &written
	require.NoError(t, m.Start(cmd))
	require.NoError(t, cmd.Wait(), "%s\n%s", lines, written.String())
}

// peerOf accepts one connection that from opens to an address of to, and gives the address it comes
// from.
func peerOf(t *testing.T, from, to *machine, address string) string {
	t.Helper()
	var listener net.Listener
	to.Must(t, func() (err error) {
		listener, err = net.Listen("tcp4", net.JoinHostPort(address, "0"))
		return err
	})
	defer listener.Close()
	var out net.Conn
	from.Must(t, func() (err error) {
		out, err = (&net.Dialer{Timeout: patience}).Dial("tcp4", listener.Addr().String())
		return err
	})
	defer out.Close()
	in, err := listener.Accept()
	require.NoError(t, err)
	defer in.Close()
	host, _, err := net.SplitHostPort(in.RemoteAddr().String())
	require.NoError(t, err)
	return host
}

// TestE2EReadmeForwarding lets a client reach beyond the server with the lines of doc/serve.md.
func TestE2EReadmeForwarding(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	beyond := l.join(t, "machine beyond", "beyond", "198.18.0.2", "198.18.0.1")
	l.serve(t)
	client := l.connect(t, "--route", "198.18.0.0/24").up(t)
	l.server.shell(t, documentedLines(t, "doc/serve.md", "sysctl -w net.ipv4.ip_forward=1"))
	assert.Equal(t, "198.18.0.1", peerOf(t, l.client, beyond, "198.18.0.2"), "the client's address was to stay inside")
	assert.Positive(t, session(t, l.server.status(t)).PacketsIn, "it went another way")
	client.stop(t, syscall.SIGTERM)
}

// TestE2EReadmeNAT has a router with NAT between client and server, which loses GRE until it has
// the lines of doc/troubleshooting.md.
func TestE2EReadmeNAT(t *testing.T) {
	t.Parallel()
	l := newTestbed(t) // its server's machine is the router here
	far := l.join(t, "far server", "far", "198.18.0.2", "198.18.0.1")
	l.server.shell(t, `sysctl -w net.ipv4.ip_forward=1
nft add table ip nat
nft 'add chain ip nat post { type nat hook postrouting priority srcnat; }'
nft add rule ip nat post oifname far masquerade
nft 'add chain ip nat through { type filter hook forward priority filter; policy drop; }'
nft add rule ip nat through ct state established,related accept
nft add rule ip nat through tcp dport 1723 accept`)
	server := far.start(t, serveArgs(secretsFile(t, twoUsers), "--listen", "198.18.0.2")...)
	server.waitLog(t, "msg=answering", 1)
	blocked := l.connectTo(t, "198.18.0.2", "wonderland", "--status-socket", "none")
	blocked.waitLog(t, "no GRE packet has come.*blocked", 1)
	blocked.stop(t, syscall.SIGTERM)

	const modules = "modprobe -a nf_conntrack_pptp nf_nat_pptp"
	lines := documentedLines(t, "doc/troubleshooting.md", modules)
	if exec.Command("sh", "-c", "grep -q '^CONFIG_NF_NAT_PPTP=y' /boot/config-$(uname -r) || zgrep -q '^CONFIG_NF_NAT_PPTP=y' /proc/config.gz").Run() == nil {
		lines = strings.Replace(lines, modules, "", 1) // they are no modules here
	} else if out, err := exec.Command("modprobe", "-a", "nf_conntrack_pptp", "nf_nat_pptp").CombinedOutput(); err != nil {
		labtest.Skip(t, "this kernel has no NAT for PPTP: %s", out)
	}
	l.server.shell(t, lines)
	client := l.connectTo(t, "198.18.0.2", "wonderland").up(t)
	l.client.ping(t, tunnelLocal, 1400)
	exchange(t, l.client, far, tunnelLocal, 256<<10)
	client.stop(t, syscall.SIGTERM)
}

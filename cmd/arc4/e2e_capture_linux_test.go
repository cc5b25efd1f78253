//go:build !nocapture

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/internal/capturefile"
	"github.com/arc4tun/arc4tun/internal/features"
	"github.com/arc4tun/arc4tun/internal/lab/labtest"
	"github.com/arc4tun/arc4tun/tunnel"
)

// tcpdump starts one on an interface of the machine, and waits until it listens.
func (m *machine) tcpdump(t *testing.T, device string, filter ...string) (p *program, file string) {
	t.Helper()
	path, err := exec.LookPath("tcpdump")
	if err != nil {
		labtest.Skip(t, "tcpdump is not here: %v", err)
	}
	file = filepath.Join(t.TempDir(), device+".pcap")
	cmd := command(t)
	cmd.Path, cmd.Args = path, append([]string{"tcpdump", "-Z", "root", "-U", "--immediate-mode", "-s", "2000", "-B", "16384", "-i", device, "-w", file}, filter...)
	p = m.run(t, cmd)
	p.waitLog(t, "listening on", 1)
	return p, file
}

// said is what a file of packets has, by kind: the bytes of each direction of a TCP connection, and
// the packets of GRE and of ICMP, without IP headers and in their order.
type said struct {
	tcp       map[string]string
	gre, icmp []string
	comments  []string
}

// source is a file of packets, of either format.
type source interface {
	ReadPacketData() ([]byte, gopacket.CaptureInfo, error)
}

func readSaid(t *testing.T, r source, link func(gopacket.CaptureInfo) layers.LinkType) said {
	t.Helper()
	s := said{tcp: make(map[string]string)}
	for {
		data, info, err := r.ReadPacketData()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return s
		}
		require.NoError(t, err)
		p := gopacket.NewPacket(data, link(info), gopacket.Default)
		ip, is := p.Layer(layers.LayerTypeIPv4).(*layers.IPv4)
		if !is {
			continue
		}
		between := ip.SrcIP.String() + " > " + ip.DstIP.String() + ": "
		switch ip.Protocol {
		case layers.IPProtocolGRE:
			s.gre = append(s.gre, between+string(ip.Payload))
		case layers.IPProtocolICMPv4:
			s.icmp = append(s.icmp, between+string(ip.Payload))
		case layers.IPProtocolTCP:
			tcp := p.Layer(layers.LayerTypeTCP).(*layers.TCP)
			if tcp.SrcPort == tunnel.Port || tcp.DstPort == tunnel.Port {
				s.tcp[between] += string(tcp.Payload)
			}
		}
	}
}

// readPcap reads what tcpdump has written.
func readPcap(t *testing.T, path string) said {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	r, err := pcapgo.NewReader(file)
	require.NoError(t, err)
	return readSaid(t, r, func(gopacket.CaptureInfo) layers.LinkType { return r.LinkType() })
}

// readCapture reads what --capture has written.
func readCapture(t *testing.T, path string) said {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	r, err := pcapgo.NewNgReader(file, pcapgo.DefaultNgReaderOptions)
	require.NoError(t, err)
	c := commented{NgReader: r}
	s := readSaid(t, &c, func(gopacket.CaptureInfo) layers.LinkType { return r.LinkType() })
	s.comments = append(c.comments, r.SectionInfo().Comment)
	return s
}

// readPlain reads what arc4 decrypt has written.
func readPlain(t *testing.T, path string) said {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	r, err := capturefile.NewReader(file)
	require.NoError(t, err)
	return readSaid(t, plainPackets{r}, func(gopacket.CaptureInfo) layers.LinkType { return layers.LinkTypeRaw })
}

// plainPackets are IP packets without anything below, whatever their link type.
type plainPackets struct{ *capturefile.Reader }

func (p plainPackets) ReadPacketData() ([]byte, gopacket.CaptureInfo, error) {
	packet, err := p.Next()
	return packet.IP, gopacket.CaptureInfo{}, err
}

// commented keeps the comments.
type commented struct {
	*pcapgo.NgReader
	comments []string
}

func (c *commented) ReadPacketData() ([]byte, gopacket.CaptureInfo, error) {
	data, info, o, err := c.ReadPacketDataWithOptions()
	c.comments = append(c.comments, o.Comments...)
	return data, info, err
}

// TestE2ECapture: a capture has what a tcpdump beside it has, on the way to the server and inside
// the tunnel, and says what happened.
func TestE2ECapture(t *testing.T) {
	t.Parallel()
	l := newTestbed(t)
	l.serve(t, "--io", "raw") // tcpdump does not see what is sent past the kernel
	file := filepath.Join(t.TempDir(), "vpn.pcapng")
	outer, outerFile := l.client.tcpdump(t, "wire", "ip proto 47 or tcp port 1723")
	client := l.connect(t, "--io", "raw", "--capture", file, "--ipparam", "let-me-in", "--ip-up", "/bin/true").up(t)
	inner, innerFile := l.client.tcpdump(t, "arc40", "icmp")
	for size := 100; size <= 1300; size += 400 {
		l.client.ping(t, tunnelLocal, size)
	}
	exchange(t, l.client, l.server, tunnelLocal, 100_000)
	waitFor(t, "all packets in the file", func() error {
		if n := len(readCapture(t, file).icmp); n < 8 {
			return fmt.Errorf("%d", n)
		}
		return nil
	})
	waitSaid(t, innerFile, func(s said) int { return len(s.icmp) }, 8)
	inner.stop(t, syscall.SIGINT)
	client.stop(t, syscall.SIGTERM)
	l.server.noSessions(t)
	waitSaid(t, outerFile, func(s said) int { return len(s.gre) }, len(readCapture(t, file).gre))
	outer.stop(t, syscall.SIGINT)
	assert.Contains(t, client.stderr.String(), "the file holds what passes the tunnel in clear, and the login")

	info, err := os.Stat(file)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode())
	got, want, inside := readCapture(t, file), readPcap(t, outerFile), readPcap(t, innerFile)
	require.Len(t, want.tcp, 2)
	assert.Equal(t, want.tcp, got.tcp, "the control connection")
	// Whoever looks sees the two directions in an order of its own.
	for _, between := range []string{clientOuter + " > " + serverOuter, serverOuter + " > " + clientOuter} {
		assert.Equal(t, only(want.gre, between), only(got.gre, between), between)
		assert.NotEmpty(t, only(got.gre, between))
	}
	assert.Equal(t, inside.icmp, got.icmp)
	comments := strings.Join(got.comments, "\n")
	for _, line := range []string{"the server has accepted the call", "authenticated", "encrypted", "tunnel is up", "arc4 connect " + serverOuter, "--ipparam=(not shown)"} {
		assert.Contains(t, comments, line)
	}
	for _, secret := range []string{"wonderland", "let-me-in"} {
		assert.NotContains(t, comments, secret)
	}

	if features.Decrypt {
		plain, password := filepath.Join(t.TempDir(), "plain.pcapng"), secretsFile(t, "wonderland\n")
		decrypted := l.client.start(t, "decrypt", file, "-w", plain, "--password-file", password)
		require.Equal(t, exit.OK, decrypted.wait(t), decrypted.stderr.String())
		assert.Equal(t, got.icmp, readPlain(t, plain).icmp, "the packets inside, out of what the capture has of GRE")
	}

	// Another run takes the file of this one, and no other file.
	client = l.connect(t, "--capture", file, "--capture-headers").up(t)
	l.client.ping(t, tunnelLocal, 1000)
	client.stop(t, syscall.SIGTERM)
	got = readCapture(t, file)
	for _, p := range got.icmp {
		assert.LessOrEqual(t, len(p), len(clientOuter+" > "+serverOuter+": ")+8+8)
	}
	assert.NotContains(t, strings.Join(got.gre, ""), "alice", "the login")
	require.NoError(t, os.WriteFile(file, []byte("letters to grandmother"), 0o600))
	refused := l.connect(t, "--capture", file)
	assert.Contains(t, refused.fails(t, exit.Failure), "--capture: "+file+" is there, and is no capture of this program: give another name, or remove it")
	kept, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, "letters to grandmother", string(kept))
}

// waitSaid waits until tcpdump has written so many of something.
func waitSaid(t *testing.T, file string, count func(said) int, n int) {
	t.Helper()
	waitFor(t, fmt.Sprintf("%d packets in %s", n, file), func() error {
		if got := count(readPcap(t, file)); got < n {
			return fmt.Errorf("%d", got)
		}
		return nil
	})
}

// only are the packets between two hosts, of a direction.
func only(packets []string, between string) (of []string) {
	for _, p := range packets {
		if strings.HasPrefix(p, between+": ") {
			of = append(of, p)
		}
	}
	return of
}

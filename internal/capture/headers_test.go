package capture

import (
	"bytes"
	"encoding/binary"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/ippkt"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// outer puts the IP header before what is carried.
func outer(protocol byte, carried []byte) []byte {
	p := make([]byte, ippkt.IPv4Len, ippkt.IPv4Len+len(carried))
	putIPv4(p, near, far, protocol, len(carried))
	return append(p, carried...)
}

func frame(protocol uint16, information ...byte) []byte {
	return append([]byte{0xFF, 0x03, byte(protocol >> 8), byte(protocol)}, information...)
}

// inner6 is a packet of IPv6.
func inner6(next byte, rest ...byte) []byte {
	p := make([]byte, ippkt.IPv6Len)
	p[0], p[6] = 0x60, next
	binary.BigEndian.PutUint16(p[4:], uint16(len(rest)))
	return append(p, rest...)
}

func TestKept(t *testing.T) {
	tcp := make([]byte, 24, 40)
	tcp[12] = 24 / 4 << 4
	tcp = append(tcp, "GET / HTTP/1.1"...)
	later := outer(ippkt.UDP, make([]byte, 100))
	binary.BigEndian.PutUint16(later[6:], 5)
	over := ippkt.IPv4Len + 12 + 4 // IP, GRE with a number, PPP
	for name, c := range map[string]struct {
		on     int
		packet []byte
		want   int // -1: nothing
	}{
		"control":                     {onControl, outer(ippkt.TCP, tcp), ippkt.IPv4Len + len(tcp)},
		"control, no IP":              {onControl, []byte("x"), -1},
		"LCP request":                 {onGRE, outer(ippkt.GRE, grePacket(1, frame(ppp.ProtoLCP, 1, 1, 0, 8, 1, 4, 5, 6))), over + 8},
		"LCP Protocol-Reject":         {onGRE, outer(ippkt.GRE, grePacket(1, frame(ppp.ProtoLCP, append([]byte{8, 1, 0, 30, 0xC0, 0x23}, "alice hunter2"...)...))), over + 4},
		"IPCP":                        {onGRE, outer(ippkt.GRE, grePacket(1, frame(ppp.ProtoIPCP, 2, 1, 0, 4))), over + 4},
		"PAP":                         {onGRE, outer(ippkt.GRE, grePacket(1, frame(ppp.ProtoPAP, 1, 2, 3))), -1},
		"CHAP":                        {onGRE, outer(ippkt.GRE, grePacket(1, frame(ppp.ProtoCHAP, 2, 2, 3))), -1},
		"CHAP without address":        {onGRE, outer(ippkt.GRE, grePacket(1, frame(ppp.ProtoCHAP, 2, 2, 3)[2:])), -1},
		"EAP":                         {onGRE, outer(ippkt.GRE, grePacket(1, frame(ppp.ProtoEAP, 2, 2, 3))), -1},
		"MPPE":                        {onGRE, outer(ippkt.GRE, grePacket(1, frame(ppp.ProtoCompressed, 0x90, 1, 7, 7, 7))), over + 2},
		"IPv4 in clear":               {onGRE, outer(ippkt.GRE, grePacket(1, frame(ppp.ProtoIPv4, outer(ippkt.TCP, tcp)...))), over + ippkt.IPv4Len + 24},
		"another protocol":            {onGRE, outer(ippkt.GRE, grePacket(1, frame(0x002B, 1, 2, 3))), over},
		"no PPP":                      {onGRE, outer(ippkt.GRE, grePacket(1, []byte{0, 0, 1})), ippkt.IPv4Len + 12},
		"no PPTP":                     {onGRE, outer(ippkt.GRE, make([]byte, 50)), ippkt.IPv4Len + 8},
		"acknowledgment":              {onGRE, outer(ippkt.GRE, []byte{0x20, 0x81, 0x88, 0x0B, 0, 0, 0, 7, 0, 0, 0, 9}), ippkt.IPv4Len + 12},
		"cut off":                     {onGRE, outer(ippkt.GRE, grePacket(1, frame(ppp.ProtoCompressed, 0x90, 1, 7))[:17]), ippkt.IPv4Len + 17},
		"cut off within GRE":          {onGRE, outer(ippkt.GRE, grePacket(1, frame(ppp.ProtoCHAP, 1))[:9]), ippkt.IPv4Len + 9},
		"outer fragment":              {onGRE, later, ippkt.IPv4Len},
		"TCP":                         {onInner, outer(ippkt.TCP, tcp), ippkt.IPv4Len + 24},
		"UDP":                         {onInner, ipPacket("text"), ippkt.IPv4Len + 8},
		"ICMP":                        {onInner, outer(ippkt.ICMP, make([]byte, 50)), ippkt.IPv4Len + 8},
		"another transport":           {onInner, outer(132, make([]byte, 50)), ippkt.IPv4Len},
		"a later fragment":            {onInner, later, ippkt.IPv4Len},
		"IPv6, UDP":                   {onInner, inner6(ippkt.UDP, make([]byte, 30)...), ippkt.IPv6Len + 8},
		"IPv6, hop-by-hop, ICMPv6":    {onInner, inner6(0, append([]byte{58, 0, 5, 2, 0, 0, 1, 0}, make([]byte, 30)...)...), ippkt.IPv6Len + 16},
		"IPv6, fragment, later":       {onInner, inner6(44, append([]byte{17, 0, 1, 0, 0, 0, 0, 1}, make([]byte, 30)...)...), ippkt.IPv6Len + 8},
		"IPv6, extension that is cut": {onInner, inner6(0, 58, 9, 1), ippkt.IPv6Len},
		"no IP":                       {onInner, []byte("password"), 0},
	} {
		t.Run(name, func(t *testing.T) {
			n, ok := kept(c.on, c.packet, nil)
			if !ok {
				n = -1
			}
			assert.Equal(t, c.want, n, "as a whole")
			if len(c.packet) > ippkt.IPv4Len && c.on != onInner {
				n, ok = kept(c.on, c.packet[:ippkt.IPv4Len], c.packet[ippkt.IPv4Len:])
				if !ok {
					n = -1
				}
				assert.Equal(t, c.want, n, "in two parts")
			}
		})
	}
}

func FuzzKept(f *testing.F) {
	f.Add(byte(onGRE), outer(ippkt.GRE, grePacket(1, frame(ppp.ProtoLCP, 1, 1, 0, 8, 1, 4, 5, 6))))
	f.Add(byte(onInner), inner6(0, append([]byte{58, 0, 5, 2, 0, 0, 1, 0}, make([]byte, 30)...)...))
	f.Add(byte(onControl), outer(ippkt.TCP, make([]byte, 20)))
	f.Fuzz(func(t *testing.T, on byte, p []byte) {
		n, ok := kept(int(on%interfaces), p, nil)
		if ok && (n < 0 || n > len(p)) {
			t.Fatalf("%d of %d bytes", n, len(p))
		}
	})
}

// TestCopyHeaders: no payload and no login gets through, of a capture of all that is.
func TestCopyHeaders(t *testing.T) {
	r := open(t, Config{Command: "arc4 connect --ipparam=secret"})
	slog.New(r.Handler(slog.DiscardHandler)).Info("authenticated", "as", "secret")
	for i := range 20 {
		r.RecordGRE(near, far, true, nil, grePacket(uint32(i), frame(ppp.ProtoCompressed, append([]byte{0x90, byte(i)}, "hunter2"...)...)))
		r.add(onInner, true, time.Now(), ipPacket("hunter2"), nil)
	}
	r.RecordGRE(near, far, true, nil, grePacket(40, frame(ppp.ProtoPAP, []byte("hunter2")...)))
	require.NoError(t, r.Close())
	whole, err := os.ReadFile(r.cfg.Path)
	require.NoError(t, err)

	for name, c := range map[string]struct {
		in           []byte
		most         int
		packets, got int
	}{
		"all":           {whole, 1000, 41, 40},
		"both ends":     {whole, 10, 41, 9}, // the login was among the last
		"cut":           {whole[:len(whole)-700], 1000, 36, 36},
		"without a one": {whole, 0, 41, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			packets, copied, err := CopyHeaders(bytes.NewReader(c.in), &out, c.most)
			require.NoError(t, err)
			if name != "cut" {
				assert.Equal(t, []int{c.packets, c.got}, []int{packets, copied})
			}
			assert.NotContains(t, out.String(), "hunter2")
			assert.NotContains(t, out.String(), "secret")
			path := filepath.Join(t.TempDir(), "b.pcapng")
			require.NoError(t, os.WriteFile(path, out.Bytes(), 0o600))
			_, list, _ := readFile(t, path)
			assert.Len(t, list, copied)
			for _, p := range list {
				assert.Less(t, len(p.data), p.length)
			}
			again, copiedAgain, err := CopyHeaders(bytes.NewReader(out.Bytes()), new(bytes.Buffer), 1000)
			require.NoError(t, err)
			assert.Equal(t, []int{copied, copied}, []int{again, copiedAgain}, "headers of headers")
		})
	}
	for name, text := range map[string]string{"nothing": "", "another file": strings.Repeat("x", 1000)} {
		_, _, err := CopyHeaders(strings.NewReader(text), new(bytes.Buffer), 10)
		assert.ErrorIs(t, err, ErrNotOurs, name)
	}
}

func FuzzCopyHeaders(f *testing.F) {
	path := filepath.Join(f.TempDir(), "a")
	r, err := Open(Config{Path: path, Size: 1 << 20, Log: quiet(nil)})
	require.NoError(f, err)
	r.add(onInner, true, time.Now(), ipPacket("text"), nil)
	require.NoError(f, r.Close())
	whole, err := os.ReadFile(path)
	require.NoError(f, err)
	f.Add(whole)
	f.Fuzz(func(t *testing.T, file []byte) {
		_, _, _ = CopyHeaders(bytes.NewReader(file), new(bytes.Buffer), 100)
	})
}

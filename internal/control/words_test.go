package control

import (
	"bytes"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
)

func TestWords(t *testing.T) {
	for want, message := range map[string][]byte{
		`[Start-Control-Connection-Request version 0x0100 framing 3 bearer 3 channels 0 firmware 1 host "local" vendor "a?b"]`: StartRequest{
			Version: Version, Framing: 3, Bearer: 3, Firmware: 1, HostName: "local", Vendor: "a\x1bb"}.AppendTo(nil),
		`[Call-Clear-Request call 7]`: CallClearRequest{CallID: 7}.AppendTo(nil),
		`[Outgoing-Call-Reply call 1 peer call 2 result 4 (busy) cause 0 speed 0 window 0 delay 0 channel 0]`: OutgoingCallReply{
			CallID: 1, PeerCallID: 2, Result: CallBusy}.AppendTo(nil),
		`[control message of an unknown type, 14 bytes: 00 63 00 00 05 06]`: {0, 14, 0, 1, 0x1A, 0x2B, 0x3C, 0x4D, 0, 99, 0, 0, 5, 6},
		`[malformed control message, 5 bytes: 47 45 54 20 2f]`:              []byte("GET /"),
		`[malformed control message, 0 bytes: ]`:                            nil,
	} {
		require.Equal(t, want, Words(message))
	}
	long := Words(bytes.Repeat([]byte{9}, 60))
	require.True(t, strings.HasSuffix(long, " 09 ...]"), long)
}

func FuzzWords(f *testing.F) {
	for typ := range kinds {
		if t := Type(typ); t.known() {
			b := appendHeader(nil, t)
			f.Add(append(b, bytes.Repeat([]byte{0xFF}, t.Len()-len(b))...))
		}
	}
	f.Add([]byte{0, 14, 0, 1, 0x1A, 0x2B, 0x3C, 0x4D, 0, 99, 0, 0, 5, 6})
	f.Fuzz(func(t *testing.T, message []byte) {
		s := Words(message)
		require.LessOrEqual(t, len(s), 700)
		if strings.ContainsFunc(s, func(r rune) bool { return r >= unicode.MaxASCII || !unicode.IsPrint(r) }) {
			require.FailNow(t, "what does not print", "%q", s)
		}
	})
}

// TestTraceShowsTheWire: both ends' traces hold every message, in order, as it went over the wire,
// what is malformed too.
func TestTraceShowsTheWire(t *testing.T) {
	var lines []string
	note := func(who string) func(bool, []byte) {
		return func(sent bool, message []byte) {
			way := " rcvd "
			if sent {
				way = " sent "
			}
			lines = append(lines, who+way+Words(message))
		}
	}
	pns := NewPNS(PNSConfig{CallID: func() uint16 { return 9 }, Trace: note("pns")})
	pac := NewPAC(PACConfig{Trace: note("pac")})
	pac.Start(epoch)
	pns.Start(epoch)
	for range 5 {
		pac.Input(epoch, pns.Output())
		pns.Input(epoch, pac.Output())
	}
	pac.Input(epoch, []byte("\x00\x10GET / HTTP/1.1"))
	var short []string
	for _, l := range lines {
		words := strings.Fields(l)
		short = append(short, strings.Join(words[:3], " "))
	}
	require.Equal(t, []string{
		"pns sent [Start-Control-Connection-Request", "pac rcvd [Start-Control-Connection-Request",
		"pac sent [Start-Control-Connection-Reply", "pns rcvd [Start-Control-Connection-Reply",
		"pns sent [Outgoing-Call-Request", "pac rcvd [Outgoing-Call-Request",
		"pac sent [Outgoing-Call-Reply", "pns rcvd [Outgoing-Call-Reply",
		"pac rcvd [malformed",
	}, short)
	require.Equal(t, "pac rcvd [malformed control message, 12 bytes: 00 10 47 45 54 20 2f 20 48 54 54 50]", lines[len(lines)-1])
}

package ppp

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// forgedEffect is a row of the table in ARCHITECTURE.md: what one forged frame does.
type forgedEffect struct{ idle, flow string }

// documentedEffects reads that table: by protocol as it is called there, then by code.
func documentedEffects(t *testing.T) map[string]*[256]forgedEffect {
	text, err := os.ReadFile("../../ARCHITECTURE.md")
	require.NoError(t, err)
	_, table, found := strings.Cut(string(text), "| protocol | codes | idle | data flow |\n")
	require.True(t, found, "ARCHITECTURE.md has the table")
	effects := make(map[string]*[256]forgedEffect)
	for _, line := range strings.Split(table, "\n")[1:] {
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		if len(cells) != 4 {
			break
		}
		for _, name := range strings.Split(cells[0], ", ") {
			if effects[name] == nil {
				effects[name] = new([256]forgedEffect)
			}
			for _, codes := range strings.Split(cells[1], ", ") {
				first, last, ranged := strings.Cut(codes, "-")
				if !ranged {
					last = first
				}
				from, err := strconv.Atoi(first)
				require.NoError(t, err, line)
				to, err := strconv.Atoi(last)
				require.NoError(t, err, line)
				for code := from; code <= to; code++ {
					require.Empty(t, effects[name][code], "%s code %d stands there twice", name, code)
					effects[name][code] = forgedEffect{cells[2], cells[3]}
				}
			}
		}
	}
	return effects
}

// bodies are what a forger may put into a packet who has seen all that both ends have sent:
// nothing, options of many kinds, the last request of either end, and for rejects any protocol and
// any packet of ours.
func bodies(victim, peer *end, proto uint16) [][]byte {
	out := [][]byte{
		nil, {1, 4, 5, 0xDC}, {3, 6, 10, 0, 0, 66}, {18, 6, 0, 0, 0, 0}, {1, 10, 0, 0, 0, 0, 0, 0, 0, 66}, []byte("E=691 R=0"),
		appendChapValue(nil, make([]byte, 16), "srv"), challengeRequest(testChallenge), {13, 0x20}, {0, 0, 0, 0}, {5, 6, 1, 2, 3, 4}, {0, 0, 0, 0, 0, 0x3C, 0xCD, 0x74, 0, 0, 2, 0xB3},
	}
	for _, e := range []*end{victim, peer} {
		for _, f := range e.frames {
			got, info, _ := ParseFrame(f)
			p, err := parsePacket(info)
			if err != nil || p.code > codeConfigureReject && got == ProtoLCP {
				continue
			}
			if got == proto {
				out = append(out, p.data, p.raw)
			}
			if proto == ProtoLCP && e == victim {
				out = append(out, append([]byte{byte(got >> 8), byte(got)}, p.raw...)) // for a Protocol-Reject
			}
		}
	}
	for _, code := range []byte{1, 2, 3, 4, 5, 6, 7, 9, 14} {
		out = append(out, []byte{code, 1, 0, 4})
	}
	for _, p := range []uint16{ProtoLCP, ProtoPAP, ProtoCHAP, ProtoCCP, ProtoIPCP, ProtoIPV6CP, ProtoCompressed, ProtoIPv4} {
		out = append(out, []byte{byte(p >> 8), byte(p)}, []byte{byte(p >> 8), byte(p), 1, 1, 0, 4})
	}
	return out
}

// effectOf is what one forged frame has done to a link that was up, from the events since then.
func effectOf(events []Event) string {
	effect := "nothing"
	for _, e := range events {
		switch e := e.(type) {
		case LinkDown, Closing, AuthFailed:
			return "ends"
		case EncryptionUp, AuthSucceeded:
			return "starts over"
		case NetworkUp:
			switch {
			case !e.Local.IsValid():
				effect = "IPv4 starts over"
			case !e.LocalIPv6.IsValid():
				effect = "IPv6 starts over"
			}
		case NetworkDown:
			effect = "starts over"
		default:
			effect = fmt.Sprintf("%T", e)
		}
	}
	return effect
}

// TestForgedFrames forges every code of every protocol, with every body a forger may think of, at a
// client and at a server that are up, and holds ARCHITECTURE.md to what it does. Afterwards both
// ends are up again, with all there was.
func TestForgedFrames(t *testing.T) {
	documented := documentedEffects(t)
	for name, protos := range map[string][]uint16{
		"LCP": {ProtoLCP}, "PAP": {ProtoPAP}, "CHAP": {ProtoCHAP}, "EAP": {ProtoEAP}, "CCP": {ProtoCCP}, "IPCP": {ProtoIPCP}, "IPV6CP": {ProtoIPV6CP},
		"any other": {0xC025, 0xC029, 0x8281, 0x4025, 0x003D, ProtoIPv4, ProtoIPv6, ProtoCompressed},
	} {
		require.NotNil(t, documented[name], "ARCHITECTURE.md speaks of %s", name)
		for _, flow := range []bool{false, true} {
			for _, toServer := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, data flow %t, to the server %t", name, flow, toServer), func(t *testing.T) {
					t.Parallel()
					f := forger{t: t, flow: flow, toServer: toServer}
					for _, proto := range protos {
						f.renew(proto)
						for code := range 256 {
							if name == "any other" && code%15 != 0 {
								continue // they are all alike there
							}
							want := documented[name][code].idle
							if flow {
								want = documented[name][code].flow
							}
							assert.Equal(t, want, f.worst(proto, byte(code)), "protocol %04x code %d", proto, code)
						}
					}
				})
			}
		}
	}
}

// forger is somebody who forges at one end of a link, and has another link once something has
// happened to that.
type forger struct {
	t              *testing.T
	flow, toServer bool
	p              *pair
	victim, peer   *end
	bodies         [][]byte
}

// renew makes a link that is up.
func (f *forger) renew(proto uint16) {
	client, server := clientConfig(), serverConfig()
	client.IPv6, server.IPv6 = true, true
	if proto == ProtoEAP {
		client, server = eapOnly(client), eapOnly(server)
	}
	f.p = newPair(f.t, client, server)
	f.p.open()
	f.p.run(10 * time.Second)
	f.p.requireUp(true)
	f.victim, f.peer = f.p.client, f.p.server
	if f.toServer {
		f.victim, f.peer = f.p.server, f.p.client
	}
	f.bodies = bodies(f.victim, f.peer, proto)
	if f.flow {
		f.victim.link.cfg.LastData = func() (ipv4, ipv6 time.Time) { return f.p.now, f.p.now }
	}
}

// worst forges one code with all bodies and gives the worst of what that does.
func (f *forger) worst(proto uint16, code byte) string {
	effect := "nothing"
	for i := 0; i < len(f.bodies); i++ {
		if i > 0 && code > 16 {
			break // codes that nobody knows are all alike, whatever is in them
		}
		events := len(f.victim.events)
		f.victim.link.Input(f.p.now, frameOf(proto, code, byte(100+i), f.bodies[i]))
		f.p.run(2 * time.Second)
		got := effectOf(f.victim.events[events:])
		if got == "nothing" {
			continue
		}
		if effect == "nothing" {
			effect = got
		}
		if got != "ends" {
			f.p.run(time.Minute)
			f.p.requireUp(true)
			for _, e := range []*end{f.victim, f.peer} {
				ups := eventsOf[NetworkUp](e)
				last := ups[len(ups)-1]
				require.True(f.t, last.Local.IsValid() && last.LocalIPv6.IsValid(), "%+v", last)
			}
		}
		f.renew(proto)
	}
	return effect
}

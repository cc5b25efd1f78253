package ppp

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A fuzz input is a list of steps. Each begins with a byte: below 0xC0 it says
// how many bytes of frame follow; the rest are calls of the link.
const (
	stepTime     = 0xC0 // to 0xDF: so many seconds pass
	stepTick     = 0xE0
	stepReset    = 0xE1
	stepDone     = 0xE2
	stepReject   = 0xE3
	stepClose    = 0xE4
	stepLower    = 0xE5
	stepOpen     = 0xE6
	stepEcho     = 0xE7 // the link's own last frame comes back
	stepAckLast  = 0xE8 // the peer acknowledges our last Configure-Request
	stepNakLast  = 0xE9 // or refuses it as it is
	stepRejLast  = 0xEA
	stepResponse = 0xEB // the right answer to our challenge, from a client
)

// fuzzLink drives a link and checks what must hold for any input.
func fuzzLink(t *testing.T, cfg Config, steps []byte) {
	cfg.EchoInterval = 7 * time.Second
	e := newEnd(t, cfg, 5)
	now := epoch
	seen := seenEvents{}
	e.link.Open(now)
	for n := 0; len(steps) > 0 && n < 400; n++ {
		before := len(e.frames) + len(e.events)
		op := steps[0]
		steps = steps[1:]
		switch {
		case op < stepTime:
			size := min(int(op), len(steps))
			frame := steps[:size]
			steps = steps[size:]
			e.link.Input(now, frame)
		case op < stepTick:
			now = now.Add(time.Duration(op-stepTime) * time.Second)
			e.link.Tick(now)
		default:
			fuzzCall(e, op, now)
		}
		require.LessOrEqual(t, len(e.frames)+len(e.events)-before, 24, "what comes out for one step is bounded")
		fuzzInvariants(t, e, &seen)
		// Keep memory of the test itself small.
		if len(e.frames) > 64 {
			e.frames = e.frames[len(e.frames)-8:]
		}
	}
	e.link.LowerDown(now)
	require.Len(t, eventsOf[LinkDown](e), 1)
	out := len(e.events)
	e.link.Input(now, frameOf(ProtoLCP, codeConfigureRequest, 1, nil))
	e.link.Tick(now.Add(time.Hour))
	require.Len(t, e.events, out, "after the end there is nothing")
}

// fuzzCall is a step that is no frame of the input.
func fuzzCall(e *end, op byte, now time.Time) {
	switch op {
	case stepTick:
		if d, ok := e.link.Deadline(); ok {
			e.link.Tick(d)
		}
	case stepReset:
		e.link.RequestReset(now)
	case stepDone:
		e.link.ResetDone(now)
	case stepReject:
		e.link.Input(now, []byte("\x80\x29junk")) // a protocol that nobody negotiated
	case stepClose:
		e.link.Close(now, "fuzz")
	case stepLower:
		e.link.LowerDown(now)
	case stepOpen:
		e.link.Open(now)
	case stepEcho, stepAckLast, stepNakLast, stepRejLast, stepResponse:
		fuzzAnswer(e, op, now)
	}
}

// fuzzAnswer makes the peer react to the last frame that can be reacted to.
func fuzzAnswer(e *end, op byte, now time.Time) {
	for i := len(e.frames) - 1; i >= 0; i-- {
		proto, p := parse(e.t, e.frames[i])
		switch {
		case op == stepEcho:
			e.link.Input(now, e.frames[i])
		case op == stepResponse && proto == ProtoCHAP && p.code == chapChallenge:
			r := chapClient{link: newEnd(e.t, clientConfig(), 6).link, method: MSCHAPv2}
			value, _, _ := chapValue(p.data)
			r.respond(p.id, value)
			e.link.Input(now, frameOf(ProtoCHAP, chapResponse, p.id, appendChapValue(nil, r.value, testUser)))
		case op == stepResponse && proto == ProtoEAP && p.code == eapRequest:
			e.link.Input(now, frameOf(ProtoEAP, eapResponse, p.id, fuzzEAPAnswer(e.t, p)))
		case op >= stepAckLast && op <= stepRejLast && p.code == codeConfigureRequest && proto != ProtoPAP && proto != ProtoCHAP && proto != ProtoEAP:
			e.link.Input(now, frameOf(proto, op-stepAckLast+codeConfigureAck, p.id, p.data))
		default:
			continue
		}
		return
	}
}

// fuzzEAPAnswer is the right answer to a Request of ours.
func fuzzEAPAnswer(t testing.TB, p packet) []byte {
	if raw, ok := MSCHAPv2InEAP(p.raw); !ok {
		return append([]byte{p.data[0]}, testUser...)
	} else if raw[0] == chapChallenge {
		return eapResponseTo(t, p, testUser, testPassword)
	}
	return p.data[:2] // the code of a Success or Failure
}

// seenEvents is what the first n events of a link have said. Each is looked at once: on a busy
// machine an input that makes many of them would otherwise take longer than the ten seconds after
// which the fuzzer takes it for hung.
type seenEvents struct {
	n             int
	up, encrypted bool
	down          int
}

// fuzzInvariants is what must be true at any time.
func fuzzInvariants(t *testing.T, e *end, seen *seenEvents) {
	for _, ev := range e.events[seen.n:] {
		require.Zero(t, seen.down, "nothing comes after LinkDown")
		switch ev := ev.(type) {
		case NetworkUp:
			require.True(t, seen.encrypted || !e.link.cfg.MPPE.required(), "no network without the encryption required")
			require.GreaterOrEqual(t, ev.SendMRU, minMRU)
			if ev.Local.IsValid() {
				require.True(t, usableAddr(ev.Local))
			}
			seen.up = true
		case NetworkDown:
			require.True(t, seen.up)
			seen.up = false
		case EncryptionUp:
			require.False(t, seen.up)
			require.NotEmpty(t, ev.Send.Key)
			require.NotEqual(t, ev.Send.Key, ev.Recv.Key)
			seen.encrypted = true
		case LinkDown:
			require.False(t, seen.up, "NetworkDown comes before LinkDown")
			require.NotNil(t, ev.Reason)
			require.NotContains(t, ev.Reason.Message, testPassword)
			seen.down++
		}
	}
	seen.n = len(e.events)
	if _, ok := e.link.Deadline(); !ok {
		require.Equal(t, 1, seen.down, "a link that waits for nothing has ended")
	}
	require.LessOrEqual(t, len(e.link.out.queue), 0)
	for _, held := range [][]byte{e.link.held.auth, e.link.held.ccp, e.link.held.ipcp, e.link.held.ipv6cp} {
		require.LessOrEqual(t, len(held), maxHeld)
	}
	if len(e.frames) > 0 {
		last := e.frames[len(e.frames)-1]
		proto, p := parse(t, last)
		require.LessOrEqual(t, len(p.raw), max(e.link.lcp.his.mru, defaultPeerMRU))
		if proto == ProtoLCP {
			require.Equal(t, uint32(0xFF03C021), binary.BigEndian.Uint32(last))
		}
	}
}

// step makes a step of a frame.
func step(frame []byte) []byte { return append([]byte{byte(len(frame))}, frame...) }

// seeds are whole lives of links.
func fuzzSeeds(f *testing.F) {
	join := func(parts ...[]byte) (out []byte) {
		for _, p := range parts {
			out = append(out, p...)
		}
		return out
	}
	auth := step(frameOf(ProtoLCP, 1, 1, wantsMSCHAP))
	plain := step(frameOf(ProtoLCP, 1, 1, nil))
	challenge := step(frameOf(ProtoCHAP, 1, 1, appendChapValue(nil, make([]byte, 16), "x")))
	ccpReq := step(frameOf(ProtoCCP, 1, 1, appendMPPE(nil, mppeStateless|mppe128)))
	ipcpReq := step(frameOf(ProtoIPCP, 1, 1, []byte{3, 6, 10, 99, 0, 100}))
	f.Add([]byte{}, byte(0))
	f.Add(join([]byte{stepAckLast}, auth, challenge, []byte{stepEcho, stepTime + 3}), byte(0))
	f.Add(join(plain, []byte{stepAckLast, stepResponse, stepAckLast}, ccpReq, ipcpReq, []byte{stepAckLast, stepTime + 10, stepReset, stepClose}), byte(0))
	f.Add(join(plain, []byte{stepAckLast, stepResponse, stepNakLast, stepRejLast}, ccpReq, ccpReq), byte(3))
	f.Add(join(plain, []byte{stepAckLast, stepResponse, stepAckLast}, ccpReq, step(frameOf(ProtoCCP, 14, 5, nil)), []byte{stepReset, stepTime + 1, stepDone}), byte(4))
	f.Add(join(auth, []byte{stepAckLast}, challenge, step(frameOf(ProtoCHAP, 3, 1, []byte("S=00"))), []byte{stepTime + 9}), byte(1))
	f.Add(join(auth, []byte{stepAckLast}, challenge, step(frameOf(ProtoCHAP, 4, 1, []byte("E=691 R=1 C=000102030405060708090A0B0C0D0E0F V=3 M=x")))), byte(8))
	f.Add(join([]byte{stepAckLast}, step(frameOf(ProtoLCP, 1, 1, papOption())), step(frameOf(ProtoPAP, 2, 1, nil)), ipcpReq, []byte{stepAckLast}), byte(2))
	f.Add(join(plain, step(frameOf(ProtoLCP, 8, 1, []byte{0x80, 0xFD})), step(frameOf(ProtoLCP, 7, 1, []byte{1, 1, 0, 4})), step(frameOf(ProtoLCP, 5, 1, []byte("bye")))), byte(0))
	eap := step(frameOf(ProtoLCP, 1, 1, wantsEAP))
	request := func(id byte, data []byte) []byte { return step(frameOf(ProtoEAP, eapRequest, id, data)) }
	f.Add(join([]byte{stepAckLast}, eap, request(1, []byte{eapIdentity}), request(2, challengeRequest(testChallenge)),
		request(3, appendEAPMSCHAPv2(nil, chapFailure, 2, []byte("E=691 R=0")))), byte(5))
	f.Add(join([]byte{stepAckLast}, eap, request(1, []byte{13, 0x20}), request(2, []byte{eapNotification, 'x'}), step(frameOf(ProtoEAP, eapFailure, 2, nil))), byte(5))
	f.Add(join(plain, []byte{stepAckLast, stepResponse, stepResponse, stepResponse, stepAckLast}, ccpReq, ipcpReq, []byte{stepAckLast, stepTime + 10}), byte(5))
	f.Add([]byte{stepEcho, stepEcho, stepEcho, stepTime + 31, stepTime + 31, stepTime + 31, stepTime + 31}, byte(0))
	f.Add([]byte{stepClose, stepOpen, stepLower, stepOpen, stepClose}, byte(0))
}

// papOption asks for PAP.
func papOption() []byte { return appendOption(nil, lcpOptAuth, PAP.option()) }

// fuzzPolicy picks one of the policies.
func fuzzPolicy(cfg Config, kind byte) Config {
	switch kind % 6 {
	case 1:
		cfg.MPPE.Mode = Require
	case 2:
		cfg.MPPE.Mode = Off
		cfg.Auth = []AuthMethod{MSCHAPv2, CHAPMD5, PAP, EAPMSCHAPv2}
	case 3:
		cfg.MPPE.Mode = Allow
	case 4:
		cfg.MPPE.Stateful = StatefulRequired
	case 5:
		cfg.Auth = []AuthMethod{EAPMSCHAPv2}
	}
	cfg.IPv6 = kind&0x80 == 0
	return cfg
}

func FuzzLinkClient(f *testing.F) {
	fuzzSeeds(f)
	f.Fuzz(func(t *testing.T, steps []byte, kind byte) {
		cfg := fuzzPolicy(clientConfig(), kind)
		fuzzLink(t, cfg, steps)
	})
}

func FuzzLinkServer(f *testing.F) {
	fuzzSeeds(f)
	f.Fuzz(func(t *testing.T, steps []byte, kind byte) {
		cfg := fuzzPolicy(serverConfig(), kind)
		cfg.NBNS = []netip.Addr{dns1}
		fuzzLink(t, cfg, steps)
	})
}

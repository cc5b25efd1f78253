package control

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// script turns fuzz bytes into what may befall a machine: messages of every type with any fields,
// whole, split, repeated or mangled, raw bytes, time, shutdown, a lost connection.
type script struct {
	t     *testing.T
	data  []byte
	m     machine
	now   time.Time
	watch *watcher
}

func (s *script) byte() byte {
	if len(s.data) == 0 {
		return 0
	}
	b := s.data[0]
	s.data = s.data[1:]
	return b
}

func (s *script) take(n int) []byte {
	n = min(n, len(s.data))
	b := s.data[:n]
	s.data = s.data[n:]
	return b
}

// message is a message of a type, its fields taken from the script; short scripts leave zeros.
func (s *script) message(t Type) []byte {
	b := appendHeader(nil, t)
	b = append(b, s.take(min(int(s.byte())%32, t.Len()-headerLen))...)
	return append(b, make([]byte, t.Len()-len(b))...)
}

func (s *script) run(extra func(op byte)) {
	s.m.Start(s.now)
	for len(s.data) > 0 {
		switch op := s.byte(); {
		case op >= 1 && op <= 15:
			s.m.Input(s.now, s.message(Type(op)))
		case op >= 17 && op <= 31: // twice, and byte by byte
			b := s.message(Type(op - 16))
			for _, c := range append(b, b...) {
				s.m.Input(s.now, []byte{c})
			}
		case op == 32:
			s.m.Input(s.now, s.take(int(s.byte())))
		case op >= 33 && op <= 47: // mangled
			b := s.message(Type(op - 32))
			b[int(s.byte())%len(b)] = s.byte()
			s.m.Input(s.now, b)
		case op == 48:
			s.now = s.now.Add(time.Duration(s.byte()) * time.Second)
			s.m.Tick(s.now)
		case op == 49:
			if at, ok := s.m.Deadline(); ok {
				s.now = at
			}
			s.m.Tick(s.now)
		case op == 50:
			s.m.Shutdown(s.now)
		case op == 51:
			s.m.Lost(s.now, nil)
		case op == 52:
			s.now = s.now.Add(-time.Minute) // clocks do that
		case op == 53:
			s.m.Start(s.now)
		default:
			extra(op)
		}
		s.watch.look(s.m)
	}
	// Whatever happened, left alone with a dead peer it ends.
	for range 1000 {
		at, ok := s.m.Deadline()
		if !ok {
			break
		}
		if at.After(s.now) {
			s.now = at
		}
		s.m.Tick(s.now)
		s.watch.look(s.m)
	}
	require.True(s.t, s.watch.closed, "it never ended")
}

// watcher checks what holds for every machine at every moment.
type watcher struct {
	t       *testing.T
	framer  Framer
	up      map[uint16]uint16
	limit   int
	started bool
	closed  bool
}

func (w *watcher) look(m machine) {
	wasClosed := w.closed
	for _, e := range m.Events() {
		require.NotEmpty(w.t, e.String())
		require.False(w.t, w.closed, "an event after Closed: %v", e)
		switch e := e.(type) {
		case Started:
			require.False(w.t, w.started, "started twice")
			w.started = true
		case CallUp:
			require.True(w.t, w.started, "a call before the start")
			require.NotContains(w.t, w.up, e.CallID)
			w.up[e.CallID] = e.PeerCallID
			require.LessOrEqual(w.t, len(w.up), w.limit)
		case CallDown:
			require.Error(w.t, e.Reason)
			delete(w.up, e.CallID)
		case Closed:
			require.Error(w.t, e.Reason)
			require.Empty(w.t, w.up, "a call outlives its connection")
			w.closed = true
		}
	}
	out := m.Output()
	require.LessOrEqual(w.t, len(out), maxOutput)
	require.False(w.t, wasClosed && len(out) > 0, "it speaks after Closed")
	raw, err := cut(&w.framer, out, 97)
	require.NoError(w.t, err)
	require.Zero(w.t, w.framer.n, "half a message")
	for _, b := range raw {
		_, err := Parse(b)
		require.NoError(w.t, err)
	}
	if _, ok := m.Deadline(); w.closed {
		require.False(w.t, ok, "a timer after Closed")
	}
}

// seeds walk the ordinary ways: set-up, echo, call, clearing, stop, each message in each state.
func seeds(f *testing.F, start byte) {
	f.Add([]byte{})
	up := []byte{start, 4, 1, 0, 1, 0}
	callUp := append(append([]byte{}, up...), 7, 0, 8, 5, 0, 9, 0, 1, 1)
	f.Add(callUp)
	f.Add(append(append([]byte{}, callUp...), 49, 6, 4, 0, 0, 0, 1, 49, 50, 13, 2, 0, 9, 4, 1, 1))
	for op := byte(1); op <= 15; op++ {
		f.Add(append([]byte{op, 0, op + 16, 0}, up...))
		f.Add(append(append([]byte{}, callUp...), op, 0, op+16, 4, 0, 1, 0, 1, op+32, 0, 3, 9))
		f.Add(append(append([]byte{}, callUp...), 3, 1, 1, op, 0, op+16, 0))
		f.Add(append(append([]byte{}, callUp...), 50, op, 0, op+16, 0, 49, 50))
	}
	f.Add(append(append([]byte{}, callUp...), 51, 7, 0))
	f.Add(append(append([]byte{}, callUp...), 48, 59, 48, 2, 48, 60))
	f.Add([]byte{32, 20, 0, 16, 0, 1, 0x1A, 0x2B, 0x3C, 0x4D, 0, 99, 0, 0, 1, 2, 3, 4})
}

func FuzzPNS(f *testing.F) {
	seeds(f, byte(TypeStartReply))
	f.Fuzz(func(t *testing.T, data []byte) {
		p := NewPNS(PNSConfig{CallID: func() uint16 { return 9 }})
		s := &script{t: t, data: data, m: p, now: epoch, watch: &watcher{t: t, up: map[uint16]uint16{}, limit: 1}}
		s.run(func(op byte) { p.SetLinkInfo(uint32(op), 0) })
	})
}

func FuzzPAC(f *testing.F) {
	seeds(f, byte(TypeStartRequest))
	f.Fuzz(func(t *testing.T, data []byte) {
		p := NewPAC(PACConfig{})
		s := &script{t: t, data: data, m: p, now: epoch, watch: &watcher{t: t, up: map[uint16]uint16{}, limit: DefaultMaxCalls}}
		s.run(func(op byte) { p.ClearCall(s.now, uint16(op)%8, DisconnectLostCarrier) })
		require.Empty(t, p.Calls())
	})
}

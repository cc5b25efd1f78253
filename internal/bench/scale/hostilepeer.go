package scale

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/arc4tun/arc4tun/internal/control"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// machine is a control connection's state machine, of either end.
type machine interface {
	Start(now time.Time)
	Input(now time.Time, data []byte)
	Output() []byte
	Events() []control.Event
	Tick(now time.Time)
	Shutdown(now time.Time)
}

// fuzzTally is what hostile peers have done.
type fuzzTally struct {
	connections, calls, links, messages, frames, forged atomic.Uint64
}

// mutant is a hostile peer for one life: an end of a tunnel, client or server, that knows how to
// come up and does not keep to it. Between its machines and the wire, messages and frames are
// altered, repeated, held back, and others put in.
type mutant struct {
	dice
	tally *fuzzTally
	tcp   net.Conn
	gre   gre.Conn
	to    netip.Addr
	lives time.Duration
	calm  int  // one in so many messages and frames is tampered with
	meek  bool // it does nothing of its own until it is up, so that this state is reached
	room  func()

	machine machine // nil: one that only throws things
	open    func(send func([]byte), event func(ppp.Event)) (*ppp.Link, error)
	link    *ppp.Link

	calls    []uint16 // call IDs of the peer's that were seen
	seq      uint32
	frames   [][]byte // that were seen or sent
	messages [][]byte
}

// beMeek has some of those that know how to come up do so first.
func (m *mutant) beMeek() {
	if m.machine != nil && m.one(2) {
		m.meek, m.calm = true, 1_000_000
	}
}

// remembered is how many frames, and messages, a mutant keeps.
const remembered = 24

func (m *mutant) remember(list *[][]byte, b []byte) {
	if len(*list) < remembered {
		*list = append(*list, slices.Clone(b))
	} else {
		(*list)[m.IntN(remembered)] = slices.Clone(b)
	}
}

// run lives, and closes what it was given.
func (m *mutant) run(ctx context.Context) {
	ctx, stop := context.WithTimeout(ctx, m.lives)
	defer stop()
	var readers sync.WaitGroup
	stream, packets := make(chan []byte, 16), make(chan []byte, 256)
	readers.Go(func() { m.readTCP(ctx, stream) })
	readers.Go(func() { m.readGRE(ctx, packets) })
	defer readers.Wait()
	defer m.gre.Close()
	defer m.tcp.Close()
	if m.machine != nil {
		m.machine.Start(time.Now())
	}
	tick := time.NewTicker(time.Duration(1+m.IntN(4)) * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case data, ok := <-stream:
			if !ok {
				stream = nil
				if m.one(2) {
					return
				}
				continue // a while longer, after the close
			}
			m.heard(data)
		case p := <-packets:
			m.packet(p)
		case <-tick.C:
			if !m.meek {
				m.act()
			}
		case <-ctx.Done():
			return
		}
		m.work()
	}
}

func (m *mutant) readTCP(ctx context.Context, to chan<- []byte) {
	defer close(to)
	buf := make([]byte, 2048)
	for {
		n, err := m.tcp.Read(buf)
		if err != nil {
			return
		}
		select {
		case to <- slices.Clone(buf[:n]):
		case <-ctx.Done():
			return
		}
	}
}

func (m *mutant) readGRE(ctx context.Context, to chan<- []byte) {
	pkts := make([]gre.Packet, 16)
	for i := range pkts {
		pkts[i].Buf = make([]byte, 2048)
	}
	for {
		n, err := m.gre.ReadBatch(pkts)
		if err != nil {
			return
		}
		for _, p := range pkts[:n] {
			select {
			case to <- slices.Clone(p.Data):
			case <-ctx.Done():
				return
			}
		}
	}
}

// heard takes bytes of the control connection.
func (m *mutant) heard(data []byte) {
	if len(data) >= 16 {
		m.remember(&m.messages, data)
		if t := control.Type(binary.BigEndian.Uint16(data[8:])); t == control.TypeOutgoingCallReply || t == control.TypeOutgoingCallRequest {
			m.learn(binary.BigEndian.Uint16(data[12:]))
		}
	}
	if m.machine != nil {
		m.machine.Input(time.Now(), data)
	}
}

// learn keeps a call ID of the peer's.
func (m *mutant) learn(id uint16) {
	if !slices.Contains(m.calls, id) && len(m.calls) < 16 {
		m.calls = append(m.calls, id)
	}
}

// packet takes a GRE packet.
func (m *mutant) packet(p []byte) {
	h, payload, err := gre.Parse(p)
	if err != nil || !h.HasSeq {
		return
	}
	m.remember(&m.frames, payload)
	if m.link != nil {
		m.link.Input(time.Now(), payload)
	}
}

// work lets the machines do what is due, and sends what they have to say.
func (m *mutant) work() {
	now := time.Now()
	if m.machine != nil {
		m.machine.Tick(now)
		for _, e := range m.machine.Events() {
			switch e := e.(type) {
			case control.CallUp:
				m.tally.calls.Add(1)
				m.learn(e.PeerCallID)
				if m.link == nil {
					m.begin(now)
				}
			case control.Closed:
				m.machine = nil
			}
		}
	}
	if m.machine != nil {
		if out := m.machine.Output(); len(out) > 0 {
			m.write(out, true)
		}
	}
	if m.link != nil {
		m.link.Tick(now)
	}
}

// begin opens the link of a call.
func (m *mutant) begin(now time.Time) {
	link, err := m.open(func(frame []byte) { m.send(frame, true) }, func(e ppp.Event) {
		if _, up := e.(ppp.NetworkUp); up {
			m.tally.links.Add(1)
			m.meek, m.calm = false, min(m.calm, 40)
		}
	})
	if err != nil {
		panic(err) // the settings are this package's own
	}
	m.link = link
	link.Open(now)
}

// act does something that nobody asked for.
func (m *mutant) act() {
	switch m.IntN(12) {
	case 0, 1, 2:
		for range 1 + m.IntN(16) {
			m.send(m.frame(m.frames), false)
		}
	case 3:
		for range 1 + m.IntN(3) {
			m.write(m.message(m.calls), false)
		}
	case 4:
		if len(m.messages) > 0 {
			m.write(m.messages[m.IntN(len(m.messages))], true)
		}
	case 5:
		if m.machine != nil && m.one(10) {
			m.machine.Shutdown(time.Now())
		}
	case 6:
		if m.link != nil && m.one(10) {
			m.link.Close(time.Now(), "enough")
		}
	case 8:
		for range 1 + m.IntN(6) {
			m.write(control.OutgoingCallRequest{CallID: uint16(m.Uint32()), MinBPS: 1, MaxBPS: m.Uint32(), Bearer: 3, Framing: 3, Window: uint16(m.Uint32())}.AppendTo(nil), true)
		}
	case 7:
		if m.one(20) {
			_ = m.tcp.Close() // the calls go on for a while
		}
	}
}

// write sends a control message, or several together.
func (m *mutant) write(b []byte, tamper bool) {
	m.remember(&m.messages, b)
	m.tally.messages.Add(1)
	if tamper && m.one(m.calm) {
		switch m.IntN(3) {
		case 0:
			return
		case 1:
			b = append(slices.Clone(b), b...)
		default:
			b = m.bend(b)
		}
	}
	_ = m.tcp.SetWriteDeadline(time.Now().Add(time.Second))
	if cut := len(b); m.one(6) && cut > 1 {
		cut = 1 + m.IntN(cut-1)
		_, _ = m.tcp.Write(b[:cut])
		b = b[cut:]
	}
	_, _ = m.tcp.Write(b) // who has hung up misses nothing
}

// send sends a frame, of its own link or another's.
func (m *mutant) send(frame []byte, tamper bool) {
	m.room()
	m.remember(&m.frames, frame)
	times := 1
	if tamper && m.one(m.calm) {
		switch m.IntN(4) {
		case 0:
			return
		case 1:
			times = 2
		case 2:
			frame = m.bend(frame)
		default:
			frame = m.answer(frame)
		}
	}
	call := uint16(m.Uint32())
	if len(m.calls) > 0 && (tamper || !m.one(6)) {
		call = m.calls[len(m.calls)-1]
		if !tamper {
			call = m.calls[m.IntN(len(m.calls))]
		}
	}
	for range times {
		seq := m.seq
		if tamper || !m.one(8) {
			m.seq++
		} else {
			seq = m.Uint32()
		}
		m.tally.frames.Add(1)
		_, _ = m.gre.WriteBatch([]gre.Packet{{Addr: m.to, Data: m.envelope(call, seq, frame)}})
	}
}

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

// controlMachine is a control connection's state machine, of either end.
type controlMachine interface {
	Start(now time.Time)
	Input(now time.Time, data []byte)
	Output() []byte
	Events() []control.Event
	Tick(now time.Time)
	Shutdown(now time.Time)
}

// hostileCounts is what hostile peers have done.
type hostileCounts struct {
	connections, calls, links, messages, frames, forged atomic.Uint64
}

// hostilePeer is a hostile peer of limited duration: an end of a tunnel, client or server, that
// knows how to come up and does not keep to it. Between its machines and the wire, messages and
// frames are altered, repeated, held back, and others put in.
type hostilePeer struct {
	packetGen
	counts      *hostileCounts
	tcp         net.Conn
	gre         gre.Conn
	to          netip.Addr
	duration    time.Duration
	tamperOneIn int  // one in so many messages and frames is tampered with
	quiet       bool // it does nothing of its own until it is up, so that this state is reached
	waitForRoom func()

	machine  controlMachine // nil: one that only sends random messages
	openLink func(send func([]byte), event func(ppp.Event)) (*ppp.Link, error)
	link     *ppp.Link

	callIDs  []uint16 // call IDs of the peer's that were seen
	seq      uint32
	frames   [][]byte // that were seen or sent
	messages [][]byte
}

// maybeQuiet has some of those that know how to come up do so first.
func (hp *hostilePeer) maybeQuiet() {
	if hp.machine != nil && hp.oneIn(2) {
		hp.quiet, hp.tamperOneIn = true, 1_000_000
	}
}

// samplesKept is how many frames, and messages, a hostile peer keeps.
const samplesKept = 24

func (hp *hostilePeer) remember(list *[][]byte, b []byte) {
	if len(*list) < samplesKept {
		*list = append(*list, slices.Clone(b))
	} else {
		(*list)[hp.IntN(samplesKept)] = slices.Clone(b)
	}
}

// run lasts as long as the peer's duration, and closes what it was given.
func (hp *hostilePeer) run(ctx context.Context) {
	ctx, stop := context.WithTimeout(ctx, hp.duration)
	defer stop()
	var readers sync.WaitGroup
	stream, packets := make(chan []byte, 16), make(chan []byte, 256)
	readers.Go(func() { hp.readTCP(ctx, stream) })
	readers.Go(func() { hp.readGRE(ctx, packets) })
	defer readers.Wait()
	defer hp.gre.Close()
	defer hp.tcp.Close()
	if hp.machine != nil {
		hp.machine.Start(time.Now())
	}
	tick := time.NewTicker(time.Duration(1+hp.IntN(4)) * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case data, ok := <-stream:
			if !ok {
				stream = nil
				if hp.oneIn(2) {
					return
				}
				continue // a while longer, after the close
			}
			hp.receiveControl(data)
		case p := <-packets:
			hp.receiveGRE(p)
		case <-tick.C:
			if !hp.quiet {
				hp.misbehave()
			}
		case <-ctx.Done():
			return
		}
		hp.runMachines()
	}
}

func (hp *hostilePeer) readTCP(ctx context.Context, to chan<- []byte) {
	defer close(to)
	buf := make([]byte, 2048)
	for {
		n, err := hp.tcp.Read(buf)
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

func (hp *hostilePeer) readGRE(ctx context.Context, to chan<- []byte) {
	pkts := make([]gre.Packet, 16)
	for i := range pkts {
		pkts[i].Buf = make([]byte, 2048)
	}
	for {
		n, err := hp.gre.ReadBatch(pkts)
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

// receiveControl takes bytes of the control connection.
func (hp *hostilePeer) receiveControl(data []byte) {
	if len(data) >= 16 {
		hp.remember(&hp.messages, data)
		if t := control.Type(binary.BigEndian.Uint16(data[8:])); t == control.TypeOutgoingCallReply || t == control.TypeOutgoingCallRequest {
			hp.addCallID(binary.BigEndian.Uint16(data[12:]))
		}
	}
	if hp.machine != nil {
		hp.machine.Input(time.Now(), data)
	}
}

// addCallID keeps a call ID of the peer's.
func (hp *hostilePeer) addCallID(id uint16) {
	if !slices.Contains(hp.callIDs, id) && len(hp.callIDs) < 16 {
		hp.callIDs = append(hp.callIDs, id)
	}
}

// receiveGRE takes a GRE packet.
func (hp *hostilePeer) receiveGRE(p []byte) {
	h, payload, err := gre.Parse(p)
	if err != nil || !h.HasSeq {
		return
	}
	hp.remember(&hp.frames, payload)
	if hp.link != nil {
		hp.link.Input(time.Now(), payload)
	}
}

// runMachines lets the machines do what is due, and sends what they have to say.
func (hp *hostilePeer) runMachines() {
	now := time.Now()
	if hp.machine != nil {
		hp.machine.Tick(now)
		for _, e := range hp.machine.Events() {
			switch e := e.(type) {
			case control.CallUp:
				hp.counts.calls.Add(1)
				hp.addCallID(e.PeerCallID)
				if hp.link == nil {
					hp.startLink(now)
				}
			case control.Closed:
				hp.machine = nil
			}
		}
	}
	if hp.machine != nil {
		if out := hp.machine.Output(); len(out) > 0 {
			hp.sendControl(out, true)
		}
	}
	if hp.link != nil {
		hp.link.Tick(now)
	}
}

// startLink opens the link of a call.
func (hp *hostilePeer) startLink(now time.Time) {
	link, err := hp.openLink(func(frame []byte) { hp.sendFrame(frame, true) }, func(e ppp.Event) {
		if _, up := e.(ppp.NetworkUp); up {
			hp.counts.links.Add(1)
			hp.quiet, hp.tamperOneIn = false, min(hp.tamperOneIn, 40)
		}
	})
	if err != nil {
		panic(err) // the settings are this package's own
	}
	hp.link = link
	link.Open(now)
}

// misbehave does something that nobody asked for.
func (hp *hostilePeer) misbehave() {
	switch hp.IntN(12) {
	case 0, 1, 2:
		for range 1 + hp.IntN(16) {
			hp.sendFrame(hp.frame(hp.frames), false)
		}
	case 3:
		for range 1 + hp.IntN(3) {
			hp.sendControl(hp.control(hp.callIDs), false)
		}
	case 4:
		if len(hp.messages) > 0 {
			hp.sendControl(hp.messages[hp.IntN(len(hp.messages))], true)
		}
	case 5:
		if hp.machine != nil && hp.oneIn(10) {
			hp.machine.Shutdown(time.Now())
		}
	case 6:
		if hp.link != nil && hp.oneIn(10) {
			hp.link.Close(time.Now(), "enough")
		}
	case 8:
		for range 1 + hp.IntN(6) {
			hp.sendControl(control.OutgoingCallRequest{CallID: uint16(hp.Uint32()), MinBPS: 1, MaxBPS: hp.Uint32(), Bearer: 3, Framing: 3, Window: uint16(hp.Uint32())}.AppendTo(nil), true)
		}
	case 7:
		if hp.oneIn(20) {
			_ = hp.tcp.Close() // the calls go on for a while
		}
	}
}

// sendControl sends a control message, or several together.
func (hp *hostilePeer) sendControl(b []byte, tamper bool) {
	hp.remember(&hp.messages, b)
	hp.counts.messages.Add(1)
	if tamper && hp.oneIn(hp.tamperOneIn) {
		switch hp.IntN(3) {
		case 0:
			return
		case 1:
			b = append(slices.Clone(b), b...)
		default:
			b = hp.corrupt(b)
		}
	}
	_ = hp.tcp.SetWriteDeadline(time.Now().Add(time.Second))
	if cut := len(b); hp.oneIn(6) && cut > 1 {
		cut = 1 + hp.IntN(cut-1)
		_, _ = hp.tcp.Write(b[:cut])
		b = b[cut:]
	}
	_, _ = hp.tcp.Write(b) // who has hung up misses nothing
}

// sendFrame sends a frame, of its own link or another's.
func (hp *hostilePeer) sendFrame(frame []byte, tamper bool) {
	hp.waitForRoom()
	hp.remember(&hp.frames, frame)
	times := 1
	if tamper && hp.oneIn(hp.tamperOneIn) {
		switch hp.IntN(4) {
		case 0:
			return
		case 1:
			times = 2
		case 2:
			frame = hp.corrupt(frame)
		default:
			frame = hp.mutate(frame)
		}
	}
	call := uint16(hp.Uint32())
	if len(hp.callIDs) > 0 && (tamper || !hp.oneIn(6)) {
		call = hp.callIDs[len(hp.callIDs)-1]
		if !tamper {
			call = hp.callIDs[hp.IntN(len(hp.callIDs))]
		}
	}
	for range times {
		seq := hp.seq
		if tamper || !hp.oneIn(8) {
			hp.seq++
		} else {
			seq = hp.Uint32()
		}
		hp.counts.frames.Add(1)
		_, _ = hp.gre.WriteBatch([]gre.Packet{{Addr: hp.to, Data: hp.greEnvelope(call, seq, frame)}})
	}
}

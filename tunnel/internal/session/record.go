package session

import (
	"sync"

	"github.com/arc4tun/arc4tun/mppe"
	"github.com/arc4tun/arc4tun/tunnel/gre"
	"github.com/arc4tun/arc4tun/tunnel/ppp"
)

// decipheredRun is the stateless MPPE packets of one session's run, deciphered before their turn
// comes, together with those of the other sessions that one read of the socket brought: many at
// once are quicker than one after another. What becomes of each is then decided in the order in
// which they came.
type decipheredRun struct {
	packets []mppe.Packet
	bufs    []*buffer // of each packet: the plain text begins at headroom-2
	next    int       // whose turn it is
}

// decipheredRuns recycles them: a reader needs one for each session that a read has packets of.
var decipheredRuns = sync.Pool{New: func() any { return new(decipheredRun) }}

// decipherAhead adds what a run has for it to batch, which is to be deciphered before the run goes
// on.
func (in *inbound) decipherAhead(pkts []gre.Packet, batch *mppe.ReceiveBatch) {
	if !in.early || in.dec == nil || in.over {
		return
	}
	run := decipheredRuns.Get().(*decipheredRun)
	for i := range pkts {
		h, payload, err := gre.Parse(pkts[i].Data)
		if err != nil || !h.HasSeq {
			continue
		}
		protocol, body, err := ppp.ParseFrame(payload)
		if err != nil || protocol != ppp.ProtoCompressed || len(body) > maxPacket {
			continue
		}
		b := getBuffer()
		run.bufs = append(run.bufs, b)
		run.packets = append(run.packets, mppe.Packet{Data: body, Seq: h.Seq, Dst: b[headroom-2 : headroom-2]})
	}
	in.ahead = run
	for i := range run.packets {
		batch.Add(in.dec, &run.packets[i])
	}
}

// decipherOne gives the plain text of a packet and the buffer that it lies in, from headroom-2 on.
// With an error there is no buffer.
func (in *inbound) decipherOne(seq uint32, body []byte) (b *buffer, plain []byte, err error) {
	if run := in.ahead; run != nil {
		b, plain, err = run.bufs[run.next], run.packets[run.next].Dst, run.packets[run.next].Err
		run.next++
	} else {
		b = getBuffer()
		plain, err = in.dec.Decrypt(b[headroom-2:headroom-2], body, seq)
	}
	if err != nil {
		putBuffer(b[:])
		return nil, nil, err
	}
	return b, plain, nil
}

// endAhead ends a run.
func (in *inbound) endAhead() {
	run := in.ahead
	if run == nil {
		return
	}
	in.ahead = nil
	// Nothing may keep the buffers alive.
	clear(run.packets)
	clear(run.bufs)
	run.packets, run.bufs, run.next = run.packets[:0], run.bufs[:0], 0
	decipheredRuns.Put(run)
}

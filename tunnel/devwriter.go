package tunnel

import (
	"encoding/binary"

	"github.com/arc4tun/arc4tun/tunnel/netdev"
)

// devWriter collects the IP packets of one batch for the local device and writes them in one call.
//
// The device joins consecutive TCP segments of a flow into the first one's buffer (GRO), as far as that buffer has room.
// Packet buffers have none, so the first segment of each flow, and every one that begins a new run, is moved into a wide
// buffer first: one copy of a packet saves up to forty writes.
type devWriter struct {
	bufs [][]byte // in order; headroom bytes, then the packet
	own  [][]byte // the packet buffers to give back after the write
	wide [][]byte // allocated when first needed
	used int      // wide buffers in use

	flow uint64 // the flow of the current run
	run  int    // packets in it
}

const (
	wideSize   = headroom + 1<<16
	maxWide    = 8
	maxRun     = 44 // segments of 1,400 bytes that fit a wide buffer
	maxCollect = 128
)

func newDevWriter() *devWriter {
	return &devWriter{bufs: make([][]byte, 0, maxCollect), own: make([][]byte, 0, maxCollect)}
}

// add takes p, cut from a packet buffer's beginning with the IP packet at headroom. It says when flush is due.
func (w *devWriter) add(p []byte) (full bool) {
	w.own = append(w.own, p)
	flow := tcpFlow(p[headroom:])
	if flow == 0 {
		w.run = 0
	} else if flow != w.flow || w.run == 0 || w.run >= maxRun {
		w.flow, w.run = flow, 1
		if w.used < maxWide {
			p = w.widen(p)
		}
	} else {
		w.run++
	}
	w.bufs = append(w.bufs, p)
	return len(w.bufs) == maxCollect
}

func (w *devWriter) widen(p []byte) []byte {
	if w.used == len(w.wide) {
		w.wide = append(w.wide, make([]byte, wideSize))
	}
	b := w.wide[w.used][:len(p)]
	w.used++
	copy(b[headroom:], p[headroom:])
	return b
}

// flush writes what was collected to dev and gives the packet buffers back. The error is the device's; packets the
// device refused are lost, as they would be on any link.
func (w *devWriter) flush(dev netdev.Device) error {
	if len(w.bufs) == 0 {
		return nil
	}
	var err error
	if dev != nil {
		_, err = dev.Write(w.bufs, headroom)
	}
	for i, p := range w.own {
		putBuffer(p)
		w.own[i], w.bufs[i] = nil, nil
	}
	w.bufs, w.own = w.bufs[:0], w.own[:0]
	w.used, w.run = 0, 0
	return err
}

// tcpFlow gives a number for the TCP flow of a packet with data, and 0 for every other packet.
func tcpFlow(p []byte) uint64 {
	const tcp = 6
	switch {
	case len(p) >= 44 && p[0] == 0x45 && p[9] == tcp:
		ends := binary.BigEndian.Uint64(p[12:])
		ports := uint64(binary.BigEndian.Uint32(p[20:]))
		return ends*0x9E3779B97F4A7C15 ^ ports | 1
	case len(p) >= 64 && p[0]>>4 == 6 && p[6] == tcp:
		ends := binary.BigEndian.Uint64(p[16:]) ^ binary.BigEndian.Uint64(p[32:])
		ports := uint64(binary.BigEndian.Uint32(p[40:]))
		return ends*0x9E3779B97F4A7C15 ^ ports | 1
	}
	return 0
}

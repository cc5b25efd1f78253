package session

import (
	"sync"

	"github.com/arc4tun/arc4tun/tunnel/netdev"
)

// deviceWriter collects the IP packets of one batch for the local device and writes them in one
// call.
//
// The device joins consecutive TCP segments (GRO). One that does not do it in place joins them into
// the first one's buffer, as far as that has room. Packet buffers have none, so a segment that
// others follow is moved into a wide buffer first: one copy of a packet saves up to forty writes,
// each a system call and a walk of the packet through the kernel.
type deviceWriter struct {
	bufs     [][]byte // in order; headroom bytes, then the packet
	own      [][]byte // the packet buffers to give back after the write
	segments []segment
	wide     [][]byte // allocated when first needed
	mostWide int
}

const (
	wideSize   = headroom + 1<<16
	maxRun     = 44 // segments of 1,400 bytes that fit a wide buffer
	maxCollect = 128
)

// newDeviceWriter makes a writer of so many wide buffers at most.
func newDeviceWriter(mostWide int) *deviceWriter { return &deviceWriter{mostWide: mostWide} }

// deviceWriters are for those who write now and then: a writer may have grown to megabytes, too
// much for every session.
var deviceWriters = sync.Pool{New: func() any { return newDeviceWriter(0) }}

// add takes p, cut from a packet buffer's beginning with the IP packet at headroom. It reports when
// flush is due.
func (w *deviceWriter) add(p []byte) (full bool) {
	w.own = append(w.own, p)
	w.bufs = append(w.bufs, p)
	return len(w.bufs) == maxCollect
}

// widen moves the first segment of every run into a wide buffer.
func (w *deviceWriter) widen() {
	w.segments = w.segments[:0]
	for _, p := range w.bufs {
		w.segments = append(w.segments, parseSegment(p[headroom:]))
	}
	used, run := 0, 0
	for i := 0; i+1 < len(w.bufs) && used < w.mostWide; i++ {
		if !w.segments[i+1].joins(&w.segments[i]) {
			run = 0
			continue
		}
		if run == 0 {
			w.bufs[i] = w.move(used, w.bufs[i])
			used++
		}
		if run++; run == maxRun {
			run = 0
		}
	}
}

// move copies p into wide buffer i.
func (w *deviceWriter) move(i int, p []byte) []byte {
	if i == len(w.wide) {
		w.wide = append(w.wide, make([]byte, wideSize))
	}
	b := w.wide[i][:len(p)]
	copy(b[headroom:], p[headroom:])
	return b
}

// flush writes what was collected to dev and gives the packet buffers back. The error is the
// device's; packets the device refused are lost, as they would be on any link.
func (w *deviceWriter) flush(dev netdev.Device) error {
	if len(w.bufs) == 0 {
		return nil
	}
	var err error
	if dev != nil {
		if !joinsInPlace(dev) {
			w.widen()
		}
		_, err = dev.Write(w.bufs, headroom)
	}
	for i, p := range w.own {
		putBuffer(p)
		w.own[i], w.bufs[i] = nil, nil
	}
	clear(w.segments)
	w.bufs, w.own, w.segments = w.bufs[:0], w.own[:0], w.segments[:0]
	return err
}

// joinsInPlace reports whether a device joins segments without room behind the first.
func joinsInPlace(dev netdev.Device) bool {
	d, ok := dev.(interface{ JoinsInPlace() bool })
	return ok && d.JoinsInPlace()
}

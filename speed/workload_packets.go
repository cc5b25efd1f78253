package speed

import "github.com/arc4tun/arc4tun/arc4"

// packetsWork is [Packets]: 64 packets in place, each with its own key, a call.
type packetsWork struct {
	backend *arc4.Backend
	keys    *keySource
	flat    []byte // the keys of all jobs, one after another
	jobs    [packetsPerCall]arc4.Job
}

func newPacketsWork(b *arc4.Backend, size int, keys *keySource) *packetsWork {
	w := &packetsWork{backend: b, keys: keys, flat: make([]byte, packetsPerCall*keySize)}
	stride := packetStride(size)
	buf := make([]byte, packetsPerCall*stride)
	for i := range w.jobs {
		packet := buf[i*stride : i*stride+size : i*stride+size]
		w.jobs[i] = arc4.Job{Key: w.flat[i*keySize : (i+1)*keySize], Dst: packet, Src: packet}
	}
	return w
}

// packetStride is the distance of packets of size bytes. CPUs compare the lowest 12 bits of addresses first when they
// look for a store that a load depends on, so packets that lie a page apart would hold each other up when several are
// worked on at once; a cache line more keeps them apart.
func packetStride(size int) int {
	const line, page = 64, 4096
	stride := (size+line-1)/line*line + line
	if stride%page == 0 {
		stride += line
	}
	return stride
}

func (w *packetsWork) run(n int) int {
	done := 0
	for done < n {
		w.keys.fill(w.flat)
		w.backend.XORKeyStreams(w.jobs[:])
		done += packetsPerCall
	}
	return done
}

package arc4

import "fmt"

// Job is one packet under its own key: the first len(Src) bytes of the key
// stream of Key, 1 to 256 bytes, XORed onto Src and written to Dst. Dst and Src
// follow the rules of [Cipher.XORKeyStream].
type Job struct {
	Key, Dst, Src []byte
}

// XORKeyStreams does all jobs, in no particular order, without allocating. No
// job's Dst may overlap another job's Src, Dst or Key. It panics, before it has
// written anything, if a key's length is not 1 to 256 or if a Dst and its Src
// break the rules of [Cipher.XORKeyStream].
func (b *Backend) XORKeyStreams(jobs []Job) {
	if b.parts != nil {
		b = b.parts[Packets]
	}
	for n := range jobs {
		j := &jobs[n]
		if err := checkKey(j.Key); err != nil {
			panic(fmt.Sprintf("%v (job %d of %d)", err, n+1, len(jobs)))
		}
		if len(j.Src) > 0 {
			checkBuffers(j.Dst, j.Src)
		}
	}
	if b.newLanes != nil && len(jobs) > 1 {
		s := b.spareRun.Get().(*scheduler)
		s.run(jobs)
		b.spareRun.Put(s)
		return
	}
	s := b.spare.Get().(stream)
	for n := range jobs {
		if j := &jobs[n]; len(j.Src) > 0 {
			s.SetKey(j.Key)
			s.XORKeyStream(j.Dst[:len(j.Src)], j.Src)
		}
	}
	s.Wipe()
	b.spare.Put(s)
}

package arc4

import (
	"encoding/hex"
	"fmt"
)

// SelfTest holds the backend against all test vectors of RFC 6229, one stream
// at a time and as batches, and returns an error that says where it differs. It
// runs once; later calls return what the first one found.
func (b *Backend) SelfTest() error {
	return b.tested()
}

func (b *Backend) runSelfTest() error {
	s := b.newStream()
	var got [4096 + 16]byte
	for n := range rfc6229 {
		key, err := hex.DecodeString(rfc6229[n].key)
		if err != nil {
			return err
		}
		s.SetKey(key)
		clear(got[:])
		// A first piece of an odd length makes word-wide code cope with a
		// state, and with buffers, that start in the middle of a word.
		s.XORKeyStream(got[:21], got[:21])
		s.XORKeyStream(got[21:], got[21:])
		if err := compare(n, got[:], ""); err != nil {
			return err
		}
	}
	if b.newLanes == nil {
		return nil // a batch is the same again
	}
	return b.testLanes()
}

// testLanes does all vectors in batches: of one job, of two, and so on until
// more wait than there are lanes. The lengths differ, so that lanes take new
// jobs, and are given up, at any time.
func (b *Backend) testLanes() error {
	const longest = 600
	buf := make([]byte, 0, 4096+16+len(rfc6229)*longest)
	for count, first := 1, 0; count <= len(rfc6229); count, first = count+1, first+count {
		var jobs []Job
		clear(buf[:cap(buf)])
		at := 0
		for n := range count {
			v := (first + n) % len(rfc6229)
			key, err := hex.DecodeString(rfc6229[v].key)
			if err != nil {
				return err
			}
			// At least the first 16 bytes; and all of the stream once.
			length := 16 + (n*89+count*31)%(longest-16)
			if n == count/2 && count > len(rfc6229)/2 {
				length = 4096 + 16
			}
			data := buf[at : at+length : at+length]
			at += length
			jobs = append(jobs, Job{Key: key, Dst: data, Src: data})
		}
		b.XORKeyStreams(jobs)
		for n, j := range jobs {
			if err := compare((first+n)%len(rfc6229), j.Dst, fmt.Sprintf(" in a batch of %d", count)); err != nil {
				return err
			}
		}
	}
	return nil
}

// compare holds the start of a key stream against vector n.
func compare(n int, got []byte, where string) error {
	v := &rfc6229[n]
	for k, want := range v.stream {
		at := rfc6229Offsets[k]
		if at+16 > len(got) {
			break
		}
		if stream := hex.EncodeToString(got[at : at+16]); stream != want {
			return fmt.Errorf("self-test: key %s gives %s at offset %d%s, RFC 6229 says %s", v.key, stream, at, where, want)
		}
	}
	return nil
}

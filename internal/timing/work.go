package timing

import "crypto/cipher"

// Stream is the work of one key stream that goes on from block to block, over block in place.
func Stream(c cipher.Stream, block []byte) Work {
	return func(n int) int {
		for range n {
			c.XORKeyStream(block, block)
		}
		return n
	}
}

// Rekeyed is a cipher that takes another key in place.
type Rekeyed interface {
	cipher.Stream
	SetKey(key []byte) error
}

// Packet is the work of a fresh key and then packet in place, again and again. An empty packet
// leaves the key set-up alone.
func Packet(c Rekeyed, packet []byte, keys *Keys) Work {
	key := make([]byte, KeySize)
	return func(n int) int {
		for range n {
			keys.Fill(key)
			if err := c.SetKey(key); err != nil {
				panic(err) // a key of 16 bytes is one that RC4 takes
			}
			if len(packet) > 0 {
				c.XORKeyStream(packet, packet)
			}
		}
		return n
	}
}

// Calls is the work of a call that does so many operations.
func Calls(operations int, call func()) Work {
	return func(n int) int {
		done := 0
		for done < n {
			call()
			done += operations
		}
		return done
	}
}

// Batch lays out count packets of size bytes, each with its own key, and has job make of every pair
// what is to be done. refill gives all of them fresh keys; until then they have none.
func Batch[J any](count, size int, keys *Keys, job func(key, packet []byte) J) (jobs []J, refill func()) {
	stride := Stride(size)
	all, data := make([]byte, count*KeySize), make([]byte, count*stride)
	for i := range count {
		key := all[i*KeySize:][:KeySize:KeySize]
		jobs = append(jobs, job(key, data[i*stride:][:size:size]))
	}
	return jobs, func() { keys.Fill(all) }
}

// Stride is the distance of packets of size bytes. CPUs compare the lowest 12 bits of addresses
// first when they look for a store that a load depends on, so packets that lie a page apart would
// hold each other up when several are worked on at once; a cache line more keeps them apart.
func Stride(size int) int {
	const line, page = 64, 4096
	stride := (size+line-1)/line*line + line
	if stride%page == 0 {
		stride += line
	}
	return stride
}

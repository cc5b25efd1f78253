package main

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"

	"github.com/arc4tun/arc4tun/arc4"
)

const (
	shortCall = 1 << 10
	longCall  = 5 << 10
	packet    = 1400
	tiny      = 64
	// rounds is how often the work is done, each time with a new key, because
	// some backends execute more where the permutation's entries collide.
	rounds = 8
)

// step is a piece of the work that is counted by itself.
type step struct {
	keyed bool // sets the key before
	n     int  // bytes
	dst   int  // offset of dst from an aligned address
	src   int  // and of src
}

// steps is a round of the work, in order.
var steps = []step{
	{keyed: true},
	{n: shortCall},
	{keyed: true},
	{n: longCall},
	{keyed: true},
	{n: shortCall, dst: 1, src: 3},
	{keyed: true},
	{n: longCall, dst: 1, src: 3},
	{keyed: true, n: packet},
	{keyed: true, n: tiny},
}

// marks keeps mark from being empty.
var marks int

// mark shows in the log of executed instructions where a step begins.
//
//go:noinline
func mark() { marks++ }

// runWork is what the emulated program does: it runs the steps with the backend
// called name.
func runWork(name string) error {
	if name == "?" {
		for _, b := range arc4.Backends() {
			fmt.Println(b.Name())
		}
		return nil
	}
	b, err := arc4.Lookup(name)
	if err != nil {
		return err
	}
	key := make([]byte, 16)
	c, err := b.New(key)
	if err != nil {
		return err
	}
	debug.SetGCPercent(-1) // its copying is none of the backend's
	runtime.LockOSThread()
	dst, src := make([]byte, longCall+8), make([]byte, longCall+8)
	random := rand.New(rand.NewPCG(1, 2))
	for range rounds {
		for _, s := range steps {
			for k := range key {
				key[k] = byte(random.Uint32())
			}
			mark()
			if s.keyed {
				if err := c.SetKey(key); err != nil {
					return err
				}
			}
			if s.n > 0 {
				c.XORKeyStream(dst[s.dst:s.dst+s.n], src[s.src:s.src+s.n])
			}
		}
	}
	mark()
	return nil
}

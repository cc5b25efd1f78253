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
	// block is what the smallest calls have that programs make again and again, calls how many of
	// them are a step.
	block = 16
	calls = 32
	// rounds is how often the work is done, each time with a new key, because
	// some backends execute more where the permutation's entries collide.
	rounds = 4
)

// step is a piece of the work that is counted by itself.
type step struct {
	keyed bool // sets the key before
	times int  // how often, 0 is once
	n     int  // bytes
	dst   int  // offset of dst from an aligned address
	src   int  // and of src
}

// What the steps of a round are, in their order.
const (
	onlyKey = iota
	shortAligned
	keyAgain1
	longAligned
	keyAgain2
	shortUnaligned
	keyAgain3
	longUnaligned
	keyAndPacket
	keyAndTiny
	manyCalls
	stepsARound
)

// steps is a round of the work.
var steps = [stepsARound]step{
	onlyKey:        {keyed: true},
	shortAligned:   {n: shortCall},
	keyAgain1:      {keyed: true},
	longAligned:    {n: longCall},
	keyAgain2:      {keyed: true},
	shortUnaligned: {n: shortCall, dst: 1, src: 3},
	keyAgain3:      {keyed: true},
	longUnaligned:  {n: longCall, dst: 1, src: 3},
	keyAndPacket:   {keyed: true, n: packet},
	keyAndTiny:     {keyed: true, n: tiny},
	manyCalls:      {n: block, times: calls},
}

var marks int

// mark shows in the log of executed instructions where a step begins. It counts
// because the compiler leaves out calls of what does nothing.
//
//go:noinline
func mark() int {
	marks++
	return marks
}

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
			for range max(s.times, min(s.n, 1)) {
				c.XORKeyStream(dst[s.dst:s.dst+s.n], src[s.src:s.src+s.n])
			}
		}
	}
	mark()
	return nil
}

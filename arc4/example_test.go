package arc4_test

import (
	"fmt"
	"time"

	"github.com/arc4tun/arc4tun/arc4"
)

// The backend that is the fastest on this machine is selected.
func ExampleNew() {
	c, err := arc4.New([]byte("Key"))
	if err != nil {
		fmt.Println(err)
		return
	}
	text := []byte("Plaintext")
	c.XORKeyStream(text, text)
	fmt.Printf("%x\n", text)
	// Output: bbf316e8d940af0ad3
}

func ExampleLookup() {
	b, err := arc4.Lookup("unrolled")
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := b.New([]byte("Wiki"))
	if err != nil {
		fmt.Println(err)
		return
	}
	text := []byte("pedia")
	c.XORKeyStream(text, text)
	fmt.Printf("%x\n", text)
	// Output: 1021bf0420
}

// Packets under keys of their own are worked on side by side.
func ExampleBackend_XORKeyStreams() {
	b, err := arc4.Lookup("auto")
	if err != nil {
		fmt.Println(err)
		return
	}
	jobs := []arc4.Job{
		{Key: []byte("Key"), Dst: make([]byte, 9), Src: []byte("Plaintext")},
		{Key: []byte("Wiki"), Dst: make([]byte, 5), Src: []byte("pedia")},
	}
	b.XORKeyStreams(jobs)
	fmt.Printf("%x %x\n", jobs[0].Dst, jobs[1].Dst)
	// Output: bbf316e8d940af0ad3 1021bf0420
}

func ExampleBackend_For() {
	// "auto" is like this where no backend is best for all work.
	b, err := arc4.Lookup("u32,unrolled")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, w := range arc4.Workloads() {
		fmt.Println(w, b.For(w).Name())
	}
	// Output:
	// stream u32
	// packet unrolled
	// packets unrolled
}

// The fastest backend for packets of 1,400 bytes in batches; the rate is in bytes a second.
func ExampleBackend_Measure() {
	var fastest *arc4.Backend
	best := 0.0
	for _, b := range arc4.Backends() {
		m, err := b.Measure(arc4.Packets, 1400, 10*time.Millisecond)
		if err != nil {
			fmt.Println(err)
			return
		}
		if rate := float64(m.Bytes) / m.Elapsed.Seconds(); rate > best {
			fastest, best = b, rate
		}
	}
	fmt.Println("there is a fastest one:", fastest != nil)
	// Output: there is a fastest one: true
}

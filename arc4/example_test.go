package arc4_test

import (
	"fmt"

	"github.com/arc4tun/arc4tun/arc4"
)

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
	jobs := []arc4.Job{
		{Key: []byte("Key"), Dst: make([]byte, 9), Src: []byte("Plaintext")},
		{Key: []byte("Wiki"), Dst: make([]byte, 5), Src: []byte("pedia")},
	}
	b.XORKeyStreams(jobs)
	fmt.Printf("%x %x\n", jobs[0].Dst, jobs[1].Dst)
	// Output: bbf316e8d940af0ad3 1021bf0420
}

func ExampleBackend_For() {
	b, err := arc4.Lookup("u32,unrolled") // "auto" is like this where no backend is best for all work
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

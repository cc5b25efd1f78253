package reorder_test

import (
	"fmt"
	"time"

	"github.com/arc4tun/arc4tun/tunnel/reorder"
)

// A window gets packets with their numbers and the time, and gives them back in order. Of the
// number that the network has lost it waits until the packets behind it have waited long enough.
func Example() {
	w, err := reorder.New(reorder.Config{Timeout: 100 * time.Millisecond})
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Unix(0, 0)
	deliver := func(p []byte) { fmt.Printf("%s ", p) }
	for _, seq := range []uint32{1, 3, 2, 2, 5, 6} { // 2 comes late and twice, 4 never
		w.Push(now, seq, fmt.Append(nil, seq), deliver)
	}
	packets, _ := w.Held()
	fmt.Printf("- %d wait\n", packets)

	at, _ := w.Deadline() // for the caller's timer
	w.Expire(at, deliver)
	fmt.Printf("after %v\n", at.Sub(now))
	s := w.Stats()
	fmt.Println("accepted", s.Accepted, "buffered", s.Buffered, "duplicated", s.Duplicated, "lost", s.Lost)
	// Output:
	// 1 2 3 - 2 wait
	// 5 6 after 100ms
	// accepted 5 buffered 3 duplicated 1 lost 1
}

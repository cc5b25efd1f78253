package claim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"

	"golang.org/x/sys/unix"
)

// A number is one of First on, taken at random, and as long as the process lives it has a unix
// socket of that name in the abstract namespace (unix(7)). That is one of the network namespace,
// as routes are; it needs no file, and the kernel closes it with the process.
const (
	First = 164_000_000
	Count = 1_000_000
)

// Claim is the right to a number.
type Claim struct {
	Number uint32
	socket *net.UnixListener
}

func socketName(number uint32) string {
	return "@arc4/serverroute/" + strconv.FormatUint(uint64(number), 10)
}

// Open takes a number that is free, in the network namespace of the calling thread.
func Open() (*Claim, error) {
	for {
		number := First + rand.Uint32N(Count)
		socket, err := net.ListenUnix("unix", &net.UnixAddr{Name: socketName(number), Net: "unix"})
		if err == nil {
			return &Claim{number, socket}, nil
		}
		if !errors.Is(err, unix.EADDRINUSE) {
			return nil, fmt.Errorf("a unix socket that shows which routes are ours: %w", err)
		}
	}
}

// Close gives the number back.
func (c *Claim) Close() { _ = c.socket.Close() }

// Is reports whether a number is one that processes of this program have.
func Is(number uint32) bool { return number >= First && number < First+Count }

// Held reports whether a process lives that has a number, whoever runs it with the rights that it
// takes.
func Held(number uint32) bool {
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: socketName(number), Net: "unix"})
	if err != nil {
		// Refused: there is none. Anything else, such as a full queue, says nothing of the sort.
		return !errors.Is(err, unix.ECONNREFUSED)
	}
	defer conn.Close()
	return mayHold(conn)
}

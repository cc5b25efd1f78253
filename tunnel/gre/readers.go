package gre

// Reader is where packets come out of a Conn.
type Reader interface {
	// ReadBatch is Conn.ReadBatch for the packets of this reader.
	ReadBatch(pkts []Packet) (n int, err error)
}

// MaxReaders is how many readers a Conn may have: the system offers every packet to each of them.
const MaxReaders = 16

// Readers gives the readers of c, each of which may have a goroutine of its own. There is one,
// which is c, unless Options.Readers asked for more; a packet comes out of exactly one of them,
// that of its call ID, so that those of a call stay in their order.
func Readers(c Conn) []Reader {
	if several, ok := c.(interface{ Readers() []Reader }); ok {
		return several.Readers()
	}
	return []Reader{c}
}

// ReaderOf says which of a number of readers has the packets with a call ID.
func ReaderOf(callID uint16, readers int) int { return int(callID) % readers }

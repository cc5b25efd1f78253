package arc4

// Workload is a kind of work that one backend may be best for and another not.
type Workload int

const (
	// Stream is one key, and then much data under it.
	Stream Workload = iota
	// Packet is a key set-up and a packet of some 1400 bytes, one at a time.
	Packet
	// Packets is the same in batches: [Backend.XORKeyStreams].
	Packets
)

// workloads is how many there are.
const workloads = 3

// Workloads lists them all.
func Workloads() []Workload { return []Workload{Stream, Packet, Packets} }

// String returns "stream", "packet" or "packets".
func (w Workload) String() string {
	if w < 0 || w >= workloads {
		return "no workload"
	}
	return [workloads]string{"stream", "packet", "packets"}[w]
}

package speed

import (
	"slices"
	"strings"
)

// Workload is what is done over and over while the time is taken.
type Workload string

const (
	// Stream is one key, and then block after block of its key stream.
	Stream Workload = "stream"
	// Packet is a fresh 16-byte key for every block: what a packet costs when each has its own key.
	Packet Workload = "packet"
	// Packets is the same for 64 packets at a time through arc4.Backend.XORKeyStreams; one packet
	// counts as one operation.
	Packets Workload = "packets"
	// Mix is Packets with packets of unequal length, as they are on the Internet: see mixLengths.
	// Its size is their mean.
	Mix Workload = "mix"
	// KeySetup is a fresh 16-byte key every time, and nothing encrypted. It has no size.
	KeySetup Workload = "keysetup"
	// MPPE is a whole packet of stateless 128-bit MPPE (RFC 3078): the session key changed, the RC4
	// state set up, header and packet written. The size is that of the PPP packet, two bytes of
	// protocol field included.
	MPPE Workload = "mppe"
	// MPPEBatch is the same for 64 packets of one session at a time, through mppe.SendBatch.
	MPPEBatch Workload = "mppe-batch"
	// MPPESessions is the same for 64 packets at a time, eight of each of eight sessions.
	MPPESessions Workload = "mppe-sessions"
)

// packetsPerCall is how many packets the workload Packets hands over at a time.
const packetsPerCall = 64

// workloadInfo is what a workload accepts and how it is described.
type workloadInfo struct {
	name             Workload
	what             string
	minSize, maxSize int // bytes; both 0: it has no size
	// onlySize is the one size in bytes that it has, whatever sizes are asked for; 0 if it takes
	// any.
	onlySize int
}

// MaxBytes is the largest size of a block.
const MaxBytes = 1 << 20

// maxPacket is the largest size of a packet: IP knows none over 65,535 bytes, and the memory of
// many workers, each with many packets, stays in check.
const maxPacket = 1 << 16

var workloads = []workloadInfo{
	{Stream, "one key, block after block", 1, MaxBytes, 0},
	{Packet, "a fresh 16-byte key for every block", 1, MaxBytes, 0},
	{Packets, "64 packets a call, a fresh 16-byte key each", 1, maxPacket, 0},
	{Mix, mixWhat, mixMean, mixMean, mixMean},
	{KeySetup, "a fresh 16-byte key, nothing encrypted", 0, 0, 0},
	{MPPE, "whole packets of stateless 128-bit MPPE", 2, maxPacket, 0},
	{MPPEBatch, "mppe, 64 packets of one session a call", 2, maxPacket, 0},
	{MPPESessions, "mppe, 64 packets a call, eight of each of eight sessions", 2, maxPacket, 0},
}

// Workloads lists all workloads in the order they are measured.
func Workloads() []Workload {
	var all []Workload
	for _, w := range workloads {
		all = append(all, w.name)
	}
	return all
}

// What says in a few words what the workload does.
func (w Workload) What() string {
	if i := w.index(); i >= 0 {
		return workloads[i].what
	}
	return ""
}

// ParseWorkloads reads the names of workloads; "all" stands for every one. The error is a
// [ConfigError].
func ParseWorkloads(names []string) ([]Workload, error) {
	if len(names) == 0 {
		return nil, configError("no workload: give all or any of %s", joinWorkloads(Workloads()))
	}
	var out []Workload
	for _, name := range names {
		switch w := Workload(name); {
		case name == "all":
			out = append(out, Workloads()...)
		case w.index() < 0:
			return nil, configError("unknown workload %q: give all or any of %s", name, joinWorkloads(Workloads()))
		default:
			out = append(out, w)
		}
	}
	return unique(out), nil
}

func (w Workload) index() int {
	return slices.IndexFunc(workloads, func(i workloadInfo) bool { return i.name == w })
}

// sized reports whether the workload processes bytes.
func (w Workload) sized() bool {
	i := w.index()
	return i >= 0 && workloads[i].maxSize > 0
}

// inCalls reports whether the workload processes [packetsPerCall] packets a call.
func (w Workload) inCalls() bool {
	return w == Packets || w == Mix || w == MPPEBatch || w == MPPESessions
}

// sizes are the sizes of wanted for the workload: a single 0 if it has none. It refuses those out
// of range.
func (w Workload) sizes(wanted []int) ([]int, error) {
	i := w.index()
	if i < 0 {
		return nil, configError("unknown workload %q: give any of %s", string(w), joinWorkloads(Workloads()))
	}
	if !w.sized() {
		return []int{0}, nil
	}
	info := workloads[i]
	if info.onlySize > 0 {
		return []int{info.onlySize}, nil
	}
	for _, size := range wanted {
		if size < info.minSize || size > info.maxSize {
			return nil, configError("cannot measure %s with %d bytes: give sizes of %d to %d bytes", w, size, info.minSize, info.maxSize)
		}
	}
	return unique(wanted), nil
}

func joinWorkloads(list []Workload) string {
	var names []string
	for _, w := range list {
		names = append(names, string(w))
	}
	return strings.Join(names, ", ")
}

package scale

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/arc4tun/arc4tun/internal/bench/leakcheck"
)

// FuzzConfig says for how long hostile peers attack a server and clients.
type FuzzConfig struct {
	Duration time.Duration // of all rounds together
	Seed     uint64        // of every chance; what the scheduler does is not among them
	Rounds   int           // 0: 3; after each, everything is ended and must be gone
	Peers    int           // hostile ones at once; 0: 24
	Log      *slog.Logger  // of the real ends; nil: no log
	Progress func(string)  // is told how it goes; nil: nobody

	sabotage    func(*testbed) // tests put in what must be found
	leakTimeout time.Duration  // how long what is left of a round may take to be gone; 0: leakcheck.Timeout
}

// FuzzResult is what came of it.
type FuzzResult struct {
	Seed        uint64        `json:"seed"`
	Took        time.Duration `json:"took_ns"`
	Lives       uint64        `json:"lives"`        // of hostile clients
	ServerLives uint64        `json:"server_lives"` // of hostile servers, each with a real client
	Connections uint64        `json:"connections"`  // control connections of hostile peers
	Refused     uint64        `json:"refused"`      // of them, and of their calls, by the real server
	Calls       uint64        `json:"calls"`        // sessions of the real server
	Links       uint64        `json:"links"`        // of hostile peers that came up all the way
	Messages    uint64        `json:"messages"`     // control messages of hostile peers
	Frames      uint64        `json:"frames"`       // GRE packets of theirs
	Forged      uint64        `json:"forged"`       // GRE packets under the addresses of the legitimate ends
	ForgedNear  uint64        `json:"forged_near"`  // the same at a client that may fall
	Falls       uint64        `json:"falls"`        // how often that one was up again
	Traced      uint64        `json:"traced"`       // lines of the real ends' trace, within its budgets
	Packets     uint64        `json:"packets"`      // of the legitimate session, there and back
	Heap        []uint64      `json:"heap_bytes"`   // live, after each round
	Goroutines  int           `json:"goroutines"`   // at the end
	Files       int           `json:"files"`        // descriptors at the end; -1 where the system does not tell
	Faults      []string      `json:"faults"`
}

// heapGrowth is by how much live memory may differ between the rounds, in bytes: pools and maps
// keep what they once had.
const heapGrowth = 8 << 20

// Fuzz has hostile peers attack a real server and real clients, all in this process: any control
// message and any PPP frame, well-formed or not, in any state, twice, after the close, beside a
// legitimate session under forged packets, which must lose nothing and stay up. The error is that
// it could not be done, or that ctx has ended; what went wrong is in the result.
func Fuzz(ctx context.Context, cfg FuzzConfig) (*FuzzResult, error) {
	if cfg.Duration <= 0 {
		return nil, fmt.Errorf("scale: fuzz for %v: must be more than 0, such as 10m", cfg.Duration)
	}
	if cfg.Rounds == 0 {
		cfg.Rounds = 3
	}
	if cfg.Peers == 0 {
		cfg.Peers = 24
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Progress == nil {
		cfg.Progress = func(string) {}
	}
	if cfg.leakTimeout == 0 {
		cfg.leakTimeout = leakcheck.Timeout
	}
	r := &FuzzResult{Seed: cfg.Seed, Faults: []string{}}
	began := time.Now()
	// What a process opens with its first socket, and keeps, is opened now.
	if first, err := net.Listen("tcp4", "127.0.0.1:0"); err == nil {
		first.Close()
	}
	baseline := leakcheck.NewBaseline(cfg.leakTimeout)
	for round := range cfg.Rounds {
		f := &fuzzRound{cfg: cfg, peerNumber: uint64(round) << 40}
		err := f.run(ctx, cfg.Duration/time.Duration(cfg.Rounds))
		f.sum(r)
		if err != nil {
			return r, err
		}
		r.checkLeaks(round, baseline)
		r.Took = time.Since(began)
		cfg.Progress(fmt.Sprintf("%6.0fs round %d: %s", r.Took.Seconds(), round+1, r))
		if len(r.Faults) > 0 {
			break
		}
	}
	return r, nil
}

// String is the result on one line.
func (r *FuzzResult) String() string {
	s := fmt.Sprintf("%d hostile clients, %d hostile servers, %d connections, %d refusals, %d calls, %d links up, %d messages, %d frames, %d forged (%d near, %d falls), %d lines of trace, "+
		"%d packets of the legitimate session there and back, %d goroutines, %d descriptors, heap %v", r.Lives, r.ServerLives, r.Connections, r.Refused, r.Calls, r.Links,
		r.Messages, r.Frames, r.Forged+r.ForgedNear, r.ForgedNear, r.Falls, r.Traced, r.Packets, r.Goroutines, r.Files, r.Heap)
	for _, f := range r.Faults {
		s += "\nFAULT: " + f
	}
	return s
}

// checkLeaks demands that nothing is left of a round.
func (r *FuzzResult) checkLeaks(round int, baseline *leakcheck.Baseline) {
	for _, leak := range baseline.Check(context.Background()) {
		r.Faults = append(r.Faults, fmt.Sprintf("after round %d: %s", round+1, leak))
	}
	m := leakcheck.Measure()
	r.Heap = append(r.Heap, m.Heap)
	r.Goroutines, r.Files = m.Goroutines, m.Files
	if m.Heap > r.Heap[0]+heapGrowth {
		r.Faults = append(r.Faults, fmt.Sprintf("live memory has grown from %d bytes after the first round to %d after round %d", r.Heap[0], m.Heap, round+1))
	}
}

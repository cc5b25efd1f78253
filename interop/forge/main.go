// Command forge attacks a live PPTP call with forged GRE packets, for the tests
// in the guest: it listens on an interface for what this machine sends to a
// peer, learns the call's ID, sequence number and coherency count from it, and
// sends the peer packets that claim to come from the same place.
//
//	forge -iface s0 -peer 192.0.2.2 -attack aimed
//
// It prints one line: what it learnt and how much it sent.
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"sort"
	"strings"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "forge:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	names := make([]string, 0, len(attacks))
	for name := range attacks {
		names = append(names, name)
	}
	sort.Strings(names)
	flags := flag.NewFlagSet("forge", flag.ContinueOnError)
	iface := flags.String("iface", "", "interface to learn the call on")
	peer := flags.String("peer", "", "IPv4 address of the peer to attack")
	attack := flags.String("attack", "", "one of "+strings.Join(names, ", "))
	seed := flags.Uint64("seed", 1, "seed of what is random in the packets")
	wait := flags.Duration("wait", 10*time.Second, "how long to wait for a live packet")
	if err := flags.Parse(args); err != nil {
		return err
	}
	make, ok := attacks[*attack]
	if !ok {
		return fmt.Errorf("no attack %q; there are %s", *attack, strings.Join(names, ", "))
	}
	to, err := netip.ParseAddr(*peer)
	if err != nil {
		return fmt.Errorf("-peer: %w", err)
	}
	live, err := learn(*iface, to, *wait)
	if err != nil {
		return err
	}
	packets := make(live, rand.New(rand.NewPCG(*seed, 0)))
	if err := send(to, packets); err != nil {
		return err
	}
	fmt.Printf("forged %d packets (%s) at call %d, sequence %d, count %d\n",
		len(packets), *attack, live.callID, live.seq, live.count)
	return nil
}

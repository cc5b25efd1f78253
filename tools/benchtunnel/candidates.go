package main

import (
	"fmt"
	"slices"
	"strings"
)

// candidate is something that is measured.
type candidate struct {
	name string
	what string // what it is, for the table's legend
}

// candidates are all, in the table's order.
var candidates = []candidate{
	{name: "veth", what: "the virtual links, no tunnel, with their offloads"},
	{name: "veth-plain", what: "the same with TSO, GSO, GRO and checksum offload off"},
	{name: reference, what: "wireguard-go, ChaCha20-Poly1305 over UDP"},
	{name: "arc4-raw", what: "arc4 --io raw, MPPE-128 stateless"},
	{name: "arc4-packet", what: "arc4 --io packet"},
	{name: "arc4-xsk", what: "arc4 --io xsk"},
	{name: "arc4-clear", what: "arc4 --io xsk --mppe off: the tunnel without its cipher"},
	{name: "gre-raw", what: "GRE by a raw socket both ways, no tunnel, no cipher"},
	{name: "gre-packet", what: "GRE sent by AF_PACKET"},
	{name: "gre-xsk", what: "GRE sent by AF_XDP"},
}

// reference is what the others are held against.
const reference = "wireguard-go"

func names() []string {
	var all []string
	for _, c := range candidates {
		all = append(all, c.name)
	}
	return all
}

// choose picks candidates by name; an empty list picks all.
func choose(list string) ([]candidate, error) {
	if list == "" {
		return candidates, nil
	}
	wanted := strings.Split(list, ",")
	for _, w := range wanted {
		if !slices.Contains(names(), w) {
			return nil, fmt.Errorf("there is no %q: give some of %s", w, strings.Join(names(), ", "))
		}
	}
	return slices.DeleteFunc(slices.Clone(candidates), func(c candidate) bool { return !slices.Contains(wanted, c.name) }), nil
}

package main

import (
	"fmt"
	"slices"
	"strings"
)

// contender is something that is measured.
type contender struct {
	name string
	says string // what it is, for the table's legend
	bare bool   // it carries no IP: neither TCP nor ping goes through it
}

// contenders are all, in the table's order.
var contenders = []contender{
	{name: "veth", says: "the virtual links, no tunnel, with their offloads"},
	{name: "veth-plain", says: "the same with TSO, GSO, GRO and checksum offload off"},
	{name: reference, says: "wireguard-go, ChaCha20-Poly1305 over UDP"},
	{name: "arc4-raw", says: "arc4 --io raw, MPPE-128 stateless"},
	{name: "arc4-packet", says: "arc4 --io packet"},
	{name: "arc4-xsk", says: "arc4 --io xsk"},
	{name: "arc4-clear", says: "arc4 --io xsk --mppe off: the tunnel without its cipher"},
	{name: "gre-raw", says: "GRE by a raw socket both ways, no tunnel, no cipher", bare: true},
	{name: "gre-packet", says: "GRE sent by AF_PACKET", bare: true},
	{name: "gre-xsk", says: "GRE sent by AF_XDP", bare: true},
}

// reference is what the others are held against.
const reference = "wireguard-go"

func names() []string {
	var all []string
	for _, c := range contenders {
		all = append(all, c.name)
	}
	return all
}

// choose picks contenders by name; an empty list picks all.
func choose(list string) ([]contender, error) {
	if list == "" {
		return contenders, nil
	}
	wanted := strings.Split(list, ",")
	for _, w := range wanted {
		if !slices.Contains(names(), w) {
			return nil, fmt.Errorf("there is no %q: give some of %s", w, strings.Join(names(), ", "))
		}
	}
	return slices.DeleteFunc(slices.Clone(contenders), func(c contender) bool { return !slices.Contains(wanted, c.name) }), nil
}

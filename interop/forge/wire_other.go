//go:build !linux

package main

import (
	"errors"
	"net/netip"
	"time"
)

var errSystem = errors.New("only for Linux: it runs in the tests' guest")

func learn(string, netip.Addr, time.Duration) (live, error) { return live{}, errSystem }

func send(netip.Addr, [][]byte) error { return errSystem }

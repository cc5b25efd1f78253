//go:build linux

// Command contest serves the scenario speed, in which tunnels compete in the guest.
//
//	contest guards ADDRESS1 INNER1 ADDRESS2 INNER2
//	        settings of two wireguard-go for each other, in files guard1 and guard2
//	contest settle DEVICE FILE
//	        gives such a file to the wireguard-go of a device
//	contest flood ADDRESS:PORT DURATION
//	        sends 64-byte packets as fast as the system takes them
//	contest hold ADDRESS:PORT
//	        has the port of a flood and reads nothing, until it is stopped
package main

import (
	"errors"
	"fmt"
	"os"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "contest:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 5 && args[0] == "guards":
		return guards(args[1:3], args[3:5])
	case len(args) == 3 && args[0] == "settle":
		return settle(args[1], args[2])
	case len(args) == 3 && args[0] == "flood":
		d, err := time.ParseDuration(args[2])
		if err != nil {
			return err
		}
		return flood(args[1], d)
	case len(args) == 2 && args[0] == "hold":
		return hold(args[1])
	}
	return errors.New("want guards ADDRESS1 INNER1 ADDRESS2 INNER2, settle DEVICE FILE, flood ADDRESS:PORT DURATION, or hold ADDRESS:PORT")
}

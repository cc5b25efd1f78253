package main

import "os/exec"

// soakEach is how long each of the two soaks goes on beginning scenes. The last one, and building,
// take up to a minute more.
const soakEach = "90s"

// soak plays bad networks: over a network in memory, where every packet is accounted for, and with
// the kernel's sockets and devices, where those can be had.
func soak(t *tally) {
	t.check("soak userspace", exec.Command("go", "run", "./tools/soak", "-mode", "userspace", "-duration", soakEach))
	t.check("soak", exec.Command("go", "run", "./tools/soak", "-duration", soakEach))
}

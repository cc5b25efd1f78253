package main

import "os/exec"

// statefuzz lets hostile peers at a server and at clients. What it finds depends on chance: the
// seed is in what it prints.
func statefuzz(t *tally) {
	t.check("statefuzz", exec.Command("go", "run", "-race", "./tools/statefuzz", "-duration", "60s"))
}

package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/arc4tun/arc4tun/tools/internal/emulated"
)

// onMachines runs a step on each machine that it is for. Only tests need the emulator.
func (s step) onMachines(t *tally) {
	dir, err := os.MkdirTemp("", "testrun")
	if err != nil {
		t.fail("qemu", fmt.Sprintln(err))
		return
	}
	defer os.RemoveAll(dir)
	for _, m := range emulated.Machines() {
		if !s.on(m) {
			continue
		}
		command, err := m.Command(dir)
		if err != nil && strings.Contains(s.run, "EMULATOR") {
			t.skip(m.Name, "all tests", err.Error())
			continue
		}
		s.onMachine(m, command).check(t)
	}
}

// onMachine is the step on one machine, which command emulates.
func (s step) onMachine(m emulated.Machine, command []string) step {
	s = s.with("EMULATOR", strings.Join(command, " "))
	s.as, s.run = m.Name, strings.Join(append(m.Env(), s.run), " ")
	return s
}

// isFirst reports whether m is the machine of its architecture that has all that a backend uses.
func isFirst(m emulated.Machine) bool { return m.Name == m.GOARCH }

// isLeastLikeAPC reports whether m has 32 bits and is big endian.
func isLeastLikeAPC(m emulated.Machine) bool { return m.Name == "mips" }

// isSmallEndianMIPS reports whether m is what most small routers are.
func isSmallEndianMIPS(m emulated.Machine) bool { return m.Name == "mipsle" }

func isFirstOfTheRest(m emulated.Machine) bool { return isFirst(m) && !isLeastLikeAPC(m) }

func isAnother(m emulated.Machine) bool { return !isFirst(m) }

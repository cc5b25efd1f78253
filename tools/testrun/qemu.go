package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/arc4tun/arc4tun/tools/emulated"
)

// processorTests are the tests whose way depends on the processor. They alone
// run on the second and third machine of an architecture.
const processorTests = "^(TestConformance|TestPageEnds|TestProcessor|TestAligned|TestLongestStretch)$"

// models are mppe's tests that walk long random ways through its states, which
// no architecture changes. They take half a minute under emulation, and run on
// the machine that is least like a PC only: 32 bits, big endian.
const (
	models        = "^Test(Forged.*|.*Outage.*|StatelessModel|StatefulLoss|HistoryIsCheap)$"
	machineModels = "mips"
)

// qemu runs the tests of the ciphers on every emulated machine.
func qemu(t *tally) {
	dir, err := os.MkdirTemp("", "testrun")
	if err != nil {
		t.fail("qemu", fmt.Sprintln(err))
		return
	}
	defer os.RemoveAll(dir)
	for _, m := range emulated.Machines() {
		command, err := m.Command(dir)
		if err != nil {
			t.skip(m.Name, "all tests", err.Error())
			continue
		}
		if m.Name == m.GOARCH {
			cmd := exec.Command("go", append([]string{"vet"}, ciphers...)...)
			cmd.Env = append(os.Environ(), m.Env()...)
			t.check(m.Name+" go vet", cmd)
		}
		goTest{label: m.Name, args: qemuArgs(m, command), env: m.Env()}.run(t)
	}
}

// qemuArgs are the arguments of go test for a machine: everything for the first
// of an architecture, or what depends on the processor. Go does not know that a
// result is another machine's, so none may come from its cache.
func qemuArgs(m emulated.Machine, command []string) []string {
	args := []string{"-count=1", "-timeout", "20m", "-exec", strings.Join(command, " ")}
	if m.Name != m.GOARCH {
		return append(args, "-run", processorTests, "./arc4/", "./arc4/asm/")
	}
	if m.Name != machineModels {
		args = append(args, "-skip", models)
	}
	return append(args, ciphers...)
}

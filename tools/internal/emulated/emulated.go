// Package emulated knows the processors that tests and counts of instructions
// run on under qemu-user.
package emulated

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Machine is a processor that qemu-user emulates.
type Machine struct {
	// Name is the architecture as Go calls it, and more where there are several
	// machines of it; that one whose name is the architecture has all that a
	// backend uses.
	Name      string
	GOARCH    string
	Processor string   // as qemu calls it
	emulator  string   // the program, without -static
	env       []string // such as GOMIPS
	// cpuinfo is what Linux would say in /proc/cpuinfo. Where it is empty the
	// program finds that of the machine qemu runs on, which is of another
	// architecture.
	cpuinfo string
}

// A 74K as an OpenWrt router shows it.
const cpuinfo74K = `system type		: Atheros AR9344 rev 3
machine			: a router
processor		: 0
cpu model		: MIPS 74Kc V4.12
BogoMIPS		: 278.93
wait instruction	: yes
microsecond timers	: yes
tlb_entries		: 32
extra interrupt vector	: yes
hardware watchpoint	: yes, count: 4, address/irw mask: [0x0ffc, 0x0ffc, 0x0ffb, 0x0ffb]
isa			: mips1 mips2 mips32r1 mips32r2
ASEs implemented	: mips16 dsp dsp2
shadow register sets	: 1
kscratch registers	: 0
core			: 0
`

var machines = []Machine{
	{Name: "mipsle", GOARCH: "mipsle", Processor: "74Kf", emulator: "qemu-mipsel", env: []string{"GOMIPS=softfloat"}, cpuinfo: cpuinfo74K},
	{Name: "mipsle-4Kc", GOARCH: "mipsle", Processor: "4Kc", emulator: "qemu-mipsel", env: []string{"GOMIPS=softfloat"}},
	{Name: "mipsle-24Kf", GOARCH: "mipsle", Processor: "24Kf", emulator: "qemu-mipsel", env: []string{"GOMIPS=hardfloat"}},
	{Name: "mips", GOARCH: "mips", Processor: "74Kf", emulator: "qemu-mips", env: []string{"GOMIPS=softfloat"}, cpuinfo: cpuinfo74K},
	{Name: "mips-4Kc", GOARCH: "mips", Processor: "4Kc", emulator: "qemu-mips", env: []string{"GOMIPS=softfloat"}},
	{Name: "mips-24Kf", GOARCH: "mips", Processor: "24Kf", emulator: "qemu-mips", env: []string{"GOMIPS=hardfloat"}},
	{Name: "arm64", GOARCH: "arm64", Processor: "max", emulator: "qemu-aarch64"},
	{Name: "arm", GOARCH: "arm", Processor: "max", emulator: "qemu-arm", env: []string{"GOARM=7"}},
	{Name: "arm-v5", GOARCH: "arm", Processor: "arm926", emulator: "qemu-arm", env: []string{"GOARM=5"}},
}

// Machines lists all machines.
func Machines() []Machine { return machines }

// Find returns the machine called name.
func Find(name string) (Machine, error) {
	var known []string
	for _, m := range machines {
		if m.Name == name {
			return m, nil
		}
		known = append(known, m.Name)
	}
	return Machine{}, fmt.Errorf("no machine %q; there are %s", name, strings.Join(known, ", "))
}

// With returns the machine with another processor, as qemu calls it, of which
// Linux says nothing in /proc/cpuinfo.
func (m Machine) With(processor string) Machine {
	m.Processor, m.cpuinfo = processor, ""
	return m
}

// Env is the environment that Go builds programs for the machine in, in
// addition to what is set anyway.
func (m Machine) Env() []string {
	return append([]string{"CGO_ENABLED=0", "GOOS=linux", "GOARCH=" + m.GOARCH}, m.env...)
}

// Command is the emulator's program and its flags, before the emulated program.
// It puts files that the machine needs below dir, which must stay as long as
// the machine is used. The error says which package brings the emulator.
func (m Machine) Command(dir string) ([]string, error) {
	path, err := exec.LookPath(m.emulator + "-static")
	if err != nil {
		if path, err = exec.LookPath(m.emulator); err != nil {
			return nil, fmt.Errorf("no %s-static (apt-get install qemu-user-static)", m.emulator)
		}
	}
	command := []string{path, "-cpu", m.Processor}
	if m.cpuinfo == "" {
		return command, nil
	}
	// A file below the prefix is opened instead of the one without.
	prefix := filepath.Join(dir, m.Name)
	if err := os.MkdirAll(filepath.Join(prefix, "proc"), 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(prefix, "proc", "cpuinfo"), []byte(m.cpuinfo), 0o644); err != nil {
		return nil, err
	}
	return append(command, "-L", prefix), nil
}

package main

import (
	"cmp"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/arc4tun/arc4tun/tools/internal/emulated"
)

// span is a range of addresses.
type span struct{ start, size uint64 }

func (s span) has(pc uint64) bool { return pc-s.start < s.size }

// program is this program, built for a machine.
type program struct {
	emulator  []string // and its flags
	path      string
	marker    span   // of mark
	counted   []span // of what is counted, and of mark
	functions functions
	words     func(pc uint64) uint32
	// core makes a model of an in-order core: a function that is given every
	// instruction executed and says how many cycles that waits; nil if there is
	// no model.
	core func() func(instruction uint32) int
}

// build compiles this program for m, into dir.
func build(m emulated.Machine, dir string) (*program, error) {
	p := &program{path: filepath.Join(dir, "countinstr")}
	if m.GOARCH == "mips" || m.GOARCH == "mipsle" {
		p.core = new24K
	}
	var err error
	if p.emulator, err = m.Command(dir); err != nil {
		return nil, err
	}
	cmd := exec.Command("go", "build", "-o", p.path, "github.com/arc4tun/arc4tun/tools/countinstr")
	cmd.Env = append(os.Environ(), m.Env()...)
	if output, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, output)
	}
	file, err := elf.Open(p.path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	symbols, err := file.Symbols()
	if err != nil {
		return nil, fmt.Errorf("symbols of %s: %w", p.path, err)
	}
	for _, s := range symbols {
		at := span{s.Value, s.Size}
		if elf.ST_TYPE(s.Info) != elf.STT_FUNC || s.Size == 0 {
			continue
		}
		p.functions = append(p.functions, function{at, s.Name})
		switch {
		case s.Name == "main.mark":
			p.marker = at
			p.counted = append(p.counted, at)
		case isCounted(s.Name):
			p.counted = append(p.counted, at)
		}
	}
	if p.marker.size == 0 {
		return nil, fmt.Errorf("%s has no symbol main.mark", p.path)
	}
	slices.SortFunc(p.functions, func(a, b function) int { return cmp.Compare(a.at.start, b.at.start) })
	p.words, err = textWords(file)
	return p, err
}

// isPacketWork reports whether a function's instructions count where whole packets do: those of
// everything but this program itself and the runtime (which has functions without a package, too),
// of which copying and clearing counts. How often the runtime's scheduler looks around depends on
// the time that the emulator takes.
func isPacketWork(name string) bool {
	return isCounted(name) || !strings.HasPrefix(name, "main.") && !strings.HasPrefix(name, "runtime.") &&
		!strings.HasPrefix(name, "internal/runtime/") && strings.Contains(name, ".")
}

// isCounted reports whether a function's instructions count: those of package arc4,
// of its backends and of what they have the runtime do.
func isCounted(name string) bool {
	for _, prefix := range []string{"arc4.", "arc4/asm.", "arc4/generic."} {
		if strings.HasPrefix(name, "github.com/arc4tun/arc4tun/"+prefix) {
			return true
		}
	}
	switch strings.TrimSuffix(name, ".abi0") {
	case "runtime.memmove", "runtime.memclrNoHeapPointers", "runtime.duffzero", "runtime.duffcopy":
		return true
	}
	return false
}

// textWords gives the 32-bit instruction at an address of file.
func textWords(file *elf.File) (func(pc uint64) uint32, error) {
	text := file.Section(".text")
	if text == nil {
		return nil, fmt.Errorf("the program has no section .text")
	}
	data, err := text.Data()
	if err != nil {
		return nil, fmt.Errorf("section .text: %w", err)
	}
	return func(pc uint64) uint32 {
		at := pc - text.Addr
		if at+4 > uint64(len(data)) {
			return 0
		}
		return file.ByteOrder.Uint32(data[at:])
	}, nil
}

// command is the emulator with these flags of its own, running this program
// with these arguments.
func (p *program) command(flags []string, args ...string) *exec.Cmd {
	line := slices.Concat(p.emulator[1:], flags, []string{p.path}, args)
	cmd := exec.Command(p.emulator[0], line...)
	cmd.Env = append(os.Environ(), "GODEBUG=asyncpreemptoff=1")
	return cmd
}

// backends lists the backends that run on the emulated processor.
func (p *program) backends() ([]string, error) {
	output, err := p.command(nil, "-work", "?").Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.emulator[0], err)
	}
	return strings.Fields(string(output)), nil
}

// trace runs the work with the backend called name and counts.
func (p *program) trace(name string) ([]segment, error) {
	stall := func(int, uint64) int { return 0 }
	if p.core != nil {
		core := p.core()
		stall = func(_ int, pc uint64) int { return core(p.words(pc)) }
	}
	return p.run(name, p.counted, stall)
}

// run runs the work called name, and has each be told every instruction that counts in these ranges
// of addresses; see readTrace.
func (p *program) run(name string, counted []span, each func(segment int, pc uint64) int) ([]segment, error) {
	var ranges []string
	for _, s := range counted {
		ranges = append(ranges, fmt.Sprintf("%#x+%#x", s.start, s.size))
	}
	single, err := singleStep(p.emulator[0])
	if err != nil {
		return nil, err
	}
	cmd := p.command([]string{single, "-d", "exec,nochain", "-dfilter", strings.Join(ranges, ",")}, "-work", name)
	log, err := cmd.StderrPipe() // where qemu logs to unless told otherwise
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	segments, said, readErr := readTrace(log, p.marker, each)
	if err := cmd.Wait(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", p.emulator[0], err, said)
	}
	return segments, readErr
}

// singleStep is the emulator's flag for one instruction a translated block,
// which got another name in qemu 8.1.
func singleStep(emulator string) (string, error) {
	output, err := exec.Command(emulator, "-help").Output()
	if err != nil {
		return "", fmt.Errorf("%s -help: %w", emulator, err)
	}
	if strings.Contains(string(output), "-one-insn-per-tb") {
		return "-one-insn-per-tb", nil
	}
	return "-singlestep", nil
}

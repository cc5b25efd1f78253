package main

import (
	"bufio"
	"bytes"
	"context"
	"debug/elf"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/arc4tun/arc4tun/tools/internal/emulated"
)

// processor is one that a packet's instructions are counted on.
type processor struct {
	name    string // of the figure, instructions-NAME
	machine string // of package emulated
	env     string // to build for it besides
	backend string // that is selected there; measuring under an emulator says nothing
}

var processors = []processor{
	{"mipsle", "mipsle-24Kf", "GOMIPS=softfloat", "mipsle-r2"},
	{"mips", "mips-24Kf", "GOMIPS=softfloat", "mips-r2"},
	{"armv5", "arm", "GOARM=5", "arm"},
	{"armv7", "arm", "GOARM=7", "arm"},
	{"arm64", "arm64", "", "arm64"},
}

// A packet costs the difference of two runs, over the difference of their packets: what is done
// once cancels out.
const (
	fewPackets  = 128
	manyPackets = 256
)

const module = "github.com/arc4tun/arc4tun/"

// countPackets counts the instructions of BenchmarkPacketWork (tunnel/internal/session), under
// qemu-user, in this module's functions and in the runtime's copying and clearing: of a packet at
// one end, which is half of one that is sent and received.
func countPackets(ctx context.Context, root string, p processor, f figures) error {
	m, err := emulated.Find(p.machine)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "benchrouter")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	emulator, err := m.Command(dir)
	if err != nil {
		return err
	}
	program := filepath.Join(dir, "session.test")
	build := exec.CommandContext(ctx, "go", "test", "-c", "-o", program, "./tunnel/internal/session")
	build.Dir = root
	build.Env = append(append(os.Environ(), m.Env()...), p.env)
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", build, err, output)
	}
	functions, err := countedFunctions(program)
	if err != nil {
		return err
	}
	few, err := countRun(ctx, emulator, program, p.backend, functions, fewPackets)
	if err != nil {
		return err
	}
	many, err := countRun(ctx, emulator, program, p.backend, functions, manyPackets)
	if err != nil {
		return err
	}
	for name, n := range many {
		each := float64(n-few[name]) / (manyPackets - fewPackets) / 2
		if name == "" {
			f["instructions-"+p.name] = []float64{each}
		} else if each >= 1 {
			f["instructions-"+p.name+" "+name] = []float64{each}
		}
	}
	return nil
}

// symbol is a function of a program.
type symbol struct {
	start, size uint64
	name        string
}

// countedFunctions are those of a program that count, by their addresses.
func countedFunctions(program string) ([]symbol, error) {
	file, err := elf.Open(program)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	all, err := file.Symbols()
	if err != nil {
		return nil, fmt.Errorf("symbols of %s: %w", program, err)
	}
	var counted []symbol
	for _, s := range all {
		if elf.ST_TYPE(s.Info) == elf.STT_FUNC && s.Size > 0 && counts(s.Name) {
			counted = append(counted, symbol{s.Value, s.Size, s.Name})
		}
	}
	slices.SortFunc(counted, func(a, b symbol) int { return int(int64(a.start) - int64(b.start)) })
	if len(counted) == 0 {
		return nil, fmt.Errorf("%s has no function of %s", program, module)
	}
	return counted, nil
}

// counts reports whether a function does a packet's work: this module's, but for what the benchmark
// itself is made of, crypto/sha1, and copying and clearing.
func counts(name string) bool {
	switch strings.TrimSuffix(name, ".abi0") {
	case "runtime.memmove", "runtime.memclrNoHeapPointers", "runtime.duffzero", "runtime.duffcopy", "runtime.memequal":
		return true
	}
	if strings.HasPrefix(name, "crypto/sha1.") || strings.HasPrefix(name, "crypto/internal/fips140/sha1.") {
		return true
	}
	if !strings.HasPrefix(name, module) {
		return false
	}
	for _, test := range []string{"session.BenchmarkPacketWork", "session.(*pair).", "session.newPair", "session.(*wire).", "session.(*nowhere)."} {
		if strings.Contains(name, test) {
			return false
		}
	}
	return true
}

// ranges are the addresses of functions as few stretches, because the emulator compares every
// instruction with all of them.
func ranges(functions []symbol) string {
	var list []string
	for i := 0; i < len(functions); {
		start, end := functions[i].start, functions[i].start+functions[i].size
		for i++; i < len(functions) && functions[i].start < end+64; i++ {
			end = functions[i].start + functions[i].size
		}
		list = append(list, fmt.Sprintf("%#x+%#x", start, end-start))
	}
	return strings.Join(list, ",")
}

// countRun counts what a run of so many packets executes, by function; under "" all of it.
func countRun(ctx context.Context, emulator []string, program, backend string, functions []symbol, packets int) (map[string]int, error) {
	args := append(slices.Clone(emulator[1:]), "-singlestep", "-d", "exec,nochain", "-dfilter", ranges(functions), program,
		"-test.run", "^$", "-test.bench", "^BenchmarkPacketWork$", "-test.benchtime", strconv.Itoa(packets)+"x")
	cmd := exec.CommandContext(ctx, emulator[0], args...)
	cmd.Env = append(os.Environ(), "GODEBUG=asyncpreemptoff=1", "GOGC=off", "ARC4_BACKEND="+backend)
	var said bytes.Buffer
	cmd.Stdout = &said
	log, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	executed, readErr := countLog(log)
	if err := cmd.Wait(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", emulator[0], err, said.String())
	}
	return byFunction(executed, functions), readErr
}

// countLog counts the addresses in qemu's log of single instructions.
func countLog(log io.Reader) (map[uint64]int, error) {
	executed := map[uint64]int{}
	lines := bufio.NewReaderSize(log, 1<<20)
	for {
		line, err := lines.ReadSlice('\n')
		if _, pc, ok := emulated.Executed(line); ok {
			executed[pc]++
		}
		switch err {
		case nil, bufio.ErrBufferFull:
		case io.EOF:
			return executed, nil
		default:
			return nil, err
		}
	}
}

// byFunction sums up addresses by the function they lie in; others do not count.
func byFunction(executed map[uint64]int, functions []symbol) map[string]int {
	sums := map[string]int{}
	for pc, n := range executed {
		i := sort.Search(len(functions), func(i int) bool { return functions[i].start > pc }) - 1
		if i < 0 || pc-functions[i].start >= functions[i].size {
			continue
		}
		sums[strings.TrimPrefix(functions[i].name, module)] += n
		sums[""] += n
	}
	return sums
}

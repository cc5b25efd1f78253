package backendcache

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
)

// Here returns the key of this machine and this program, whose version it is told. The error says
// what cannot be found out.
func Here(version string) (Key, error) {
	processor, err := processor()
	if err != nil {
		return Key{}, err
	}
	kernel, err := kernelArchitecture()
	if err != nil {
		return Key{}, err
	}
	program, err := os.Executable()
	if err != nil {
		return Key{}, err
	}
	info, err := os.Stat(program)
	if err != nil {
		return Key{}, err
	}
	// Builds between two releases have one version.
	build := fmt.Sprintf("%s %s %d %d", runtime.Version(), runtime.GOARCH, info.Size(), info.ModTime().Unix())
	return Key{Version: version, Build: build, Kernel: kernel, Processor: processor}, nil
}

// identifying are the lines of /proc/cpuinfo that tell one processor from another, in any
// architecture; the others are frequencies and numbers of cores.
var identifying = []string{
	"system type", "cpu model", "isa", "ASEs implemented", // MIPS
	"vendor_id", "model name", "cpu family", "model", "stepping", "microcode", "flags", // x86
	"Processor", "Features", "CPU implementer", "CPU architecture", "CPU variant", "CPU part", "CPU revision", "Hardware", // ARM
	"uarch", "mvendorid", "marchid", // RISC-V
}

// processorOf is the identity of the processors in the text of /proc/cpuinfo: its lines, each once.
func processorOf(cpuinfo string) (string, error) {
	var list []string
	seen := map[string]bool{}
	for line := range strings.Lines(cpuinfo) {
		name, value, _ := strings.Cut(line, ":")
		name, value = strings.TrimSpace(name), strings.Join(strings.Fields(value), " ")
		line = name + ": " + value
		if value == "" || seen[line] || !slices.Contains(identifying, name) {
			continue
		}
		seen[line] = true
		list = append(list, line)
	}
	if len(list) == 0 {
		return "", errors.New("/proc/cpuinfo does not name the processor")
	}
	return strings.Join(list, "; "), nil
}

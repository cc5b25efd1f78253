package speed

import (
	"runtime"
	"slices"
	"strings"
)

// CPU is the processor of this machine.
type CPU struct {
	Brand    string
	Features []string // instruction set extensions, sorted
	Count    int      // logical processors that this process may use
}

// unknownCPU is the brand of a processor that will not say what it is.
const unknownCPU = "unknown processor"

// readCPU asks the processor what it is, or, on architectures where a program cannot ask, the
// operating system.
func readCPU() CPU {
	cpu := CPU{Count: runtime.NumCPU()}
	cpu.Brand, cpu.Features = askProcessor()
	if cpu.Brand == "" || len(cpu.Features) == 0 {
		brand, features := parseCPUInfo(readCPUInfo())
		if cpu.Brand == "" {
			cpu.Brand = brand
		}
		if len(cpu.Features) == 0 {
			cpu.Features = features
		}
	}
	if cpu.Brand == "" {
		cpu.Brand = unknownCPU
	}
	slices.Sort(cpu.Features)
	return cpu
}

// The fields of Linux's /proc/cpuinfo that say what the processor is and what it can do, the best
// first; they differ by architecture ("cpu model" and "isa" are MIPS's, "model name" and "Features"
// ARM's, "uarch" RISC-V's).
var (
	brandFields   = []string{"model name", "cpu model", "uarch", "cpu", "processor"}
	systemFields  = []string{"system type", "machine", "hardware"}
	featureFields = []string{"flags", "features", "isa", "ases implemented"}
)

// parseCPUInfo reads brand and features from the text of Linux's /proc/cpuinfo.
func parseCPUInfo(text string) (brand string, features []string) {
	first := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, found := strings.Cut(line, ":")
		name = strings.ToLower(strings.TrimSpace(name))
		value = squeeze(value)
		if _, seen := first[name]; found && !seen && value != "" {
			first[name] = value
		}
	}
	for _, f := range brandFields {
		// "processor: 0" is no brand.
		if v := first[f]; strings.ContainsFunc(v, func(r rune) bool { return r > '9' }) {
			brand = v
			break
		}
	}
	for _, f := range systemFields {
		if v := first[f]; v != "" && brand != "" {
			brand += " (" + v + ")"
			break
		} else if v != "" {
			brand = v
			break
		}
	}
	for _, f := range featureFields {
		features = append(features, strings.Fields(first[f])...)
	}
	return brand, unique(features)
}

// squeeze removes the blanks that vendors pad their names with.
func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

// cipherFeatures are the extensions that matter to a cipher's implementation; the table shows these
// only.
var cipherFeatures = []string{
	"SSE2", "SSSE3", "SSE4", "SSE42", "AVX", "AVX2", "AVX512F", "AVX512BW", "AVX512VL", "AVX512VBMI", "AVX512VBMI2",
	"BMI1", "BMI2", "AESNI", "VAES", "SHA", "GFNI",
	"ASIMD", "AESARM", "SHA1", "SHA2", "SVE", "SVE2", "NEON", "AES",
	"MIPS1", "MIPS2", "MIPS32R1", "MIPS32R2", "MIPS32R5", "MIPS32R6", "MIPS64R1", "MIPS64R2", "MIPS64R6", "MIPS16", "DSP", "DSP2", "MSA",
}

// shortFeatures are the features that matter to a cipher, or all where none of the known ones is
// there.
func (c CPU) shortFeatures() []string {
	var short []string
	for _, f := range c.Features {
		if slices.Contains(cipherFeatures, strings.ToUpper(f)) {
			short = append(short, f)
		}
	}
	if len(short) == 0 {
		return c.Features
	}
	return short
}

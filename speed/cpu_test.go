package speed

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestParseCPUInfo(t *testing.T) {
	for name, test := range map[string]struct {
		text, brand string
		features    []string
	}{
		"MIPS router": {
			"system type\t\t: MediaTek MT7621 ver:1 eco:3\nmachine\t\t\t: Some Router\nprocessor\t\t: 0\ncpu model\t\t: MIPS 1004Kc V2.15\n" +
				"BogoMIPS\t\t: 586.13\nisa\t\t\t: mips1 mips2 mips32r1 mips32r2\nASEs implemented\t: mips16 dsp mt\nprocessor\t\t: 1\ncpu model\t\t: other\n",
			"MIPS 1004Kc V2.15 (MediaTek MT7621 ver:1 eco:3)",
			[]string{"mips1", "mips2", "mips32r1", "mips32r2", "mips16", "dsp", "mt"},
		},
		"ARM": {
			"processor\t: 0\nmodel name\t: ARMv7 Processor rev 4 (v7l)\nFeatures\t: half thumb neon vfpv4\nHardware\t: BCM2835\n",
			"ARMv7 Processor rev 4 (v7l) (BCM2835)",
			[]string{"half", "thumb", "neon", "vfpv4"},
		},
		"RISC-V": {
			"processor\t: 0\nhart\t\t: 1\nisa\t\t: rv64imafdc\nuarch\t\t: sifive,u74-mc\n",
			"sifive,u74-mc",
			[]string{"rv64imafdc"},
		},
		"only a system": {"system type : Atheros AR7240 rev 2\nprocessor : 0\n", "Atheros AR7240 rev 2", nil},
		"empty":         {"", "", nil},
		"no fields":     {"garbage\n\n:\n: x\ncpu model:\n", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			brand, features := parseCPUInfo(test.text)
			assert.Equal(t, test.brand, brand)
			assert.Equal(t, test.features, features)
		})
	}
}

func FuzzParseCPUInfo(f *testing.F) {
	f.Add("cpu model : MIPS 24Kc V5.0\nisa : mips1 mips32r2\n")
	f.Add("model name: x\x00\nflags:::\n")
	f.Fuzz(func(t *testing.T, text string) {
		brand, features := parseCPUInfo(text)
		if len(brand) > 2*len(text)+3 || len(features) > len(text) {
			t.Fatalf("%d bytes of text became %d of brand and %d features", len(text), len(brand), len(features))
		}
	})
}

func TestShortFeatures(t *testing.T) {
	assert.Equal(t, []string{"AVX2", "SHA"}, CPU{Features: []string{"AVX2", "CMOV", "SHA", "X87"}}.shortFeatures())
	assert.Equal(t, []string{"rv64imafdc"}, CPU{Features: []string{"rv64imafdc"}}.shortFeatures())
}

func TestReadCPU(t *testing.T) {
	cpu := readCPU()
	assert.NotEmpty(t, cpu.Brand)
	assert.Positive(t, cpu.Count)
	assert.IsIncreasing(t, append([]string{""}, cpu.Features...))
}

package mipscpu

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOf(t *testing.T) {
	const r1r2 = "isa\t\t\t: mips1 mips2 mips32r1 mips32r2\n"
	for _, c := range []struct {
		name, cpuinfo, platform string
		want                    Features
	}{
		{"nothing known", "", "", Features{}},
		{"24Kc", "cpu model\t\t: MIPS 24Kc V7.4\n" + r1r2 + "ASEs implemented\t: mips16\n", "", Features{2, false}},
		{"74Kc", "cpu model\t\t: MIPS 74Kc V4.12\n" + r1r2 + "ASEs implemented\t: mips16 dsp dsp2\n", "", Features{2, true}},
		{"1004Kc, two of four", r1r2 + "ASEs implemented\t: mips16 dsp mt\n\n" + r1r2 + "ASEs implemented\t: mips16 dsp mt\n", "", Features{2, true}},
		{"4Kc", "isa\t\t\t: mips1 mips2 mips32r1\nASEs implemented\t:\n", "", Features{1, false}},
		{"4Kc of an older kernel", "isa\t\t\t: mips1 mips2 mips32\n", "", Features{1, false}},
		{"Octeon", "isa\t\t\t: mips1 mips2 mips3 mips4 mips5 mips32r1 mips32r2 mips64r1 mips64r2\n", "", Features{2, false}},
		{"a 64-bit one", "isa : mips3 mips4 mips5 mips64r2\n", "", Features{2, false}},
		{"P5600", "isa\t: mips1 mips2 mips32r1 mips32r2 mips32r5\nASEs implemented\t: vz msa eva\n", "", Features{5, false}},
		{"revision 6", "isa\t: mips32r6\n", "mips32r2", Features{6, false}},
		{"too old", "isa\t: mips1 mips2\n", "", Features{}},
		{"not the same processors", r1r2 + "isa : mips1 mips32r1\n", "", Features{1, false}},
		{"one without the extension", r1r2 + "ASEs implemented\t: dsp\n" + r1r2 + "ASEs implemented\t:\n", "", Features{2, false}},
		{"one without the extension, first", r1r2 + "ASEs implemented\t:\n" + r1r2 + "ASEs implemented\t: dsp\n", "", Features{2, false}},
		{"only the second DSP", r1r2 + "ASEs implemented\t: dsp2\n", "", Features{2, false}},
		{"no line isa", "cpu model\t\t: MIPS 24Kc V7.4\n", "", Features{}},
		{"another architecture", "processor\t: 0\nvendor_id\t: AuthenticAMD\nflags\t\t: fpu vme\n", "", Features{}},
		{"platform only", "", "mips32r2", Features{2, false}},
		{"platform of revision 1", "", "mips32", Features{1, false}},
		{"platform of 64 bits", "", "mips64r2", Features{2, false}},
		{"platform of revision 6", "", "mips32r6", Features{6, false}},
		{"cpuinfo before platform", "isa : mips32r1\n", "mips32r2", Features{1, false}},
		{"unknown platform", "", "loongson3a", Features{}},
		{"a revision to come", "", "mips32r7", Features{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, Of(c.cpuinfo, c.platform))
		})
	}
}

func FuzzOf(f *testing.F) {
	f.Add("isa\t: mips1 mips32r1 mips32r2\nASEs implemented\t: dsp\n", "mips32r2")
	f.Add("isa:mips32r6", "")
	f.Add("", "mips64")
	f.Fuzz(func(t *testing.T, cpuinfo, platform string) {
		got := Of(cpuinfo, platform)
		require.Contains(t, []int{0, 1, 2, 3, 5, 6}, got.Revision)
		if got.DSP {
			require.Contains(t, cpuinfo, "dsp")
		}
		if got.Revision > 1 {
			require.True(t, strings.Contains(cpuinfo+platform, "r"))
		}
	})
}

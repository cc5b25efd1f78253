package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func nothing(int, uint64) int { return 0 }

// trace is a log in which thread 0 executes these addresses.
func trace(addresses ...string) string {
	var log strings.Builder
	for _, a := range addresses {
		if strings.HasPrefix(a, "Trace") || strings.Contains(a, " ") {
			log.WriteString(a + "\n")
			continue
		}
		log.WriteString("Trace 0: 0x7f023ce000c0 [00000000/" + a + "/000000a2/00000201] f\n")
	}
	return log.String()
}

func TestReadTrace(t *testing.T) {
	other := "Trace 1: 0x7f023ce000c0 [00000000/00000200/000000a2/00000201] f"
	marker := span{0x100, 8}
	for _, c := range []struct {
		name string
		log  string
		want []segment
		said string
	}{
		{"nothing", "", nil, ""},
		{"no mark", trace("200", "204"), nil, ""},
		{"one mark", trace("200", "100", "104", "200"), nil, ""},
		{"between marks", trace("200", "100", "104", "200", "204", "100", "104", "208", "100"),
			[]segment{{2, 20}, {1, 10}}, ""},
		{"an empty piece", trace("100", "104", "100"), []segment{{0, 0}}, ""},
		{"another thread", trace("100", "200", other, "200", "100"), []segment{{2, 20}}, ""},
		{"words of the program", trace("100", "fatal error: x", "200", "100"), []segment{{1, 10}}, "fatal error: x\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, said, err := readTrace(strings.NewReader(c.log), marker, func(int, uint64) int { return 10 })
			require.NoError(t, err)
			require.Equal(t, c.want, got)
			require.Equal(t, c.said, said)
			got, _, err = readTrace(strings.NewReader(c.log), marker, nothing)
			require.NoError(t, err)
			for n := range got {
				require.Equal(t, segment{instructions: c.want[n].instructions}, got[n], "without a model")
			}
		})
	}
}

func FuzzReadTrace(f *testing.F) {
	f.Add(trace("100", "200", "204", "100"))
	f.Add("Trace 0: 0x0 [0/100/0/0]\nTrace")
	f.Add("")
	f.Fuzz(func(t *testing.T, log string) {
		segments, said, err := readTrace(strings.NewReader(log), span{0x100, 8}, nothing)
		counted := 0
		for _, s := range segments {
			counted += s.instructions
		}
		require.LessOrEqual(t, counted, strings.Count(log, "\n")+1)
		if err == nil {
			require.LessOrEqual(t, len(said), len(log)+1)
		}
	})
}

func TestSummarise(t *testing.T) {
	segments := make([]segment, 0, rounds*stepsARound)
	for round := range rounds {
		for n, s := range steps {
			instructions := 100 + 10*s.n // 10 a byte and 100 a call
			switch n {
			case onlyKey:
				instructions = 2000 + round // on average 1.5 more
			case shortUnaligned, longUnaligned:
				instructions = 120 + 11*s.n
			case manyCalls:
				instructions = calls * (100 + 10*s.n)
			}
			segments = append(segments, segment{instructions, s.n})
		}
	}
	got, err := summarise("x", segments)
	require.NoError(t, err)
	require.Equal(t, row{
		name: "x", aligned: 10, unaligned: 11, cycles: 11,
		setup: 2001.5, setupCycles: 2001.5,
		packet: 100 + 10*packet, packetCycles: 100 + 11*packet, tiny: 100 + 10*tiny,
		call: 100 + 10*block,
	}, got)
	_, err = summarise("x", segments[1:])
	require.ErrorContains(t, err, "43 pieces of work in qemu's log, want 44")
}

func TestIsCounted(t *testing.T) {
	for name, want := range map[string]bool{
		"github.com/arc4tun/arc4tun/arc4/asm.xorR2":              true,
		"github.com/arc4tun/arc4tun/arc4/asm.(*State).SetKey":    true,
		"github.com/arc4tun/arc4tun/arc4/generic.(*U32).SetKey":  true,
		"github.com/arc4tun/arc4tun/arc4.(*Cipher).XORKeyStream": true,
		"github.com/arc4tun/arc4tun/internal/mipscpu.Of":         false,
		"runtime.memmove":                   true,
		"runtime.memclrNoHeapPointers.abi0": true,
		"runtime.memclrHasPointers":         false,
		"main.mark":                         false,
	} {
		require.Equal(t, want, isCounted(name), name)
	}
}

func TestPacketWork(t *testing.T) {
	p := program{marker: span{0x500, 8}}
	for n, f := range []struct {
		name string
		size uint64
	}{
		{"runtime.main", 12}, {"github.com/arc4tun/arc4tun/mppe.(*Encrypter).frame", 16}, {"crypto/sha1.Sum", 15},
		{"runtime.memmove", 4}, {"internal/runtime/atomic.Cas", 8}, {"gogo", 8}, {"sync.(*Pool).Get", 8},
	} {
		p.functions = append(p.functions, function{span{0x100 + 16*uint64(n), f.size}, f.name})
	}
	require.Equal(t, []span{p.marker, {0x110, 36}, {0x160, 8}}, p.packetWork())
	require.Equal(t, "crypto/sha1.Sum", p.functions.of(0x12e))
	for _, between := range []uint64{0, 0xff, 0x12f, 0x168} {
		require.Equal(t, "?", p.functions.of(between))
	}
}

func TestPrintPackets(t *testing.T) {
	shares := []share{
		{"github.com/arc4tun/arc4tun/arc4/asm.xorR2", [ways]float64{1000, 900}, [ways]float64{1100, 990}},
		{"a", [ways]float64{20, 1}, [ways]float64{21, 2}},
		{"b", [ways]float64{4, 3}, [ways]float64{4, 3}},
	}
	var out strings.Builder
	printPackets(&out, "a packet", shares, true, true)
	require.Contains(t, out.String(), "| arc4/asm.xorR2 | 1000 | 900 | 1100 | 990 |")
	require.Contains(t, out.String(), "| others | 24 | 4 | 25 | 5 |")
	require.Contains(t, out.String(), "| sum | 1024 | 904 | 1125 | 995 |")
	out.Reset()
	printPackets(&out, "a packet", shares, false, true)
	require.Contains(t, out.String(), "| sum | 1024 | 904 |\n")
}

func TestPrintTable(t *testing.T) {
	var out strings.Builder
	printTable(&out, "instructions on mips", []row{{name: "mips", aligned: 12, cycles: 13.5}}, true, true)
	require.Contains(t, out.String(), "24K")
	require.Contains(t, out.String(), "| mips | 12.00 |")
	require.Contains(t, out.String(), "13.50")
	out.Reset()
	printTable(&out, "instructions on arm", []row{{name: "arm", aligned: 12}}, false, false)
	require.NotContains(t, out.String(), "24K")
	require.Contains(t, out.String(), "instructions on arm")
}

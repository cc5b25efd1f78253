package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/arc4tun/arc4tun/internal/usleep"
)

func TestVersionSaysHowGoSleeps(t *testing.T) {
	for _, test := range []struct {
		name  string
		sleep usleep.State
		want  string
	}{
		{"not on MIPS", usleep.Elsewhere, ""},
		{"mended", usleep.Right, "Go's usleep: right\n"},
		{"as Go has it", usleep.Faulty, "Go's usleep: faulty, which costs a quarter of the processor; make router and make build mend it (doc/go-mips-usleep.md)\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			require.NoError(t, writeVersion(&out, test.sleep))
			first, rest, _ := bytes.Cut(out.Bytes(), []byte("\n"))
			require.Regexp(t, `^arc4 \S+ go\S+ \w+/\w+$`, string(first))
			require.Equal(t, test.want+builtWithout(), string(rest))
		})
	}
}

package ppp

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What the two functions find, as patterns.
var (
	codedField = regexp.MustCompile(`\b([SCsc])=\S*`)
	manyDigits = regexp.MustCompile(`[0-9A-Fa-f]{16,}`)
)

// FuzzHidden holds what hides values in messages against patterns that say the same.
func FuzzHidden(f *testing.F) {
	for _, text := range []string{
		"", "S=", "S=0123 M=welcome", "E=691 R=0 C=0123456789ABCDEF0123456789ABCDEF V=3 M=no", "c=1 s=2", "xS=1 _C=2 9s=3", "ÄS=1 -C=2", "S=S=1 C",
		"S=a\tb C=c\nd", "0123456789abcde", "0123456789abcdef", "x0123456789ABCDEF01y", strings.Repeat("f", 40) + " g " + strings.Repeat("0", 16),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		require.Equal(t, codedField.ReplaceAllString(text, "$1=<hidden>"), hideCodedFields(text))
		require.Equal(t, manyDigits.ReplaceAllString(text, "<hidden>"), hideHex(text))
	})
}

//go:build !noman

package clidoc

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

func TestRoffEscapes(t *testing.T) {
	for text, want := range map[string]string{
		`.TH`:                     `\&.TH`,
		`'quoted'`:                `\(aqquoted\(aq`,
		`OFFICE\alice`:            `OFFICE\ealice`,
		`use --mppe-stateful now`: `use \fB\-\-mppe\-stateful\fR now`,
		`see pppd(8), f(x)`:       `see \fBpppd\fR(8), f(x)`,
		`a-b --`:                  `a\-b \-\-`,
	} {
		var r roff
		r.text(text)
		_, got, _ := strings.Cut(r.String(), ".PP\n")
		assert.Equal(t, want+"\n", got)
	}
	assert.Equal(t, `\fBarc4\fR \fBconnect\fR \fISERVER\fR[:\fIPORT\fR] \fB\-\-user\fR \fINAME\fR [\fIFLAG\fR...]`,
		roffUsage("arc4 connect SERVER[:PORT] --user NAME [FLAG...]"))
	assert.Equal(t, `"two words"`, roffArgument("two words"))
	assert.Equal(t, `""`, roffArgument(""))
	assert.Equal(t, `\(dqx\(dq`, roffArgument(`"x"`))
}

func TestManDir(t *testing.T) {
	assert.Equal(t, "share/man/man5", manDir("share/man/man1", "5"))
	assert.Equal(t, "share/man/man5", manDir("share/man/man1/", "5"))
	assert.Equal(t, "share/man/man1", manDir("share/man/man1", "1"))
	assert.Equal(t, "build/pages", manDir("build/pages", "5"))
}

func FuzzRoff(f *testing.F) {
	for _, text := range fuzzTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return
		}
		var r roff
		r.text(text)
		for line := range strings.Lines(r.String()) {
			if macro, is := strings.CutPrefix(line, "."); is {
				name, _, _ := strings.Cut(strings.TrimSpace(macro), " ")
				assert.Contains(t, []string{"PP", "TP", "RS", "RE", "nf", "fi"}, name)
			}
			assert.False(t, strings.HasPrefix(line, "'"), line)
		}
	})
}

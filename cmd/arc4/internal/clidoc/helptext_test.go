package clidoc

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

const exampleText = `A paragraph of
two lines.

    one   the first
      entry
    two   the second

Then:
    arc4 speed    # as it stands
      deeper

    name  a  table
    x     y  z`

func TestParseText(t *testing.T) {
	assert.Equal(t, []textBlock{
		{text: "A paragraph of two lines."},
		{entries: []Entry{{"one", "the first entry"}, {"two", "the second"}}},
		{text: "Then:"},
		{Lines: []string{"arc4 speed    # as it stands", "  deeper"}},
		{Lines: []string{"name  a  table", "x     y  z"}},
	}, ParseText(exampleText))
	assert.Empty(t, ParseText("\n \n"))
}

func TestWrapText(t *testing.T) {
	assert.Equal(t, `  A paragraph of
  two lines.

      one  the
           first
           entry
      two  the
           second

  Then:

      arc4 speed    # as it stands
        deeper

      name  a  table
      x     y  z
`, wrapText(exampleText, "  ", 16))
}

func TestWrapEntriesWithLongNames(t *testing.T) {
	long := strings.Repeat("n", widestName+1)
	assert.Equal(t, "  aa  b\n  "+long+"\n      c\n", wrapEntries([]Entry{{"aa", "b"}, {long, "c"}}, "  ", 80))
	assert.Equal(t, "  "+long+"\n        c\n", wrapEntries([]Entry{{long, "c"}}, "  ", 80))
}

// fuzzTexts are where the fuzzers of texts begin.
var fuzzTexts = []string{exampleText, "", "    ", ".TH x", "    'a  b", "\\fB", "    a  b\n  c"}

func FuzzText(f *testing.F) {
	for _, text := range fuzzTexts {
		f.Add(text, 40)
	}
	f.Fuzz(func(t *testing.T, text string, width int) {
		if !utf8.ValidString(text) || width < 1 {
			return
		}
		words := strings.Join(strings.Fields(text), "")
		assert.Equal(t, words, strings.Join(strings.Fields(wrapText(text, " ", width)), ""), "wrapping changes nothing but blanks")
	})
}

func TestParseEntry(t *testing.T) {
	for line, want := range map[string]Entry{
		"one  the first":      {"one", "the first"},
		"two words    second": {"two words", "second"},
		"tail  a  b":          {"tail", "a  b"},
		"alone":               {},
		"arc4 demo  # 15 s":   {},
		"  indented":          {},
		" one  indented":      {},
	} {
		e, is := parseEntry(line)
		assert.Equal(t, want, e, line)
		assert.Equal(t, want != Entry{}, is, line)
	}
}

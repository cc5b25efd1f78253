package secrets

import (
	"fmt"
	"log/slog"
	"strings"
)

// Warning is a line that can be read but probably does not do what was meant. It never holds a
// password.
type Warning struct {
	File string
	Line int    // from 1; 0: the file as a whole
	User string // the line's first word
	Text string // what it does, and the remedy
}

// Place is FILE:LINE, or FILE.
func (w Warning) Place() string {
	if w.Line == 0 {
		return w.File
	}
	return fmt.Sprintf("%s:%d", w.File, w.Line)
}

func (w Warning) String() string {
	if w.User == "" {
		return w.Place() + ": " + w.Text
	}
	return fmt.Sprintf("%s: user %q: %s", w.Place(), w.User, w.Text)
}

// Attrs are its parts for a log.
func (w Warning) Attrs() []any {
	attrs := []any{slog.String("at", w.Place())}
	if w.User != "" {
		attrs = append(attrs, slog.String("user", w.User))
	}
	return append(attrs, slog.String("warning", w.Text))
}

// maxWarnings bounds what a large file of a foreign habit can say.
const maxWarnings = 20

func (t *Table) warn(name string, s Secret, what string) {
	if len(t.warnings) < maxWarnings {
		t.warnings = append(t.warnings, Warning{File: strings.TrimPrefix(name, fileIs), Line: s.Line, User: s.Client, Text: what})
	}
}

// fileIs stands before a file's name in errors.
const fileIs = "secrets file "

// warnOfWords tells of words that pppd reads too, but seldom as they were meant.
func (t *Table) warnOfWords(name string, s Secret, words []word) {
	for i, what := range []string{"user name", "server name", "secret"} {
		if words[i].cut {
			t.warn(name, s, fmt.Sprintf("the %s ends before a #, which begins a comment as in pppd: if it belongs to the %s, put all of it into quotes", what, what))
		}
	}
	if words[0].suspect {
		t.warn(name, s, `the user name has a backslash before a letter or digit, which is an escape: write two for DOMAIN\\user`)
	}
}

// warnOfRepetition tells of a line that an earlier one of the same user and server makes useless.
func (t *Table) warnOfRepetition(name string, s Secret) {
	for _, earlier := range t.byClient[s.Client] {
		if earlier.Server == s.Server {
			t.warn(name, s, fmt.Sprintf("the same user and server stand in line %d, and that line counts: remove one of them", earlier.Line))
			return
		}
	}
}

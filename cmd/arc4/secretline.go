package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// readSecretLine reads a line that the terminal does not show. It is not term.ReadPassword, to
// which control-D is nothing, nor term.Terminal, whose editing of lines that are shown weighs 37 KB
// of a router's file.
func readSecretLine(ctx context.Context, prompt string, tty *os.File, out io.Writer) (string, error) {
	before, err := term.MakeRaw(int(tty.Fd()))
	if err != nil {
		return "", err
	}
	type answer struct {
		line string
		err  error
	}
	typed := make(chan answer, 1)
	go func() {
		_, _ = io.WriteString(out, prompt) // who does not see it can type all the same
		line, err := typedLine(tty)
		if err == nil {
			_, _ = io.WriteString(out, "\r\n")
		}
		typed <- answer{line, err}
	}()
	var a answer
	select {
	case a = <-typed:
	case <-ctx.Done():
		a.err = ctx.Err() // the reading goes on, and the program ends before more can be typed
	}
	return a.line, errors.Join(a.err, term.Restore(int(tty.Fd()), before))
}

// Keys that edit a line, as a terminal in raw mode sends them.
const (
	keyControlC  = 3
	keyControlD  = 4
	keyControlH  = 8
	keyControlU  = 21
	keyControlW  = 23
	keyEscape    = 27
	keyBackspace = 127
)

// longestTyped bounds a typed line, in bytes, as a terminal does.
const longestTyped = 4096

// typedLine reads a line key by key, for keys behind it are for whoever reads the terminal next.
// Control-C, and control-D in an empty line, are io.EOF. Keys that move a cursor do nothing: there
// is none to see.
func typedLine(keys io.Reader) (string, error) {
	var line string
	escape := escapeNone
	for key := make([]byte, 1); ; {
		n, err := keys.Read(key)
		if err != nil {
			return "", err
		}
		if n == 0 {
			continue
		}
		c := key[0]
		if escape = escape.next(c); escape != escapeNone {
			continue
		}
		switch {
		case c == '\r', c == '\n':
			return line, nil
		case c == keyControlC, c == keyControlD && line == "":
			return "", io.EOF
		case c == keyBackspace, c == keyControlH:
			_, size := utf8.DecodeLastRuneInString(line)
			line = line[:len(line)-size]
		case c == keyControlU:
			line = ""
		case c == keyControlW:
			line = strings.TrimRight(line, " ")
			line = line[:strings.LastIndexByte(line, ' ')+1]
		case c >= ' ' && c < keyBackspace || c >= utf8.RuneSelf:
			if len(line) < longestTyped {
				line += string([]byte{c})
			}
		}
	}
}

// escapeState is how far a sequence is that a key sends which has no character: ESC [ 1 ~ or ESC O
// P (ECMA-48 section 5.4).
type escapeState int

const (
	escapeNone  escapeState = iota
	escapeBegun             // ESC
	escapeLong              // ESC [, until a byte from @ to ~
	escapeShort             // ESC O, and a byte more
	escapeEnds              // at the last byte
)

// next is the state at byte c: escapeNone where that is a key of its own.
func (e escapeState) next(c byte) escapeState {
	switch {
	case c == '\r', c == '\n', c == keyControlC:
		return escapeNone // whatever is half typed
	case c == keyEscape:
		return escapeBegun
	case e == escapeBegun && c == '[':
		return escapeLong
	case e == escapeBegun && c == 'O':
		return escapeShort
	case e == escapeLong && (c < '@' || c > '~'):
		return escapeLong
	case e == escapeBegun, e == escapeLong, e == escapeShort:
		return escapeEnds
	}
	return escapeNone
}

package main

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTypedLine(t *testing.T) {
	for _, test := range []struct{ name, keys, want, left string }{
		{"a word", "wonderland\r", "wonderland", ""},
		{"from a file", "wonderland\nmore\n", "wonderland", "more\n"},
		{"nothing", "\r", "", ""},
		{"blanks", " a b \r", " a b ", ""},
		{"backspace", "wonderx\x7fland\r", "wonderland", ""},
		{"control-H, past the beginning", "ab\b\b\bcd\r", "cd", ""},
		{"backspace over a character of two bytes", "Schlüü\x7fssel\r", "Schlüssel", ""},
		{"control-U", "wrong\x15right\r", "right", ""},
		{"control-W", "one two  \x17three\r", "one three", ""},
		{"control-W in a word", "word\x17x\r", "x", ""},
		{"control-D behind characters", "a\x04b\r", "ab", ""},
		{"other control keys", "a\x01\x05\tb\x00\r", "ab", ""},
		{"keys that move", "a\x1b[Db\x1b[1;5C\x1bOPc\x1b[3~\r", "abc", ""},
		{"alt and a key", "a\x1bxb\r", "ab", ""},
		{"escape, and enter", "ab\x1b\rmore", "ab", "more"},
		{"half a sequence, and enter", "ab\x1b[1\r", "ab", ""},
		{"not UTF-8", "a\xe4\r", "a\xe4", ""},
		{"too long", strings.Repeat("x", longestTyped+10) + "\r", strings.Repeat("x", longestTyped), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			keys := strings.NewReader(test.keys)
			line, err := typedLine(keys)
			require.NoError(t, err)
			assert.Equal(t, test.want, line)
			left, err := io.ReadAll(keys)
			require.NoError(t, err)
			assert.Equal(t, test.left, string(left), "what is for the next reader")
		})
	}
	for name, keys := range map[string]string{
		"control-C": "\x03", "control-C in a word": "wonder\x03", "control-C in a sequence": "\x1b[\x03", "control-D": "\x04", "the end": "wonder",
	} {
		t.Run(name, func(t *testing.T) {
			line, err := typedLine(strings.NewReader(keys))
			require.ErrorIs(t, err, io.EOF)
			require.Empty(t, line)
		})
	}
	_, err := typedLine(iotest.ErrReader(io.ErrClosedPipe))
	require.ErrorIs(t, err, io.ErrClosedPipe)
}

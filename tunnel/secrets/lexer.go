package secrets

import (
	"fmt"
	"slices"
)

// maxWord is the longest word pppd keeps whole (MAXWORDLEN less its terminating zero).
const maxWord = 1023

// word is one word of the file, decoded. suspect is set when a backslash stood before a
// letter or digit, which in a client's name is nearly always a domain's single backslash; cut when
// the word ends at a # that no space stands before, which in a secret is nearly always part of it.
type word struct {
	text    string
	line    int
	suspect bool
	cut     bool
}

// scanner splits a file into words as pppd does: separated by white space, '#' starts a
// comment outside quotes, '...' and "..." keep white space, and backslash escapes as in C
// work inside and outside quotes.
type scanner struct {
	data []byte
	pos  int
	line int // of data[pos], from 1
}

// syntaxError is a problem at a line, without the file's name.
type syntaxError struct {
	line    int
	problem string
	remedy  string
}

func (e *syntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.problem) }

// entry returns the words of the next line that has any, and nil at the end of the file. A
// line goes on after a backslash at its end, and within quotes.
func (s *scanner) entry() ([]word, error) {
	var words []word
	for {
		newline, more := s.skipSpace()
		if !more {
			return words, nil
		}
		if newline && len(words) > 0 {
			return words, nil
		}
		w, err := s.word()
		if err != nil {
			return nil, err
		}
		words = append(words, w)
	}
}

// skipSpace moves to the start of the next word, past white space, comments and continued
// lines. newline reports whether a line ended on the way, more whether there is a word.
func (s *scanner) skipSpace() (newline, more bool) {
	for s.pos < len(s.data) {
		c := s.data[s.pos]
		switch {
		case c == '\n':
			newline = true
			s.advance()
		case c == '\\' && s.pos+1 < len(s.data) && s.data[s.pos+1] == '\n':
			s.advance()
			s.advance()
		case c == '#':
			for s.pos < len(s.data) && s.data[s.pos] != '\n' {
				s.pos++
			}
		case isSpace(c):
			s.pos++
		default:
			return newline, true
		}
	}
	return newline, false
}

func (s *scanner) advance() {
	if s.data[s.pos] == '\n' {
		s.line++
	}
	s.pos++
}

// word decodes the word at pos.
func (s *scanner) word() (word, error) {
	w := word{line: s.line}
	var text []byte
	// A word can hold a password: its copies do not outlive the call.
	defer func() { clear(text) }()
	var quote byte
	for s.pos < len(s.data) {
		c := s.data[s.pos]
		if c == '\\' {
			s.pos++
			if s.pos == len(s.data) {
				return word{}, &syntaxError{s.line, "a backslash ends the file", "remove it, or write two for a backslash itself"}
			}
			if s.data[s.pos] == '\n' {
				s.advance()
				continue
			}
			w.suspect = w.suspect || isAlphanumeric(s.data[s.pos])
			text = append(text, s.escape())
		} else {
			switch {
			case quote != 0 && c == quote:
				quote = 0
				s.pos++
				continue
			case quote == 0 && (c == '"' || c == '\''):
				quote = c
				s.pos++
				continue
			case quote == 0 && (isSpace(c) || c == '#'):
				w.cut = c == '#'
				return s.finish(w, text)
			}
			text = append(text, c)
			s.advance()
		}
		if len(text) > maxWord {
			return word{}, &syntaxError{w.line, fmt.Sprintf("a word is longer than %d bytes", maxWord), "shorten it, or look for a quote that is missing"}
		}
	}
	if quote != 0 {
		return word{}, &syntaxError{w.line, fmt.Sprintf("the quote %c is not closed", quote), "close it, or write \\" + string(quote) + " for the character itself"}
	}
	return s.finish(w, text)
}

func (s *scanner) finish(w word, text []byte) (word, error) {
	if slices.Contains(text, 0) {
		return word{}, &syntaxError{w.line, "a word contains a zero byte", "remove it; the file must be plain text"}
	}
	w.text = string(text)
	return w, nil
}

// escape decodes what follows a backslash: the letters of C and \s for a space, up to three
// octal digits, x and up to two hexadecimal ones; any other character stands for itself.
func (s *scanner) escape() byte {
	c := s.data[s.pos]
	if isOctal(c) {
		value := byte(0)
		for n := 0; n < 3 && s.pos < len(s.data) && isOctal(s.data[s.pos]); n++ {
			value = value<<3 | (s.data[s.pos] - '0') // beyond \377 the high bit falls off, as in pppd
			s.pos++
		}
		return value
	}
	s.advance()
	switch c {
	case 'a':
		return '\a'
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 's':
		return ' '
	case 't':
		return '\t'
	case 'x':
		value := byte(0)
		for n := 0; n < 2 && s.pos < len(s.data); n++ {
			digit, ok := hexDigit(s.data[s.pos])
			if !ok {
				break
			}
			value = value<<4 | digit
			s.pos++
		}
		return value
	}
	return c
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func isOctal(c byte) bool { return c >= '0' && c <= '7' }

func isAlphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

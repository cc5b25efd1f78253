package foreign

import "strings"

// word is one of a line, without its quotes.
type word struct {
	text string
	line int
}

// lines splits a text into lines of words, as pppd and UCI both do: white space separates, '#'
// begins a comment, quotes of both kinds keep white space, and a backslash the next character, but
// not within single quotes. Lines without words are left out.
func lines(text string) (all [][]word) {
	var now []word
	number := 1
	var b strings.Builder
	inWord, began := false, 0
	var quote byte
	endWord := func() {
		if inWord {
			now = append(now, word{b.String(), began})
			b.Reset()
			inWord = false
		}
	}
	begin := func() {
		if !inWord {
			inWord, began = true, number
		}
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && quote != '\'' && i+1 < len(text):
			i++
			if text[i] == '\n' {
				number++ // the line goes on
				continue
			}
			begin()
			b.WriteByte(text[i])
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			begin() // an empty one is a word, too
			quote = c
		case quote == 0 && c == '#' && !inWord:
			for i+1 < len(text) && text[i+1] != '\n' {
				i++
			}
		case quote == 0 && (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f'):
			endWord()
		default:
			begin()
			b.WriteByte(c)
		}
		if c == '\n' {
			number++
			if quote == 0 && len(now) > 0 {
				all = append(all, now)
				now = nil
			}
		}
	}
	endWord()
	if len(now) > 0 {
		all = append(all, now)
	}
	return all
}

// flat gives all words, whatever lines they are on.
func flat(all [][]word) (words []word) {
	for _, l := range all {
		words = append(words, l...)
	}
	return words
}

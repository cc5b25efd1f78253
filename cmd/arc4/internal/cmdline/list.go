package cmdline

import (
	"slices"
	"strings"
)

// List is a flag's value of several words, with commas, or by repeating the flag. What is given
// first replaces the default. Pflag's own reads CSV, whose package weighs more than this one.
type List struct {
	value *[]string
	given bool
}

// NewList makes a flag's value with a default.
func NewList(value *[]string, standard ...string) *List {
	*value = slices.Clone(standard)
	return &List{value: value}
}

func (l *List) Type() string { return "strings" }

func (l *List) String() string {
	if l.value == nil {
		return ""
	}
	return strings.Join(*l.value, ",")
}

func (l *List) Set(text string) error {
	var words []string
	if text != "" {
		words = strings.Split(text, ",")
	}
	if !l.given {
		*l.value = []string{} // which says that it was given
	}
	l.given = true
	*l.value = append(*l.value, words...)
	return nil
}

// Append, Replace and GetSlice are pflag.SliceValue's.

func (l *List) Append(word string) error {
	*l.value = append(*l.value, word)
	return nil
}

func (l *List) Replace(words []string) error {
	*l.value, l.given = slices.Clone(words), true
	return nil
}

func (l *List) GetSlice() []string { return *l.value }

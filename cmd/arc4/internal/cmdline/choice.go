package cmdline

import (
	"fmt"
	"slices"
	"strings"
)

// choice is a flag whose value is one of a few words.
type choice struct {
	value   *string
	allowed []string
}

func NewChoice(value *string, allowed ...string) *choice {
	return &choice{value: value, allowed: allowed}
}

func (c *choice) String() string { return *c.value }
func (c *choice) Type() string   { return "word" }

func (c *choice) Set(s string) error {
	if !slices.Contains(c.allowed, s) {
		return fmt.Errorf("give one of %s", strings.Join(c.allowed, ", "))
	}
	*c.value = s
	return nil
}

// Words are what the flag takes.
func (c *choice) Words() []string { return c.allowed }

// AnyOf lists words for a sentence: "a, b or c".
func AnyOf(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

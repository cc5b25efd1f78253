package main

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

func newChoice(value *string, allowed ...string) *choice {
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

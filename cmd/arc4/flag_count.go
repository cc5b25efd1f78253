package main

import (
	"fmt"
	"strconv"
)

// countFlag is a number from 1 to max.
type countFlag struct {
	value *int
	max   int
}

func (c *countFlag) Type() string { return "N" }

func (c *countFlag) String() string {
	if c.value == nil {
		return ""
	}
	return strconv.Itoa(*c.value)
}

func (c *countFlag) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > c.max {
		return fmt.Errorf("give a whole number from 1 to %d", c.max)
	}
	*c.value = n
	return nil
}

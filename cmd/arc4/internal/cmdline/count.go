package cmdline

import (
	"fmt"
	"strconv"
)

// Count is a number from 1 to max.
type Count struct {
	Value *int
	Max   int
}

func (c *Count) Type() string { return "N" }

func (c *Count) String() string {
	if c.Value == nil {
		return ""
	}
	return strconv.Itoa(*c.Value)
}

func (c *Count) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > c.Max {
		return fmt.Errorf("give a whole number from 1 to %d", c.Max)
	}
	*c.Value = n
	return nil
}

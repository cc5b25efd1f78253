//go:build noplot

package chart

import (
	"errors"
	"io"
)

// Write only says why it does not draw: the build tag noplot leaves out the code
// and fonts for it, seven megabytes.
func (b *Bars) Write(io.Writer, string) error {
	return errors.New("this build draws no charts (build tag noplot)")
}

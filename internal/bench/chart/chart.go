package chart

import (
	"fmt"
	"strings"
)

// Bars is a chart with a group of bars for each of Groups, and in it one bar for
// each series.
type Bars struct {
	Title  string
	Unit   string // of the values, at the axis
	Groups []string
	Series []Series
	Log    bool // a logarithmic axis, for values that differ by orders of magnitude
	// Width and Height are in pixels of a screen with 96 dots an inch; 0 is 900 and 420.
	Width, Height int
}

// Series is what the bars of one colour stand for: a value for each group. A NaN
// is not drawn.
type Series struct {
	Name   string
	Values []float64
}

// Formats lists the formats that Write knows, which are also the endings of their
// files' names.
func Formats() []string { return []string{"svg", "png"} }

// FormatOf gives the format that a file's name asks for.
func FormatOf(name string) (string, error) {
	for _, f := range Formats() {
		if strings.HasSuffix(strings.ToLower(name), "."+f) {
			return f, nil
		}
	}
	return "", fmt.Errorf("%q: the name must end in .%s", name, strings.Join(Formats(), " or ."))
}

package main

import (
	"bytes"
	"cmp"
	"fmt"
	"image/color"
	"io"
	"regexp"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/arc4tun/arc4tun/internal/bench/libcrypto"
)

// The paper of the chart is the page's, light or dark, so every colour must read on both: the ink
// has the same contrast, 4.3, with white as with the near-black of GitHub's dark pages.
var (
	ink          = color.NRGBA{0x7a, 0x7a, 0x7a, 0xff}
	assemblyInk  = color.NRGBA{0x1f, 0x83, 0xd6, 0xff}
	portableInk  = color.NRGBA{0x45, 0xa5, 0x9a, 0xff}
	libcryptoInk = color.NRGBA{0xd9, 0x78, 0x22, 0xff}
	goInk        = color.NRGBA{0xb0, 0x8d, 0x57, 0xff}
)

// The measures of the chart, in points.
const (
	chartWidth   = vg.Length(640)
	rowHeight    = vg.Length(20)
	barHeight    = vg.Length(13)
	namesWidth   = vg.Length(132)
	figureWidth  = vg.Length(86) // right of the longest bar
	panelGap     = vg.Length(14)
	topHeight    = vg.Length(56)
	bottomHeight = vg.Length(40)
	titleSize    = vg.Length(12)
	panelSize    = vg.Length(10)
	labelSize    = vg.Length(9.5)
	noteSize     = vg.Length(8)
)

// panels are the columns of the chart.
var panels = []struct {
	title string
	job   job
}{
	{"one long stream, calls of 1400 bytes", oneStream},
	{"64 packets of 1400 bytes, a key each", manyPackets},
}

// chart draws rates as bars, a row for each name and a column for each panel.
type chart struct {
	canvas draw.Canvas
	got    *measured
	names  []string // from the fastest with packets to the slowest
}

// drawChart writes the chart as SVG.
func drawChart(out io.Writer, m *measured) error {
	c := &chart{got: m, names: slices.Clone(m.names)}
	slices.SortStableFunc(c.names, func(a, b string) int { return cmp.Compare(m.rate(b, manyPackets), m.rate(a, manyPackets)) })
	height := topHeight + vg.Length(len(c.names))*rowHeight + bottomHeight
	svg := vgsvg.New(chartWidth, height)
	c.canvas = draw.New(svg)
	c.write(0, height-6, text.XLeft, text.YTop, titleSize, "RC4 on one core: "+m.machine.cpu)
	for i, name := range c.names {
		c.write(namesWidth-6, c.middle(i), text.XRight, text.YCenter, labelSize, m.label(name))
	}
	width := (chartWidth - namesWidth - panelGap*vg.Length(len(panels)-1)) / vg.Length(len(panels))
	for i, p := range panels {
		left := namesWidth + vg.Length(i)*(width+panelGap)
		c.write(left, height-36, text.XLeft, text.YTop, panelSize, p.title)
		c.bars(p.job, left, width-figureWidth)
	}
	c.write(0, 16, text.XLeft, text.YBottom, noteSize, fmt.Sprintf(
		"How many times as fast as OpenSSL (the line), measured in turns: the median of %s.", plural(m.machine.runs, "run")))
	c.write(0, 4, text.XLeft, text.YBottom, noteSize, fmt.Sprintf("%s; %s, %s", m.machine.libcrypto, m.machine.goVersion, m.machine.system))
	var b bytes.Buffer
	if _, err := svg.WriteTo(&b); err != nil {
		return err
	}
	_, err := out.Write(tidy(b.Bytes()))
	return err
}

// middle is the height of the middle of a row.
func (c *chart) middle(row int) vg.Length {
	return bottomHeight + (vg.Length(len(c.names)-row)-0.5)*rowHeight
}

// bars draws the bars of a panel; the longest is so wide.
func (c *chart) bars(j job, left, width vg.Length) {
	longest := 0.0
	for _, name := range c.names {
		longest = max(longest, c.got.rate(name, j))
	}
	scale := func(rate float64) vg.Length { return width * vg.Length(rate/longest) }
	for i, name := range c.names {
		y, end := c.middle(i), left+scale(c.got.rate(name, j))
		c.canvas.SetColor(c.got.ink(name))
		c.canvas.Fill(vg.Rectangle{Min: vg.Point{X: left, Y: y - barHeight/2}, Max: vg.Point{X: end, Y: y + barHeight/2}}.Path())
		c.write(end+4, y, text.XLeft, text.YCenter, labelSize, fmt.Sprintf("%.0f MB/s · %.2fx", c.got.rate(name, j), c.got.figures[j][name].ratio()))
	}
	// The line ends at libcrypto's own bar: below it are the figures of what is slower.
	base := left + scale(c.got.rate(libcrypto.Name, j))
	c.canvas.StrokeLine2(draw.LineStyle{Color: libcryptoInk, Width: 0.75, Dashes: []vg.Length{3, 2}},
		base, c.middle(slices.Index(c.names, libcrypto.Name))-barHeight/2, base, c.middle(0)+rowHeight/2)
}

// write writes words in the chart's font.
func (c *chart) write(x, y vg.Length, xAlign text.XAlignment, yAlign text.YAlignment, size vg.Length, words string) {
	style := text.Style{
		Color: ink, Font: font.From(plot.DefaultFont, size), XAlign: xAlign, YAlign: yAlign, Handler: plot.DefaultTextHandler,
	}
	style.Font.Variant = "Sans"
	c.canvas.FillText(style, vg.Point{X: x, Y: y}, words)
}

// rate is what a name reached in a job, in MB/s.
func (m *measured) rate(name string, j job) float64 {
	f, there := m.figures[j][name]
	if !there {
		return 0
	}
	return float64(m.bytes[j]) / f.seconds() / 1e6
}

// label is what a name is called in the chart.
func (m *measured) label(name string) string {
	switch {
	case name == libcrypto.Name:
		return "OpenSSL libcrypto"
	case name == goPeer:
		return "Go crypto/rc4"
	case slices.Contains(m.portable, name):
		return "arc4 " + name + " (pure Go)"
	}
	return "arc4 " + name
}

func (m *measured) ink(name string) color.Color {
	switch {
	case name == libcrypto.Name:
		return libcryptoInk
	case name == goPeer:
		return goInk
	case slices.Contains(m.portable, name):
		return portableInk
	}
	return assemblyInk
}

// longNumber is one with more digits than a screen has dots.
var longNumber = regexp.MustCompile(`(\d+\.\d{2})\d+`)

// tidy shortens the numbers of an SVG, and names fonts for where Liberation Sans is missing: those
// that are as wide, and any without serifs.
func tidy(svg []byte) []byte {
	svg = longNumber.ReplaceAll(svg, []byte("$1"))
	return bytes.ReplaceAll(svg, []byte("font-family:Liberation Sans;"), []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif;"))
}

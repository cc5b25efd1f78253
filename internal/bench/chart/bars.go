//go:build !noplot

package chart

import (
	"fmt"
	"image/color"
	"io"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// palette is told apart by people who see few colours, and reads on white and on black.
var palette = []color.Color{
	color.NRGBA{0x77, 0x77, 0x77, 0xff}, color.NRGBA{0xd5, 0x5e, 0x00, 0xff}, color.NRGBA{0x00, 0x72, 0xb2, 0xff},
	color.NRGBA{0x00, 0x9e, 0x73, 0xff}, color.NRGBA{0xe6, 0x9f, 0x00, 0xff}, color.NRGBA{0x56, 0xb4, 0xe9, 0xff},
	color.NRGBA{0xcc, 0x79, 0xa7, 0xff}, color.NRGBA{0x99, 0x88, 0x33, 0xff},
}

// ink is for text and lines; the paper is left to the page, light or dark.
var ink = color.NRGBA{0x80, 0x80, 0x80, 0xff}

// Write draws the chart. format is one of [Formats].
func (b *Bars) Write(out io.Writer, format string) error {
	p, err := b.plot(format)
	if err != nil {
		return err
	}
	const pixel = vg.Inch / 96
	w, h := b.Width, b.Height
	if w == 0 {
		w = 900
	}
	if h == 0 {
		h = 420
	}
	canvas, err := p.WriterTo(vg.Length(w)*pixel, vg.Length(h)*pixel, format)
	if err != nil {
		return fmt.Errorf("chart: %w", err)
	}
	_, err = canvas.WriteTo(out)
	return err
}

func (b *Bars) plot(format string) (*plot.Plot, error) {
	for _, s := range b.Series {
		if len(s.Values) != len(b.Groups) {
			return nil, fmt.Errorf("chart: series %q has %d values for %d groups", s.Name, len(s.Values), len(b.Groups))
		}
	}
	low, high := b.extent()
	if high <= 0 {
		return nil, fmt.Errorf("chart: %q has no value to draw", b.Title)
	}
	p := plot.New()
	p.BackgroundColor = color.Transparent
	if format == "png" { // which is mostly looked at by itself
		p.BackgroundColor = color.White
	}
	p.Title.Text = b.Title
	p.Title.Padding = vg.Points(14)
	p.Y.Label.Text = b.Unit
	p.Legend.Top, p.Legend.Left = true, false
	p.Legend.ThumbnailWidth = vg.Points(10)
	p.Legend.XOffs, p.Legend.YOffs = vg.Points(-4), vg.Points(12)
	p.NominalX(b.Groups...)
	p.X.Min, p.X.Max = -0.5, float64(len(b.Groups))-0.5
	p.Y.Min, p.Y.Max = low, high
	p.Y.Tick.Marker = plainTicks{plot.DefaultTicks{}}
	if b.Log {
		p.Y.Scale = plot.LogScale{}
		p.Y.Tick.Marker = plainTicks{plot.LogTicks{Prec: -1}}
	}
	for _, style := range []*text.Style{&p.Title.TextStyle, &p.Legend.TextStyle} {
		style.Color = ink
	}
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Color, axis.Label.TextStyle.Color = ink, ink
		axis.Tick.Color, axis.Tick.Label.Color = ink, ink
	}
	p.Add(grid{})
	for i, s := range b.Series {
		bars := &series{values: s.Values, color: palette[i%len(palette)], index: i, of: len(b.Series), low: low}
		p.Add(bars)
		p.Legend.Add(s.Name, bars)
	}
	return p, nil
}

// extent gives the ends of the axis.
func (b *Bars) extent() (low, high float64) {
	low = math.Inf(1)
	for _, s := range b.Series {
		for _, v := range s.Values {
			if v > 0 && !math.IsNaN(v) {
				low, high = min(low, v), max(high, v)
			}
		}
	}
	if !b.Log {
		return 0, high * 1.15
	}
	return math.Pow(10, math.Floor(math.Log10(low)-0.1)), high * 2.2
}

// plainTicks writes numbers as people do, not as powers of ten.
type plainTicks struct{ plot.Ticker }

func (t plainTicks) Ticks(low, high float64) []plot.Tick {
	ticks := t.Ticker.Ticks(low, high)
	for i := range ticks {
		if ticks[i].Label != "" {
			ticks[i].Label = short(ticks[i].Value)
		}
	}
	return ticks
}

// short writes a value in three digits or so.
func short(v float64) string {
	switch {
	case v >= 99.5:
		return fmt.Sprintf("%.0f", v)
	case v >= 9.95:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0")
	}
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", v), "0"), ".")
}

// grid is a line at every labelled tick of the value axis.
type grid struct{}

func (grid) Plot(c draw.Canvas, p *plot.Plot) {
	_, y := p.Transforms(&c)
	style := draw.LineStyle{Color: color.NRGBA{0x80, 0x80, 0x80, 0x40}, Width: vg.Points(0.5)}
	for _, t := range p.Y.Tick.Marker.Ticks(p.Y.Min, p.Y.Max) {
		if at := y(t.Value); t.Label != "" && c.ContainsY(at) {
			c.StrokeLine2(style, c.Min.X, at, c.Max.X, at)
		}
	}
}

// series draws one bar a group, with its value above it.
type series struct {
	values    []float64
	color     color.Color
	index, of int
	low       float64
}

// groupShare is how much of a group's room its bars take.
const groupShare = 0.8

func (s *series) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	style := text.Style{
		Color: ink, Font: font.From(p.X.Tick.Label.Font, vg.Points(7)), Handler: p.TextHandler,
		XAlign: text.XCenter, YAlign: text.YBottom,
	}
	width := groupShare / float64(s.of)
	for group, v := range s.values {
		if math.IsNaN(v) || v <= 0 {
			continue
		}
		left := float64(group) - groupShare/2 + width*float64(s.index)
		x0, x1 := x(left+width*0.04), x(left+width*0.96)
		y0, y1 := y(s.low), y(v)
		c.FillPolygon(s.color, []vg.Point{{X: x0, Y: y0}, {X: x0, Y: y1}, {X: x1, Y: y1}, {X: x1, Y: y0}})
		c.FillText(style, vg.Point{X: (x0 + x1) / 2, Y: y1 + vg.Points(2)}, short(v))
	}
}

// Thumbnail is the series' mark in the legend.
func (s *series) Thumbnail(c *draw.Canvas) {
	c.FillPolygon(s.color, []vg.Point{c.Min, {X: c.Min.X, Y: c.Max.Y}, c.Max, {X: c.Max.X, Y: c.Min.Y}})
}

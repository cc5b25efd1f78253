package report

import (
	"fmt"
	"io"
	"strings"
	"unicode"
)

// table is columns of text, as wide as what is in them: all that the reports need of a library
// which weighs a quarter of a megabyte.
type table struct {
	columns []column
	rows    [][]string
}

type column struct {
	title string
	right bool // of numbers: they end under each other
	width int  // 0: as wide as the widest cell; else longer cells are wrapped at their blanks
}

// newTable makes a table with these titles.
func newTable(titles ...string) *table {
	t := &table{columns: make([]column, len(titles))}
	for i, title := range titles {
		t.columns[i].title = strings.ToUpper(title)
	}
	return t
}

// alignRight is for columns of numbers, first to last from 1.
func (t *table) alignRight(first, last int) {
	for n := first; n <= last; n++ {
		t.columns[n-1].right = true
	}
}

// wrap bounds the width of a column, counted from 1.
func (t *table) wrap(n, width int) { t.columns[n-1].width = width }

// add adds a row with a cell for each column.
func (t *table) add(cells ...any) {
	row := make([]string, len(cells))
	for i, cell := range cells {
		row[i] = fmt.Sprint(cell)
	}
	t.rows = append(t.rows, row)
}

// Columns sets rows of text under each other, as many cells in each, with two blanks between the
// columns. No line has blanks at its end.
func Columns(rows [][]string) string {
	return (&table{columns: make([]column, len(rows[0]))}).set(rows)
}

// write writes the table below an empty line.
func (t *table) write(out io.Writer) {
	lines := t.lines()
	_, _ = io.WriteString(out, "\n"+t.set(lines)) // out is a buffer
}

// set is the text of lines of cells, which have no blanks at their ends.
func (t *table) set(lines [][]string) string {
	widths := t.widths(lines)
	var text strings.Builder
	for _, line := range lines {
		var b strings.Builder
		for i, cell := range line {
			blanks := strings.Repeat(" ", widths[i]-textWidth(cell))
			if t.columns[i].right {
				cell = blanks + cell
			} else {
				cell += blanks
			}
			b.WriteString(cell + "  ")
		}
		text.WriteString(strings.TrimRight(b.String(), " ") + "\n")
	}
	return text.String()
}

// lines are the titles and the rows, with a cell for each column.
func (t *table) lines() (lines [][]string) {
	titles := make([]string, len(t.columns))
	for i, c := range t.columns {
		titles[i] = c.title
	}
	for _, row := range append([][]string{titles}, t.rows...) {
		lines = append(lines, t.wrapped(row)...)
	}
	return lines
}

// width is that of the longest line.
func (t *table) width() int {
	width := -2 // between the columns alone
	for _, w := range t.widths(t.lines()) {
		width += w + 2
	}
	return width
}

// widths are those of the columns, of which these are the lines.
func (t *table) widths(lines [][]string) []int {
	widths := make([]int, len(t.columns))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], textWidth(cell))
		}
	}
	return widths
}

// wrapped is a row in as many lines as its longest cell takes.
func (t *table) wrapped(row []string) [][]string {
	var lines [][]string
	for i, cell := range row {
		for n, part := range wrapCell(cell, t.columns[i].width) {
			if n == len(lines) {
				lines = append(lines, make([]string, len(t.columns)))
			}
			lines[n][i] = part
		}
	}
	return lines
}

// wrapCell breaks text at its blanks into lines of at most width; a longer word stays whole.
func wrapCell(text string, width int) []string {
	if width == 0 || textWidth(text) <= width {
		return []string{text}
	}
	var lines []string
	for word := range strings.FieldsSeq(text) {
		last := len(lines) - 1
		if last < 0 || textWidth(lines[last])+1+textWidth(word) > width {
			lines = append(lines, word)
		} else {
			lines[last] += " " + word
		}
	}
	return lines
}

// textWidth is how many columns of a terminal text takes: two for the characters of East Asia, none
// for marks on others.
func textWidth(text string) int {
	width := 0
	for _, r := range text {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me):
		case unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana), '！' <= r && r <= '｠':
			width += 2
		default:
			width++
		}
	}
	return width
}

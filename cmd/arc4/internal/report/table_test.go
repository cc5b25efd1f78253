package report

import (
	"strings"
	"testing"

	pretty "github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/stretchr/testify/assert"
)

func TestTable(t *testing.T) {
	tab := newTable("#", "user", "bytes in", "numbers")
	tab.alignRight(3, 3)
	tab.wrap(4, 20)
	tab.add(1, "alice", uint64(5), "rekeys_in 7, late 12, out_of_range 1")
	tab.add(12, "bob of the valley", "1.0 MiB", "-")
	tab.add(13, "", "-", strings.Repeat("x", 30))
	var out strings.Builder
	tab.write(&out)
	assert.Equal(t, `
#   USER               BYTES IN  NUMBERS
1   alice                     5  rekeys_in 7, late
                                 12, out_of_range 1
12  bob of the valley   1.0 MiB  -
13                            -  xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
`, out.String())
	out.Reset()
	newTable("a", "b").write(&out)
	assert.Equal(t, "\nA  B\n", out.String())
}

// FuzzTable compares with go-pretty's tables in the same style.
func FuzzTable(f *testing.F) {
	f.Add("alice", "10.99.0.1", "up", "1.0 MiB")
	f.Add("王小明", "한국어", "ひらがな カタカナ", "ａｂ")
	f.Add("e\u0301te\u0301", "3±1 ms", "", "-")
	f.Add("0\u0617", "0", "0", "0")
	f.Add("x y z", "a  b", "c", strings.Repeat("in the middle of a sentence ", 20))
	f.Fuzz(func(t *testing.T, a, b, c, d string) {
		cells := []string{a, b, c, d}
		for i := range cells {
			cells[i] = strings.Join(strings.Fields(printable(cells[i])), " ") // as all that is shown
			for word := range strings.FieldsSeq(cells[i]) {
				if len(word) > 40 {
					return // a word that go-pretty would break
				}
			}
			// go-pretty has two widths, of which it pads by the second.
			if w := textWidth(cells[i]); text.StringWidth(cells[i]) != w || text.StringWidthWithoutEscSequences(cells[i]) != w {
				return // emoji, and what terminals differ about
			}
		}
		ours := newTable("one", "two", "three", "four")
		ours.alignRight(2, 2)
		ours.wrap(4, 100)
		theirs := pretty.NewWriter()
		style := pretty.StyleLight
		style.Options.DrawBorder, style.Options.SeparateColumns, style.Options.SeparateHeader = false, false, false
		style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
		theirs.SetStyle(style)
		theirs.SuppressTrailingSpaces()
		theirs.AppendHeader(pretty.Row{"one", "two", "three", "four"})
		theirs.SetColumnConfigs([]pretty.ColumnConfig{
			{Number: 2, Align: text.AlignRight, AlignHeader: text.AlignRight},
			{Number: 4, WidthMax: 100, WidthMaxEnforcer: text.WrapSoft},
		})
		for _, row := range [][]string{cells, {d[:0], c[:0], "x", "y"}} {
			ours.add(row[0], row[1], row[2], row[3])
			theirs.AppendRow(pretty.Row{row[0], row[1], row[2], row[3]})
		}
		var got strings.Builder
		ours.write(&got)
		var want strings.Builder
		want.WriteByte('\n')
		for line := range strings.Lines(theirs.Render() + "\n") {
			want.WriteString(strings.TrimRight(line, " \n") + "\n")
		}
		assert.Equal(t, want.String(), got.String())
	})
}

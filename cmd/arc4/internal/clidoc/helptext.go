package clidoc

import (
	"strings"
	"unicode/utf8"
)

// A description is written once, as plain text: paragraphs with empty lines between them, and lines
// that four blanks indent. Those are entries of a list (" NAME what it is", carried on by lines
// that are indented further) or else lines to be kept as they are. The help wraps it for a
// terminal, the manual pages turn it into roff.

// textBlock is a paragraph (text), a list (entries) or lines to be kept (lines).
type textBlock struct {
	text    string
	entries []Entry
	Lines   []string
}

// Entry is a word or a few, and what they mean.
type Entry struct{ Name, What string }

const Indent = "    "

// ParseText takes a description apart.
func ParseText(text string) []textBlock {
	var blocks []textBlock
	var current []string
	end := func() {
		if len(current) > 0 {
			blocks = append(blocks, newTextBlock(current))
		}
		current = nil
	}
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimRight(line, " \t\r")
		changes := len(current) > 0 && strings.HasPrefix(line, Indent) != strings.HasPrefix(current[0], Indent)
		if line == "" || changes {
			end()
		}
		if line != "" {
			current = append(current, line)
		}
	}
	end()
	return blocks
}

// newTextBlock is the block of lines that are all indented or all not.
func newTextBlock(lines []string) textBlock {
	if !strings.HasPrefix(lines[0], Indent) {
		return textBlock{text: oneLine(strings.Join(lines, " "))}
	}
	var kept []string
	for _, line := range lines {
		kept = append(kept, strings.TrimPrefix(line, Indent))
	}
	if entries := parseEntries(kept); entries != nil {
		return textBlock{entries: entries}
	}
	return textBlock{Lines: kept}
}

// parseEntries reads the lines of a list, or gives nil if they are none.
func parseEntries(lines []string) []Entry {
	var entries []Entry
	for _, line := range lines {
		e, is := parseEntry(line)
		switch {
		case is && strings.Contains(e.What, "  "):
			return nil // a table
		case is:
			entries = append(entries, Entry{e.Name, oneLine(e.What)})
		case strings.HasPrefix(line, " ") && len(entries) > 0:
			entries[len(entries)-1].What += " " + oneLine(line)
		default:
			return nil
		}
	}
	return entries
}

// parseEntry takes an entry of a list apart, without its indent, and reports whether the line is
// one: two blanks and more stand behind its name. A remark behind a command is none.
func parseEntry(line string) (e Entry, is bool) {
	name, what, found := strings.Cut(line, "  ")
	what = strings.TrimLeft(what, " ")
	if !found || name == "" || name[0] == ' ' || what == "" || what[0] == '#' {
		return Entry{}, false
	}
	return Entry{name, what}, true
}

// wrapText gives a description lines of at most width characters, where its words allow that; every
// line but empty ones begins with indent.
func wrapText(text, indent string, width int) string {
	var parts []string
	for _, b := range ParseText(text) {
		switch {
		case b.text != "":
			parts = append(parts, wrapWords(b.text, indent, indent, width))
		case b.entries != nil:
			parts = append(parts, wrapEntries(b.entries, indent+Indent, width))
		default:
			parts = append(parts, indent+Indent+strings.Join(b.Lines, "\n"+indent+Indent)+"\n")
		}
	}
	return strings.Join(parts, "\n")
}

// widestName is how far a list's second column may be from its first, in characters: a name that is
// longer has a line to itself.
const widestName = 26

// wrapEntries writes a list in two columns.
func wrapEntries(entries []Entry, indent string, width int) string {
	column := 0
	for _, e := range entries {
		if n := utf8.RuneCountInString(e.Name); n <= widestName {
			column = max(column, n)
		}
	}
	if column == 0 {
		column = 4
	}
	var b strings.Builder
	hang := indent + strings.Repeat(" ", column+2)
	for _, e := range entries {
		if n := utf8.RuneCountInString(e.Name); n <= column {
			b.WriteString(wrapWords(e.What, indent+e.Name+strings.Repeat(" ", column+2-n), hang, width))
			continue
		}
		b.WriteString(indent + e.Name + "\n")
		b.WriteString(wrapWords(e.What, hang, hang, width))
	}
	return b.String()
}

// wrapWords fills lines with words: the first begins with first, the others with rest.
func wrapWords(text, first, rest string, width int) string {
	var b strings.Builder
	b.WriteString(first)
	used, empty := utf8.RuneCountInString(first), true
	for word := range strings.FieldsSeq(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case empty:
		case used+1+n > width:
			b.WriteString("\n" + rest)
			used = utf8.RuneCountInString(rest)
		default:
			b.WriteByte(' ')
			used++
		}
		b.WriteString(word)
		used, empty = used+n, false
	}
	return strings.TrimRight(b.String(), " ") + "\n"
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

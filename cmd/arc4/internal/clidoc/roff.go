//go:build !noman

package clidoc

import (
	"fmt"
	"regexp"
	"strings"
)

// roff writes a manual page with the macros of man(7), which groff and mandoc both know.
type roff struct {
	strings.Builder
	begun bool // a section has begun, and nothing is in it yet
}

func (r *roff) macro(name string, args ...string) {
	r.begun = name == "SH"
	r.WriteString("." + name)
	for _, a := range args {
		fmt.Fprintf(r, " %s", roffArgument(a))
	}
	r.WriteByte('\n')
}

// section begins one; its title is in capitals, as in all manual pages.
func (r *roff) section(title string) { r.macro("SH", strings.ToUpper(title)) }

// line writes text as it is meant to be read; what looks like a request to roff is none.
func (r *roff) line(text string) { r.marked(roffEscape(text)) }

// marked writes text that is escaped already, and may have changes of font in it.
func (r *roff) marked(text string) {
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	r.WriteString(text + "\n")
	r.begun = false
}

// paragraph begins one, which the first of a section is already.
func (r *roff) paragraph() {
	if !r.begun {
		r.macro("PP")
	}
}

// Text writes a description.
func (r *roff) text(text string) {
	for _, b := range ParseText(text) {
		switch {
		case b.text != "":
			r.paragraph()
			r.marked(roffMark(b.text))
		case b.entries != nil:
			r.entries(b.entries)
		default:
			r.verbatim(b.Lines)
		}
	}
}

// entries writes a list.
func (r *roff) entries(list []Entry) {
	for _, e := range list {
		r.macro("TP")
		r.marked(`\fB` + roffEscape(e.Name) + `\fR`)
		r.marked(roffMark(e.What))
	}
}

// verbatim writes lines as they are.
func (r *roff) verbatim(lines []string) {
	r.paragraph()
	r.macro("RS", "4")
	r.macro("nf")
	for _, l := range lines {
		r.line(l)
	}
	r.macro("fi")
	r.macro("RE")
}

// roffEscape makes of any one line what roff prints as that line. A hyphen would be printed as one
// that cannot be copied into a command line.
func roffEscape(text string) string {
	return roffEscapes.Replace(text)
}

var roffEscapes = strings.NewReplacer(`\`, `\e`, `-`, `\-`, "`", `\(ga`, `'`, `\(aq`, `^`, `\(ha`, `~`, `\(ti`, "\n", " ")

// roffArgument quotes a macro's argument. Its hyphens stay, since nobody copies a title, and mandoc
// reads dates with them.
func roffArgument(text string) string {
	escaped := strings.NewReplacer(`\`, `\e`, `"`, `\(dq`, "\n", " ").Replace(text)
	if escaped == "" || strings.ContainsAny(escaped, " \t") {
		return `"` + escaped + `"`
	}
	return escaped
}

// literalPattern is what manual pages print bold: a flag, or another page's name with its section.
var literalPattern = regexp.MustCompile(`(^|[\s("])(--[a-z][a-z0-9-]*|[a-z][a-z0-9-]*\([1-9]\))`)

// roffMark escapes a line of running text and prints flags and the names of pages bold.
func roffMark(text string) string {
	var b strings.Builder
	last := 0
	for _, m := range literalPattern.FindAllStringSubmatchIndex(text, -1) {
		b.WriteString(roffEscape(text[last:m[4]]))
		b.WriteString(roffLiteral(text[m[4]:m[5]]))
		last = m[5]
	}
	b.WriteString(roffEscape(text[last:]))
	return b.String()
}

// roffLiteral prints a word bold, but not the section behind a page's name.
func roffLiteral(word string) string {
	name, section, isPage := strings.Cut(word, "(")
	if !isPage {
		return `\fB` + roffEscape(word) + `\fR`
	}
	return `\fB` + roffEscape(name) + `\fR(` + section
}

// usagePattern is a word of a command's usage: in capitals if it stands for another, else to be
// typed.
var usagePattern = regexp.MustCompile(`[A-Z][A-Z0-9]*|-{0,2}[a-z0-9][a-z0-9-]*`)

// roffUsage prints a line of usage: what is typed bold, what stands for something else italic.
func roffUsage(line string) string {
	var b strings.Builder
	last := 0
	for _, m := range usagePattern.FindAllStringIndex(line, -1) {
		b.WriteString(roffEscape(line[last:m[0]]))
		font := `\fB`
		if word := line[m[0]:m[1]]; word == strings.ToUpper(word) && strings.ToLower(word) != word {
			font = `\fI`
		}
		b.WriteString(font + roffEscape(line[m[0]:m[1]]) + `\fR`)
		last = m[1]
	}
	b.WriteString(roffEscape(line[last:]))
	return b.String()
}

// flags writes a list of flags; what is typed is bold, the name of a value italic.
func (r *roff) flags(list []Entry) {
	for _, f := range list {
		r.macro("TP")
		r.marked(roffUsage(f.Name))
		r.marked(roffMark(f.What))
	}
}

// examples writes command lines and the remarks behind them, each as in the help.
func (r *roff) examples(text string) {
	var lines []string
	for line := range strings.SplitSeq(strings.Trim(text, "\n"), "\n") {
		lines = append(lines, strings.TrimPrefix(line, "  "))
	}
	r.verbatim(lines)
}

//go:build !noman

package clidoc

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func (d Docs) WriteManPages(root *cobra.Command, dir string, date time.Time) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("cannot make the directory for the manual pages: %w", err)
	}
	for _, cmd := range append(ManCommands(root), ManTopics(root)...) {
		in := manDir(dir, d.ManSection(cmd))
		if err := os.MkdirAll(in, 0o755); err != nil {
			return fmt.Errorf("cannot make the directory for the manual pages: %w", err)
		}
		name := filepath.Join(in, ManName(cmd)+"."+d.ManSection(cmd))
		if err := os.WriteFile(name, []byte(d.ManPage(cmd, date)), 0o644); err != nil {
			return fmt.Errorf("cannot write the manual page: %w", err)
		}
	}
	return nil
}

// manDir is where pages of a section belong if those of section 1 are in dir.
func manDir(dir, section string) string {
	if section != "1" && filepath.Base(dir) == "man1" {
		return filepath.Join(filepath.Dir(filepath.Clean(dir)), "man"+section)
	}
	return dir
}

// manSection is where a page belongs.
func (d Docs) ManSection(cmd *cobra.Command) string {
	if !cmd.IsAdditionalHelpTopicCommand() {
		return "1"
	}
	return cmp.Or(d.PageOf(cmd).Section, "7")
}

// ManReference is how other pages name a page: arc4-connect(1).
func (d Docs) ManReference(cmd *cobra.Command) string {
	return ManName(cmd) + "(" + d.ManSection(cmd) + ")"
}

// manTitles are what a section is called in its pages' heads.
var manTitles = map[string]string{"1": "User Commands", "5": "File Formats", "7": "Miscellaneous"}

// ManTopics are the topics of the help, which have pages too.
func ManTopics(root *cobra.Command) []*cobra.Command {
	var list []*cobra.Command
	for _, sub := range root.Commands() {
		if sub.IsAdditionalHelpTopicCommand() {
			list = append(list, sub)
		}
	}
	return list
}

// ManCommands are the commands that have a page: root and all below it that do something.
func ManCommands(root *cobra.Command) []*cobra.Command {
	list := []*cobra.Command{root}
	for _, sub := range root.Commands() {
		if sub.IsAvailableCommand() && !sub.IsAdditionalHelpTopicCommand() {
			list = append(list, ManCommands(sub)...)
		}
	}
	return list
}

// ManName is a page's name: arc4-connect.
func ManName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// ManPage is a command's page in roff, with the sections that man-pages(7) knows, in its order.
func (d Docs) ManPage(cmd *cobra.Command, date time.Time) string {
	var r roff
	p := d.PageOf(cmd)
	name := ManName(cmd)
	r.macro("TH", strings.ToUpper(name), d.ManSection(cmd), date.Format(time.DateOnly), cmd.Root().Name()+" "+d.Version, manTitles[d.ManSection(cmd)])
	r.section("name")
	r.line(name + " - " + lowerFirst(cmd.Short))
	if cmd.Runnable() {
		r.section("synopsis")
		for n, line := range UsageLines(cmd) {
			if n > 0 {
				r.macro("br")
			}
			r.marked(roffUsage(line))
		}
	}
	r.section("description")
	r.text(Describe(cmd))
	manCommandList(&r, cmd)
	if flags := FlagDocs(cmd.LocalFlags()); len(flags) > 0 && cmd.Runnable() {
		r.section("options")
		r.flags(flags)
		r.flags(FlagDocs(cmd.InheritedFlags()))
	}
	if len(p.Exits) > 0 {
		r.section("exit status")
		r.entries(p.Exits)
	}
	if len(p.Environment) > 0 {
		r.section("environment")
		r.entries(p.Environment)
	}
	if len(p.Files) > 0 {
		r.section("files")
		r.entries(p.Files)
	}
	for _, s := range p.Sections {
		r.section(s.Title)
		r.text(s.Text)
	}
	if cmd.Example != "" {
		r.section("examples")
		r.examples(cmd.Example)
	}
	r.section("see also")
	r.marked(roffMark(strings.Join(d.manSeeAlso(cmd, p), ", ")))
	return r.String()
}

// manCommandList says what the commands below a command are.
func manCommandList(r *roff, cmd *cobra.Command) {
	if !cmd.HasAvailableSubCommands() {
		return
	}
	r.section("commands")
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() && !sub.IsAdditionalHelpTopicCommand() {
			r.macro("TP")
			r.marked(roffMark(ManName(sub) + "(1)"))
			r.marked(roffMark(sub.Short + "."))
		}
	}
}

// manSeeAlso are the page's neighbours: all others for the first page, those named and the first
// for the others. The pages of commands that a build leaves out are not there to be seen.
func (d Docs) manSeeAlso(cmd *cobra.Command, p Page) []string {
	root := cmd.Root()
	own := []string{d.ManReference(root)}
	for _, sub := range append(ManCommands(root)[1:], ManTopics(root)...) {
		own = append(own, d.ManReference(sub))
	}
	if cmd == root {
		slices.Sort(own[1:])
		return append(own[1:], p.SeeAlso...)
	}
	absent := func(page string) bool { return strings.HasPrefix(page, root.Name()+"-") && !slices.Contains(own, page) }
	return append(own[:1], slices.DeleteFunc(slices.Clone(p.SeeAlso), absent)...)
}

func lowerFirst(s string) string {
	if len(s) > 1 && s[1] >= 'a' && s[1] <= 'z' { // "RC4" stays as it is
		return strings.ToLower(s[:1]) + s[1:]
	}
	return s
}

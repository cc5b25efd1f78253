package main

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

func (d docs) writeManPages(root *cobra.Command, dir string, date time.Time) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("cannot make the directory for the manual pages: %w", err)
	}
	for _, cmd := range append(manCommands(root), manTopics(root)...) {
		in := manDir(dir, d.manSection(cmd))
		if err := os.MkdirAll(in, 0o755); err != nil {
			return fmt.Errorf("cannot make the directory for the manual pages: %w", err)
		}
		name := filepath.Join(in, manName(cmd)+"."+d.manSection(cmd))
		if err := os.WriteFile(name, []byte(d.manPage(cmd, date)), 0o644); err != nil {
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
func (d docs) manSection(cmd *cobra.Command) string {
	if !cmd.IsAdditionalHelpTopicCommand() {
		return "1"
	}
	return cmp.Or(d.pageOf(cmd).manSection, "7")
}

// manReference is how other pages name a page: arc4-connect(1).
func (d docs) manReference(cmd *cobra.Command) string {
	return manName(cmd) + "(" + d.manSection(cmd) + ")"
}

// manTitles are what a section is called in its pages' heads.
var manTitles = map[string]string{"1": "User Commands", "5": "File Formats", "7": "Miscellaneous"}

// manTopics are the topics of the help, which have pages too.
func manTopics(root *cobra.Command) []*cobra.Command {
	var list []*cobra.Command
	for _, sub := range root.Commands() {
		if sub.IsAdditionalHelpTopicCommand() {
			list = append(list, sub)
		}
	}
	return list
}

// manCommands are the commands that have a page: root and all below it that do something.
func manCommands(root *cobra.Command) []*cobra.Command {
	list := []*cobra.Command{root}
	for _, sub := range root.Commands() {
		if sub.IsAvailableCommand() && !sub.IsAdditionalHelpTopicCommand() {
			list = append(list, manCommands(sub)...)
		}
	}
	return list
}

// manName is a page's name: arc4-connect.
func manName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// manPage is a command's page in roff, with the sections that man-pages(7) knows, in its order.
func (d docs) manPage(cmd *cobra.Command, date time.Time) string {
	var r roff
	p := d.pageOf(cmd)
	name := manName(cmd)
	r.macro("TH", strings.ToUpper(name), d.manSection(cmd), date.Format(time.DateOnly), cmd.Root().Name()+" "+d.version, manTitles[d.manSection(cmd)])
	r.section("name")
	r.line(name + " - " + lowerFirst(cmd.Short))
	if cmd.Runnable() {
		r.section("synopsis")
		for n, line := range usageLines(cmd) {
			if n > 0 {
				r.macro("br")
			}
			r.marked(roffUsage(line))
		}
	}
	r.section("description")
	r.text(describe(cmd))
	manCommandList(&r, cmd)
	if flags := flagDocs(cmd.LocalFlags()); len(flags) > 0 && cmd.Runnable() {
		r.section("options")
		r.flags(flags)
		r.flags(flagDocs(cmd.InheritedFlags()))
	}
	if len(p.exits) > 0 {
		r.section("exit status")
		r.entries(p.exits)
	}
	if len(p.environment) > 0 {
		r.section("environment")
		r.entries(p.environment)
	}
	if len(p.files) > 0 {
		r.section("files")
		r.entries(p.files)
	}
	for _, s := range p.sections {
		r.section(s.title)
		r.text(s.text)
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
			r.marked(roffMark(manName(sub) + "(1)"))
			r.marked(roffMark(sub.Short + "."))
		}
	}
}

// manSeeAlso are the page's neighbours: all others for the first page, those named and the first
// for the others.
func (d docs) manSeeAlso(cmd *cobra.Command, p page) []string {
	if cmd.HasParent() {
		return append([]string{d.manReference(cmd.Root())}, p.seeAlso...)
	}
	var list []string
	for _, sub := range append(manCommands(cmd)[1:], manTopics(cmd)...) {
		list = append(list, d.manReference(sub))
	}
	slices.Sort(list)
	return append(list, p.seeAlso...)
}

func lowerFirst(s string) string {
	if len(s) > 1 && s[1] >= 'a' && s[1] <= 'z' { // "RC4" stays as it is
		return strings.ToLower(s[:1]) + s[1:]
	}
	return s
}

package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

const manLong = `man writes a manual page for each command and each topic of the help into a directory, which is made if it does not
exist. Pages of other sections than 1, such as arc4-secrets-file.5, go into the directories man5 and man7 beside it if its
own name is man1, else into the same.

The pages come from the same text as --help. To read one without installing it: man -l DIR/arc4-connect.1`

// epochVariable is the environment variable of reproducible builds
// (https://reproducible-builds.org/specs/source-date-epoch/).
const epochVariable = "SOURCE_DATE_EPOCH"

func newManCmd() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:     "man --dir DIR",
		Short:   "Write the manual pages, one for each command and topic",
		Long:    manLong,
		Example: "  arc4 man --dir /usr/local/share/man/man1",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dir == "" {
				return usageError("--dir is empty: name the directory for the pages")
			}
			date, err := manDate(os.Getenv(epochVariable))
			if err != nil {
				return err
			}
			return writeManPages(cmd.Root(), dir, date)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "`DIR` for the pages, made if it is not there")
	if err := cmd.MarkFlagRequired("dir"); err != nil {
		panic(err)
	}
	if err := cmd.MarkFlagDirname("dir"); err != nil {
		panic(err)
	}
	return cmd
}

// manDate is the date of the pages: that of SOURCE_DATE_EPOCH, or today's.
func manDate(epoch string) (time.Time, error) {
	if epoch == "" {
		return time.Now(), nil
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return time.Time{}, usageError("%s=%q: must be a number of seconds since 1970", epochVariable, epoch)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

func writeManPages(root *cobra.Command, dir string, date time.Time) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("cannot make the directory for the manual pages: %w", err)
	}
	for _, cmd := range append(manCommands(root), manTopics(root)...) {
		in := manDir(dir, manSection(cmd))
		if err := os.MkdirAll(in, 0o755); err != nil {
			return fmt.Errorf("cannot make the directory for the manual pages: %w", err)
		}
		name := filepath.Join(in, manName(cmd)+"."+manSection(cmd))
		if err := os.WriteFile(name, []byte(manPage(cmd, date)), 0o644); err != nil {
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

// manSections are those of topics that describe a file's format; the others are in 7, miscellany
// (man-pages(7)).
var manSections = map[string]string{"secrets-file": "5"}

// manSection is where a page belongs.
func manSection(cmd *cobra.Command) string {
	if !cmd.IsAdditionalHelpTopicCommand() {
		return "1"
	}
	return cmp.Or(manSections[cmd.Name()], "7")
}

// manReference is how other pages name a page: arc4-connect(1).
func manReference(cmd *cobra.Command) string { return manName(cmd) + "(" + manSection(cmd) + ")" }

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
func manPage(cmd *cobra.Command, date time.Time) string {
	var r roff
	p := pageOf(cmd)
	name := manName(cmd)
	r.macro("TH", strings.ToUpper(name), manSection(cmd), date.Format(time.DateOnly), "arc4 "+versionString(), manTitles[manSection(cmd)])
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
	if exits := exitEntries(commandName(cmd), p.exits); len(exits) > 0 {
		r.section("exit status")
		r.entries(exits)
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
	r.marked(roffMark(strings.Join(manSeeAlso(cmd, p), ", ")))
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
func manSeeAlso(cmd *cobra.Command, p page) []string {
	list := slices.Clone(p.seeAlso)
	if cmd.HasParent() {
		return append([]string{manReference(cmd.Root())}, list...)
	}
	for _, sub := range append(manCommands(cmd)[1:], manTopics(cmd)...) {
		list = append(list, manReference(sub))
	}
	slices.Sort(list)
	return append(list, "pppd(8)", "wg(8)")
}

func lowerFirst(s string) string {
	if len(s) > 1 && s[1] >= 'a' && s[1] <= 'z' { // "RC4" stays as it is
		return strings.ToLower(s[:1]) + s[1:]
	}
	return s
}

package clidoc

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// AddHelp makes the help of cmd, and of all commands below it, this program's own.
func (d Docs) AddHelp(root *cobra.Command) {
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		out := cmd.OutOrStdout()
		_, _ = io.WriteString(out, d.Help(cmd, textWidth(out))) // nobody can be told when help cannot be written
	})
	nameHelpFlags(root)
}

// nameHelpFlags has the flags --help that cobra makes say what they do.
func nameHelpFlags(cmd *cobra.Command) {
	cmd.InitDefaultHelpFlag()
	cmd.Flags().Lookup("help").Usage = "show this help and exit"
	for _, sub := range cmd.Commands() {
		nameHelpFlags(sub)
	}
}

// Widths of help, in characters.
const (
	UsualWidth    = 80
	narrowestText = 60
	widestText    = 110
)

// textWidth is how wide text for out may be: as the terminal is, within reason.
func textWidth(out io.Writer) int {
	if f, ok := out.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return min(max(width, narrowestText), widestText)
		}
	}
	return UsualWidth
}

// Help is what --help prints, in lines of at most width characters where the words and examples
// allow it.
func (d Docs) Help(cmd *cobra.Command, width int) string {
	var b strings.Builder
	b.WriteString(wrapText(Describe(cmd), "", width))
	p := d.PageOf(cmd)
	for _, s := range p.Sections {
		if s.InHelp {
			fmt.Fprintf(&b, "\n%s:\n%s", s.Title, wrapText(s.Text, "  ", width))
		}
	}
	if !cmd.Runnable() {
		return b.String() // a topic
	}
	fmt.Fprintf(&b, "\nUsage:\n")
	for _, line := range UsageLines(cmd) {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	if cmd.Example != "" {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", strings.TrimRight(cmd.Example, "\n"))
	}
	helpCommands(&b, cmd, width)
	helpFlags(&b, "Flags", cmd.LocalFlags(), width)
	helpFlags(&b, "Flags of every command", cmd.InheritedFlags(), width)
	helpEntries(&b, "Environment", p.Environment, width)
	helpEntries(&b, "Files", p.Files, width)
	helpEntries(&b, "Exit codes", p.Exits, width)
	return b.String()
}

// Describe is a command's description; those that need none beyond a sentence have that.
func Describe(cmd *cobra.Command) string {
	if cmd.Long != "" {
		return cmd.Long
	}
	return cmd.Short + "."
}

// UsageLines are the ways to call a command.
func UsageLines(cmd *cobra.Command) []string {
	var below []string
	if cmd.HasAvailableSubCommands() {
		below = []string{cmd.CommandPath() + " COMMAND [FLAG...]"}
		if !cmd.HasParent() {
			return below // the program alone does nothing
		}
	}
	line := cmd.CommandPath()
	if _, arguments, any := strings.Cut(cmd.Use, " "); any {
		line += " " + arguments
	}
	if !cmd.DisableFlagsInUseLine {
		line += " [FLAG...]"
	}
	return append([]string{line}, below...)
}

func helpCommands(b *strings.Builder, cmd *cobra.Command, width int) {
	var commands, topics []Entry
	for _, sub := range cmd.Commands() {
		switch entry := (Entry{sub.Name(), sub.Short}); {
		case sub.IsAdditionalHelpTopicCommand():
			topics = append(topics, entry)
		case sub.IsAvailableCommand(), sub.Name() == "help":
			commands = append(commands, entry)
		}
	}
	helpEntries(b, "Commands", commands, width)
	helpEntries(b, fmt.Sprintf("Topics (\"%s help TOPIC\")", cmd.Root().Name()), topics, width)
}

func helpFlags(b *strings.Builder, title string, flags *pflag.FlagSet, width int) {
	helpEntries(b, title, FlagDocs(flags), width)
}

func helpEntries(b *strings.Builder, title string, entries []Entry, width int) {
	if len(entries) > 0 {
		fmt.Fprintf(b, "\n%s:\n%s", title, wrapEntries(entries, "  ", width))
	}
}

// Package clidoc makes the help, the manual pages and the completion of a program out of one text:
// its cobra commands, their flags, and a page of more for each.
package clidoc

import (
	"strings"

	"github.com/spf13/cobra"
)

// Docs is a program's documentation: out of its commands, their flags and these pages come the
// help, the manual pages and what shells complete.
type Docs struct {
	Version string          // of the program, for the heads of manual pages
	Pages   map[string]Page // by CommandName
}

// Page is what the help and the manual page of a command hold beyond its description, flags and
// examples.
type Page struct {
	Sections    []Section
	Environment []Entry
	Files       []Entry
	Exits       []Entry  // the codes the command may end with
	SeeAlso     []string // pages beside the program's own; on that, behind the program's others
	Section     string   // "": 1 for a command, 7 for a topic (man-pages(7))
}

// Section is a part of a page with a title of its own.
type Section struct {
	Title, Text string
	InHelp      bool // not in the manual page alone
}

// PageOf is the page of a command or a topic.
func (d Docs) PageOf(cmd *cobra.Command) Page { return d.Pages[CommandName(cmd)] }

// CommandName is how a command is called, without the program's name but for the program itself:
// "speed tunnel".
func CommandName(cmd *cobra.Command) string {
	return strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
}

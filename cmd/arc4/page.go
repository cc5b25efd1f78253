package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// docs is a program's documentation: out of its commands, their flags and these pages come the help,
// the manual pages and what shells complete.
type docs struct {
	version string          // of the program, for the heads of manual pages
	pages   map[string]page // by commandName
}

// page is what the help and the manual page of a command hold beyond its description, flags and
// examples.
type page struct {
	sections    []pageSection
	environment []textEntry
	files       []textEntry
	exits       []textEntry // the codes the command may end with
	seeAlso     []string    // pages beside the program's own; on that, behind the program's others
	manSection  string      // "": 1 for a command, 7 for a topic (man-pages(7))
}

type pageSection struct {
	title, text string
	inHelp      bool // not in the manual page alone
}

// pageOf is the page of a command or a topic.
func (d docs) pageOf(cmd *cobra.Command) page { return d.pages[commandName(cmd)] }

// commandName is how a command is called, without the program's name but for the program itself:
// "speed tunnel".
func commandName(cmd *cobra.Command) string {
	return strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
}
